"""Signatures made or read on this side. The kernels are loaded only when they are needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from mitate.clients.media import LocalFile, local_file, reading
from mitate.clients.results import Progress
from mitate.kernels.errors import InvalidSignature

if TYPE_CHECKING:
    from mitate.kernels.signature import Signature

DESCRIPTOR_BYTES = (35, 33, 21)
MAX_DESCRIPTOR_BYTES = 64  # of a file that holds one descriptor as bytes or text


@dataclass(frozen=True, slots=True)
class Signed:
    """A media file's signature file and the hash of the media file."""

    signature: Signature
    data: bytes
    sha256: str


def sign_file(file: LocalFile, on_progress: Callable[[Progress], None] | None) -> Signed:
    """Make the signature of a media file.

    Raises:
        InvalidMedia: it cannot be decoded.
    """
    with reading(file.path) as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    signature = sign_path(file.path, on_progress)
    return Signed(signature, file_bytes(signature), sha256)


def sign_path(
    path: Path,
    on_progress: Callable[[Progress], None] | None,
    *,
    every: int = 1,
    keys_only: bool = False,
) -> Signature:
    """Return the signature of a media file; `every` and `keys_only` as in `kernels.sign.sign`."""
    from mitate.kernels.sign import sign

    def tell(n_frames: int, time_ms: int, duration_ms: int) -> None:
        if on_progress is not None:
            fraction = min(1.0, time_ms / duration_ms) if duration_ms > 0 else 0.0
            on_progress(Progress("read", fraction, n_frames, time_ms, duration_ms))

    return sign(path, every=every, keys_only=keys_only, progress=tell)


def file_bytes(signature: Signature) -> bytes:
    """Return the signature file of a signature."""
    from mitate.kernels import signature_file

    buffer = BytesIO()
    signature_file.write(signature, buffer)
    return buffer.getvalue()


def signature_bytes(signature: str | os.PathLike[str] | bytes | Signature) -> bytes:
    """Return a signature as the bytes of a signature file.

    Takes a signature, the path or the content of a signature file, or of a file with one
    descriptor in 35, 33 or 21 bytes or as text of 48, 44 or 28 characters.

    Raises:
        InvalidSignature: it is none of these.
        CorruptData: a signature file that was cut short or changed.
    """
    from mitate.kernels import signature_file
    from mitate.kernels.signature_header import MAGIC

    if isinstance(signature, bytes):
        data = signature
    elif isinstance(signature, str | os.PathLike):
        data = _content(local_file(signature))
    else:
        return file_bytes(signature)
    if data.startswith(MAGIC):
        signature_file.verify(data)
        return data
    if len(data) > MAX_DESCRIPTOR_BYTES:
        raise InvalidSignature("this is neither a signature file nor one descriptor")
    return file_bytes(_of_descriptor(data))


def _content(file: LocalFile) -> bytes:
    from mitate.kernels.signature_header import MAGIC

    with reading(file.path) as opened:
        head = opened.read(MAX_DESCRIPTOR_BYTES + 1)
        return head + opened.read() if head.startswith(MAGIC) else head


def _of_descriptor(data: bytes) -> Signature:
    """Return the signature of a picture of which only the descriptor is known."""
    import numpy as np

    from mitate.kernels.borders import Rect
    from mitate.kernels.codec import decode_layouts
    from mitate.kernels.layout import mirror_layouts
    from mitate.kernels.quality import quality_of_layouts
    from mitate.kernels.signature import DESCRIPTOR_VERSION, Signature

    raw = len(data) in DESCRIPTOR_BYTES
    layouts = decode_layouts(data if raw else data.strip().decode("ascii", "replace"))
    return Signature(
        kind="image",
        descriptor_version=DESCRIPTOR_VERSION,
        preprocessing_version="unknown",
        width=1,
        height=1,
        rect=Rect(0, 0, 1, 1),
        duration_ms=0,
        times_ms=np.zeros(1, np.int64),
        kept_first=np.zeros(1, np.uint32),
        layouts=layouts,
        mirrored=mirror_layouts(layouts),
        quality=quality_of_layouts(layouts),
    )
