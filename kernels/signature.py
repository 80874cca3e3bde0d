"""The signature of one media item: what every frame looks like, and when it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.signature_rules import (
    DESCRIPTOR_VERSION,
    LUMA_COLS,
    LUMA_ROWS,
    MAX_SIDE,
    MAX_VERSION_BYTES,
    N_COEFFICIENTS,
    N_WINDOWS,
    THUMB_COLS,
    THUMB_ROWS,
    Kind,
    check,
)

__all__ = [
    "DESCRIPTOR_VERSION",
    "LUMA_COLS",
    "LUMA_ROWS",
    "MAX_SIDE",
    "MAX_VERSION_BYTES",
    "N_COEFFICIENTS",
    "N_WINDOWS",
    "THUMB_COLS",
    "THUMB_ROWS",
    "Bytes",
    "Kind",
    "Signature",
    "no_layouts",
    "no_lumas",
    "no_run_first",
    "no_thumbnails",
    "no_windows",
]

Bytes = npt.NDArray[np.uint8]

_ARRAYS = (
    "times_ms",
    "kept_first",
    "layouts",
    "mirrored",
    "quality",
    "run_first",
    "windows",
    "thumbnails",
    "inner_kept",
    "inner",
    "inner_mirrored",
    "luma_first",
    "lumas",
)


def no_run_first() -> npt.NDArray[np.uint32]:
    """Return the `run_first` of a signature without runs."""
    return np.zeros(0, np.uint32)


def no_layouts() -> Bytes:
    """Return no descriptors."""
    return np.zeros((0, N_COEFFICIENTS), np.uint8)


def no_windows() -> Bytes:
    """Return the `windows` of a signature without runs."""
    return np.zeros((0, N_WINDOWS, N_COEFFICIENTS), np.uint8)


def no_lumas() -> Bytes:
    """Return the `lumas` of a signature without any."""
    return np.zeros((0, LUMA_ROWS, LUMA_COLS), np.uint8)


def no_thumbnails() -> Bytes:
    """Return the `thumbnails` of a signature without runs."""
    return np.zeros((0, THUMB_ROWS, THUMB_COLS), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """Descriptors and times of one media item; a still has one frame.

    Frames are numbered from 0 in the order shown. Neighbouring frames with equal descriptors share
    one kept descriptor, so kept descriptor i stands for frames kept_first[i] up to, and without,
    kept_first[i + 1]. Neighbouring kept descriptors that are nearly equal form a run, of which more
    is stored: descriptors of windows and a thumbnail of its first frame. Signatures made from
    descriptors alone have no runs. The arrays are read-only.
    """

    kind: Kind
    descriptor_version: str
    preprocessing_version: str
    width: int  # of the first frame as coded, pixels
    height: int
    rect: Rect  # the part described, in pixels of that size
    duration_ms: int  # when the last frame ends
    times_ms: npt.NDArray[np.int64]  # (n,) from the start of the file, strictly increasing
    kept_first: npt.NDArray[np.uint32]  # (m,) strictly increasing, kept_first[0] == 0
    layouts: npt.NDArray[np.uint8]  # (m, 33) Y21 Cb6 Cr6
    mirrored: npt.NDArray[np.uint8]  # (m, 33) of the mirrored frame
    quality: npt.NDArray[np.uint8]  # (m,) how much there is to recognise
    partial: bool = False  # the file ended or broke before its declared end
    run_first: npt.NDArray[np.uint32] = field(default_factory=no_run_first)  # (r,)
    windows: Bytes = field(default_factory=no_windows)  # (r, 16, 33), see windows.WINDOWS
    thumbnails: Bytes = field(default_factory=no_thumbnails)  # (r, THUMB_ROWS, THUMB_COLS)
    # Kept descriptors of shots that stand within a border of their own, and what is inside it.
    inner_kept: npt.NDArray[np.uint32] = field(default_factory=no_run_first)  # (j,) increasing
    inner: Bytes = field(default_factory=no_layouts)  # (j, 33)
    inner_mirrored: Bytes = field(default_factory=no_layouts)  # (j, 33)
    # What moves, which descriptors are too coarse for: the luma of a few cells of every frame.
    luma_first: npt.NDArray[np.uint32] = field(default_factory=no_run_first)  # (l,) frames
    lumas: Bytes = field(default_factory=no_lumas)  # (l, LUMA_ROWS, LUMA_COLS)

    def __post_init__(self) -> None:
        check(self)
        for name in _ARRAYS:
            view = getattr(self, name).view(np.ndarray)
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __repr__(self) -> str:
        """Return a short text with sizes in place of arrays."""
        return (
            f"Signature({self.kind}, {self.width}x{self.height}, {self.n_frames} frames, "
            f"{self.n_kept} kept, {self.duration_ms} ms{', partial' if self.partial else ''})"
        )

    @property
    def n_frames(self) -> int:
        """Frames of the item."""
        return len(self.times_ms)

    @property
    def n_kept(self) -> int:
        """Descriptors stored; at most `n_frames`."""
        return len(self.kept_first)

    def frames_of(self, kept: int) -> range:
        """Return the frame numbers that kept descriptor `kept` stands for."""
        if not 0 <= kept < self.n_kept:
            raise IndexError(f"kept descriptor {kept} of {self.n_kept}")
        last = kept + 1 == self.n_kept
        stop = self.n_frames if last else int(self.kept_first[kept + 1])
        return range(int(self.kept_first[kept]), stop)

    def kept_of(
        self,
        frames: npt.ArrayLike,  # any shape, 0..n_frames-1
    ) -> npt.NDArray[np.int64]:
        """Return the number of the kept descriptor of each frame, in the same shape."""
        found = np.searchsorted(self.kept_first, np.asarray(frames), side="right") - 1
        return np.asarray(found, np.int64)

    def luma_of(
        self,
        frames: npt.ArrayLike,  # any shape, 0..n_frames-1
    ) -> npt.NDArray[np.int64]:
        """Return the number of the luma grid of each frame, -1 where there are none."""
        found = np.searchsorted(self.luma_first, np.asarray(frames), side="right") - 1
        return np.asarray(found, np.int64)

    def part(self, first: int, stop: int, *, with_runs: bool = False) -> Signature:
        """Return frames first..stop - 1 as a signature; times stay as they are.

        A run that begins before them stands, if runs are wanted, for what is left of it.
        """
        begin, end = int(self.kept_of(first)), int(self.kept_of(stop - 1)) + 1
        kept_first = np.maximum(self.kept_first[begin:end].astype(np.int64) - first, 0)
        within = slice(*np.searchsorted(self.inner_kept, (begin, end)))
        runs = slice(0, 0)
        if with_runs and len(self.run_first):
            runs = slice(int(self.run_of(begin)), int(self.run_of(end - 1)) + 1)
        run_first = self.run_first[runs].astype(np.int64) - begin
        lumas = slice(0, 0)
        if len(self.luma_first):
            lumas = slice(int(self.luma_of(first)), int(self.luma_of(stop - 1)) + 1)
        luma_first = (self.luma_first[lumas].astype(np.int64) - first).clip(0)
        return replace(
            self,
            times_ms=self.times_ms[first:stop],
            duration_ms=int(self.times_ms[stop]) if stop < self.n_frames else self.duration_ms,
            kept_first=kept_first.astype(np.uint32),
            layouts=self.layouts[begin:end],
            mirrored=self.mirrored[begin:end],
            quality=self.quality[begin:end],
            run_first=run_first.clip(0).astype(np.uint32),
            windows=self.windows[runs],
            thumbnails=self.thumbnails[runs],
            inner_kept=(self.inner_kept[within] - np.uint32(begin)).astype(np.uint32),
            inner=self.inner[within],
            inner_mirrored=self.inner_mirrored[within],
            luma_first=luma_first.astype(np.uint32),
            lumas=self.lumas[lumas],
        )

    def run_of(
        self,
        kept: npt.ArrayLike,  # any shape, numbers of kept descriptors
    ) -> npt.NDArray[np.int64]:
        """Return the number of the run of each kept descriptor, -1 where there are no runs."""
        found = np.searchsorted(self.run_first, np.asarray(kept), side="right") - 1
        return np.asarray(found, np.int64)

    def kept_of_run(self, run: int) -> range:
        """Return the numbers of the kept descriptors of a run."""
        last = run + 1 == len(self.run_first)
        return range(
            int(self.run_first[run]), self.n_kept if last else int(self.run_first[run + 1])
        )
