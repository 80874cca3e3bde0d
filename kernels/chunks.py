"""A signature in pieces: chunks of frames, and the head, which is complete after the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.signature import (
    DESCRIPTOR_VERSION,
    Kind,
    Signature,
    no_layouts,
    no_run_first,
    no_thumbnails,
    no_windows,
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive frames of a media item and the descriptors that begin in them."""

    times_ms: npt.NDArray[np.int64]  # (n,)
    kept_first: npt.NDArray[np.uint32]  # (k,) frame numbers counted from the start of the item
    layouts: npt.NDArray[np.uint8]  # (k, 33)
    mirrored: npt.NDArray[np.uint8]  # (k, 33)
    quality: npt.NDArray[np.uint8]  # (k,)
    run_first: npt.NDArray[np.uint32] = field(default_factory=no_run_first)  # (r,) likewise
    windows: npt.NDArray[np.uint8] = field(default_factory=no_windows)
    thumbnails: npt.NDArray[np.uint8] = field(default_factory=no_thumbnails)
    inner_kept: npt.NDArray[np.uint32] = field(default_factory=no_run_first)  # (j,) likewise
    inner: npt.NDArray[np.uint8] = field(default_factory=no_layouts)  # (j, 33)
    inner_mirrored: npt.NDArray[np.uint8] = field(default_factory=no_layouts)  # (j, 33)


@dataclass(frozen=True, slots=True)
class MediaHead:
    """What a signature says beside its frames, as far as it is known."""

    kind: Kind
    preprocessing_version: str
    width: int  # of the first frame as coded, pixels
    height: int
    rect: Rect
    duration_ms: int  # when the last frame read so far ends
    partial: bool


def taken_apart(signature: Signature) -> tuple[Chunk, MediaHead]:
    """Return a signature as one chunk and its head; `join` puts them together again."""
    chunk = Chunk(*(getattr(signature, column.name) for column in fields(Chunk)))
    head = MediaHead(*(getattr(signature, column.name) for column in fields(MediaHead)))
    return chunk, head


def join(head: MediaHead, chunks: Sequence[Chunk]) -> Signature:
    """Return the signature of a media item from its head and all its chunks."""
    return Signature(
        kind=head.kind,
        descriptor_version=DESCRIPTOR_VERSION,
        preprocessing_version=head.preprocessing_version,
        width=head.width,
        height=head.height,
        rect=head.rect,
        duration_ms=head.duration_ms,
        times_ms=np.concatenate([chunk.times_ms for chunk in chunks]),
        kept_first=np.concatenate([chunk.kept_first for chunk in chunks]),
        layouts=np.concatenate([chunk.layouts for chunk in chunks]),
        mirrored=np.concatenate([chunk.mirrored for chunk in chunks]),
        quality=np.concatenate([chunk.quality for chunk in chunks]),
        partial=head.partial,
        run_first=np.concatenate([chunk.run_first for chunk in chunks]),
        windows=np.concatenate([chunk.windows for chunk in chunks]),
        thumbnails=np.concatenate([chunk.thumbnails for chunk in chunks]),
        inner_kept=np.concatenate([chunk.inner_kept for chunk in chunks]),
        inner=np.concatenate([chunk.inner for chunk in chunks]),
        inner_mirrored=np.concatenate([chunk.inner_mirrored for chunk in chunks]),
    )
