"""The signature of one media item: what every frame looks like, and when it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.errors import InvalidSignature

DESCRIPTOR_VERSION = "cld-21-6-6-mean/1"
N_COEFFICIENTS = 33
N_WINDOWS = 16
THUMB_ROWS, THUMB_COLS = 20, 40
MAX_SIDE = 1 << 24
MAX_VERSION_BYTES = 32

Bytes = npt.NDArray[np.uint8]
Kind = Literal["video", "image"]

# Largest value of each coefficient: six bits for the three DC values, five for the others.
_LARGEST = np.full(N_COEFFICIENTS, 31, np.uint8)
_LARGEST[[0, 21, 27]] = 63

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

    def __post_init__(self) -> None:
        _check_header(self)
        _check_array("times_ms", self.times_ms, np.int64, (None,))
        m = len(self.kept_first) if np.ndim(self.kept_first) == 1 else None
        _check_array("kept_first", self.kept_first, np.uint32, (None,))
        for name in ("layouts", "mirrored"):
            _check_array(name, getattr(self, name), np.uint8, (m, N_COEFFICIENTS))
            _check_layouts(name, getattr(self, name))
        _check_array("quality", self.quality, np.uint8, (m,))
        _check_times(self.times_ms, self.duration_ms)
        _check_kept(self.kept_first, len(self.times_ms))
        _check_runs(self)
        _check_inner(self)
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


def _check_header(signature: Signature) -> None:
    if signature.kind not in get_args(Kind):
        raise InvalidSignature(f"kind {signature.kind!r}; allowed are {', '.join(get_args(Kind))}")
    if signature.descriptor_version != DESCRIPTOR_VERSION:
        raise InvalidSignature(
            f"descriptor version {signature.descriptor_version!r}; this release reads "
            f"{DESCRIPTOR_VERSION!r}"
        )
    _check_version_text(signature.preprocessing_version)
    width, height, rect = signature.width, signature.height, signature.rect
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InvalidSignature(f"size {width}x{height}; sides of 1..{MAX_SIDE} are allowed")
    if not (0 <= rect.left < rect.right <= width and 0 <= rect.top < rect.bottom <= height):
        raise InvalidSignature(f"rect {tuple(rect)} does not lie within {width}x{height}")


def _check_version_text(version: str) -> None:
    printable = version.isascii() and version.isprintable()
    if not (1 <= len(version) <= MAX_VERSION_BYTES and printable):
        raise InvalidSignature(
            f"preprocessing version {version!r}; 1..{MAX_VERSION_BYTES} printable ASCII "
            f"characters are allowed"
        )


def _check_array(
    name: str, array: npt.NDArray[Any], dtype: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    wanted = f"{np.dtype(dtype).name} of shape ({', '.join(str(n or 'any') for n in shape)})"
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != len(shape):
        got = f"{getattr(array, 'dtype', type(array).__name__)} of shape {np.shape(array)}"
        raise InvalidSignature(f"{name} is {got}; it must be {wanted}")
    if any(
        want is not None and have != want for have, want in zip(array.shape, shape, strict=True)
    ):
        raise InvalidSignature(f"{name} has shape {array.shape}; it must be {wanted}")


def _check_layouts(name: str, layouts: npt.NDArray[np.uint8]) -> None:
    wrong = layouts.max(axis=0, initial=0) > _LARGEST
    if wrong.any():
        column = int(wrong.argmax())
        raise InvalidSignature(
            f"{name} coefficient {column} is {int(layouts[:, column].max())}; "
            f"at most {_LARGEST[column]} is allowed"
        )


def _check_times(times_ms: npt.NDArray[np.int64], duration_ms: int) -> None:
    if len(times_ms) == 0:
        raise InvalidSignature("no frames; at least one is needed")
    if times_ms[0] < 0:
        raise InvalidSignature(f"the first frame is at {times_ms[0]} ms; times start at 0 or later")
    if np.any(times_ms[1:] <= times_ms[:-1]):
        at = int(np.argmax(times_ms[1:] <= times_ms[:-1])) + 1
        raise InvalidSignature(
            f"frame {at} is at {times_ms[at]} ms after one at {times_ms[at - 1]} ms; "
            f"times must increase strictly"
        )
    if duration_ms < times_ms[-1]:
        raise InvalidSignature(
            f"duration {duration_ms} ms, but the last frame is at {times_ms[-1]} ms"
        )


def _check_kept(kept_first: npt.NDArray[np.uint32], n_frames: int) -> None:
    if len(kept_first) == 0 or kept_first[0] != 0:
        raise InvalidSignature("kept_first must start with frame 0")
    if np.any(kept_first[1:] <= kept_first[:-1]):
        raise InvalidSignature("kept_first must increase strictly")
    if kept_first[-1] >= n_frames:
        raise InvalidSignature(f"kept_first names frame {kept_first[-1]} of {n_frames}")


def _check_inner(signature: Signature) -> None:
    kept = signature.inner_kept
    _check_array("inner_kept", kept, np.uint32, (None,))
    for name in ("inner", "inner_mirrored"):
        _check_array(name, getattr(signature, name), np.uint8, (len(kept), N_COEFFICIENTS))
        _check_layouts(name, getattr(signature, name))
    if np.any(kept[1:] <= kept[:-1]):
        raise InvalidSignature("inner_kept must increase strictly")
    if len(kept) and kept[-1] >= signature.n_kept:
        raise InvalidSignature(f"inner_kept names descriptor {kept[-1]} of {signature.n_kept}")


def _check_runs(signature: Signature) -> None:
    first = signature.run_first
    _check_array("run_first", first, np.uint32, (None,))
    n_runs = len(first)
    _check_array("windows", signature.windows, np.uint8, (n_runs, N_WINDOWS, N_COEFFICIENTS))
    _check_layouts("windows", signature.windows.reshape(-1, N_COEFFICIENTS))
    _check_array("thumbnails", signature.thumbnails, np.uint8, (n_runs, THUMB_ROWS, THUMB_COLS))
    if n_runs and first[0] != 0:
        raise InvalidSignature(f"run_first starts with {first[0]}; it must start with 0")
    if np.any(first[1:] <= first[:-1]):
        raise InvalidSignature("run_first must increase strictly")
    if n_runs and first[-1] >= signature.n_kept:
        raise InvalidSignature(f"run_first names kept descriptor {first[-1]} of {signature.n_kept}")
