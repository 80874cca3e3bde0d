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
    no_lumas,
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
    luma_first: npt.NDArray[np.uint32] = field(default_factory=no_run_first)  # (l,) likewise
    lumas: npt.NDArray[np.uint8] = field(default_factory=no_lumas)  # (l, LUMA_ROWS, LUMA_COLS)


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
    columns = {
        column.name: np.concatenate([getattr(chunk, column.name) for chunk in chunks])
        for column in fields(Chunk)
    }
    return Signature(
        kind=head.kind,
        descriptor_version=DESCRIPTOR_VERSION,
        preprocessing_version=head.preprocessing_version,
        width=head.width,
        height=head.height,
        rect=head.rect,
        duration_ms=head.duration_ms,
        partial=head.partial,
        **columns,
    )
