"""What one frame says for or against one line through a reference.

A line maps query time to reference time: reference = speed * query + offset. Its evidence comes
from the stored vectors themselves, so it is there where no neighbour list named the frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mitate.server.distances import Vectors, squared_distances

Times = NDArray[np.float64]
Lumas = NDArray[np.uint8]  # (l, rows, cols)
Floats = NDArray[np.float64]

TOLERANCE_MS = 40.0  # a line may be off by this much, and by one frame at least
OUTSIDE = np.int32(1 << 20)  # distance to what lies before or after the reference

# A log-likelihood of 3 means that copies lie this near twenty times as often as the nearest
# unrelated frame does. Measured on real clips: copies 0..1,500, with logos up to 5,000; the nearest
# of 25,000 unrelated frames 5,000 at the 10th percentile, falling with the fifth root of their
# number.
LARGEST = 3.0
CLOSEST = 4.5  # what tells frames of a still scene apart, all of which are copies by that measure
OUTSIDE_EVIDENCE = -8.0
_SURE_DISTANCE = 625.0
_EVEN_DISTANCE = 4900.0
_EVEN_ROWS = 25_000
_EVEN_POWER = 0.2
_SMALLEST_EVEN_DISTANCE = 1300.0

# Frames that repeat the one before add this share of their evidence.
_REPEATED_SHARE = 0.2
_NEW_DISTANCE = 625.0
_MOST_WINDOWS = 3  # of a line
_WORTHWHILE = 1.05  # what one more window must add


def _no_runs() -> NDArray[np.uint32]:
    return np.zeros(0, np.uint32)


class VectorRows(Protocol):
    """Vectors of which any may be read by number, slice or array of numbers."""

    def __getitem__(self, kept: Any, /) -> Any:
        """Return (32,) for a number, else (..., 32)."""


@dataclass(frozen=True)
class Reference:
    """The frames of one source."""

    times_ms: NDArray[np.int64]  # (n,) strictly increasing
    kept_first: NDArray[np.uint32]  # (m,) first frame of each vector
    vectors: VectorRows  # (m, 32)
    end_ms: int
    windows: VectorRows | None = None  # (windows * r, 32) of the parts of runs
    run_first: NDArray[np.uint32] = field(default_factory=_no_runs)  # (r,) first vector of each
    luma_first: NDArray[np.uint32] = field(default_factory=_no_runs)  # (l,) frames
    lumas: Lumas | None = None  # of the frames from each of these on

    @cached_property
    def kept(self) -> NDArray[np.int64]:
        """Number of the vector of each frame, (n,)."""
        starts = np.zeros(len(self.times_ms), np.int64)
        starts[self.kept_first] = 1
        return np.cumsum(starts) - 1

    @cached_property
    def runs(self) -> NDArray[np.int64]:
        """Number of the run of each vector, (m,)."""
        starts = np.zeros(len(self.kept_first), np.int64)
        starts[self.run_first] = 1
        return np.cumsum(starts) - 1

    def luma_of(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of the luma grid of each frame, in the same shape."""
        return np.searchsorted(self.luma_first, frames, side="right") - 1

    @cached_property
    def step_ms(self) -> float:
        """Usual time from one frame to the next."""
        return float(np.median(np.diff(self.times_ms))) if len(self.times_ms) > 1 else 1000.0

    def frames_at(self, times_ms: Times) -> NDArray[np.int64]:
        """Return the frame whose time is nearest, in the shape of `times_ms`."""
        after = np.searchsorted(self.times_ms, times_ms).clip(1, max(1, len(self.times_ms) - 1))
        before = after - 1
        after = np.minimum(after, len(self.times_ms) - 1)
        nearer = times_ms - self.times_ms[before] <= self.times_ms[after] - times_ms
        return np.where(nearer, before, after)

    def holds(self, times_ms: Times) -> NDArray[np.bool_]:
        """Tell which times lie within the source, give or take one frame."""
        slack = max(self.step_ms, TOLERANCE_MS)
        first_ms, end_ms = int(self.times_ms[0]), self.end_ms
        return np.logical_and(times_ms >= first_ms - slack, times_ms <= end_ms + slack)


class Inner(NamedTuple):
    """What lies within the borders of shots; the whole frame where there is none."""

    plain: Vectors
    mirrored: Vectors
    found: NDArray[np.bool_]  # (n,) frames with a border

    def take(self, which: NDArray[np.int64]) -> Inner:
        """Return it for some of the frames."""
        return Inner(self.plain[which], self.mirrored[which], self.found[which])


class Moving(NamedTuple):
    """The luma grids of frames, in which what moves can be seen."""

    lumas: Lumas
    numbers: NDArray[np.int64]  # (n,) of the grid of each frame

    def take(self, which: NDArray[np.int64]) -> Moving:
        """Return those of some of the frames."""
        return self._replace(numbers=self.numbers[which])


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The frames of a query, all of them or a sample."""

    times_ms: NDArray[np.int64]  # (n,) strictly increasing
    plain: Vectors
    mirrored: Vectors
    informative: NDArray[np.bool_]  # (n,) frames that vote
    inner: Inner | None = None
    moving: Moving | None = None

    def __len__(self) -> int:
        return len(self.times_ms)

    def vectors(self, mirrored: bool, inner: bool = False) -> Vectors:
        """Return the vectors of one orientation, of whole frames or within borders of shots."""
        views = self.inner if inner and self.inner is not None else self
        return views.mirrored if mirrored else views.plain

    def take(self, which: NDArray[np.int64]) -> Frames:
        """Return some of the frames."""
        return Frames(
            self.times_ms[which],
            self.plain[which],
            self.mirrored[which],
            self.informative[which],
            None if self.inner is None else self.inner.take(which),
            None if self.moving is None else self.moving.take(which),
        )

    def shares(self) -> Floats:
        """Return the share of its evidence that each frame adds, (n,).

        It is smaller for frames that look like the one before, and 0 for those that do not vote.
        """
        shares = np.ones(len(self))
        if len(self) > 1:
            changes = np.sqrt(squared_distances(self.plain[1:], self.plain[:-1]) / _NEW_DISTANCE)
            shares[1:] = changes.clip(_REPEATED_SHARE, 1)
        return np.where(self.informative, shares, 0.0)


class Line(NamedTuple):
    """A way to play a source."""

    source_id: int
    mirrored: bool
    speed: float
    offset_ms: float
    inner: bool = False  # what lies within the border of the shot is shown
    windows: tuple[int, ...] = ()  # parts of the source that may be shown; none: all of it

    def at(self, times_ms: NDArray[np.int64]) -> Times:
        """Return the reference times of query times."""
        return np.asarray(self.speed * times_ms + self.offset_ms, np.float64)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Log-likelihood ratio of a distance: a copy against the nearest unrelated frame."""

    even: float  # the distance that says nothing

    @staticmethod
    def for_rows(n_rows: int) -> Likelihood:
        """Return the one for an index of that many frames: the more, the nearer is chance."""
        shrunk = (max(n_rows, _EVEN_ROWS) / _EVEN_ROWS) ** -_EVEN_POWER
        return Likelihood(max(_SMALLEST_EVEN_DISTANCE, _EVEN_DISTANCE * shrunk))

    def __call__(self, distances: NDArray[np.int32], most: float = LARGEST) -> Floats:
        """Return the ratios of squared distances, at most `most`, in the same shape."""
        even, sure = np.sqrt(self.even), np.sqrt(_SURE_DISTANCE)
        ratios = LARGEST * (even - np.sqrt(distances)) / (even - sure)
        found: Floats = np.where(
            distances >= OUTSIDE, OUTSIDE_EVIDENCE, ratios.clip(-LARGEST, most)
        )
        return found


def distances_on(
    line: Line, query: Frames, reference: Reference, tolerance_ms: float = TOLERANCE_MS
) -> NDArray[np.int32]:
    """Return the distance of each query frame to the nearest frame around its place, (n,).

    Around is `tolerance_ms` and one frame at least, or the very frame if the tolerance is 0.
    """
    kept, held = _around(line, query, reference, tolerance_ms)
    distances = distances_to(line, query, reference, kept).min(axis=1)
    return np.where(held, distances, OUTSIDE)


def _around(
    line: Line, query: Frames, reference: Reference, tolerance_ms: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the vectors around the place of each frame, (n, k), and which places there are."""
    times_ms = line.at(query.times_ms)
    n_steps = max(1, round(tolerance_ms / reference.step_ms)) if tolerance_ms else 0
    steps = np.array([-n_steps, 0, n_steps]) if n_steps else np.zeros(1, np.int64)
    around = reference.frames_at(times_ms)[:, None] + steps
    kept = reference.kept[around.clip(0, len(reference.times_ms) - 1)]
    return kept, reference.holds(times_ms)


def distances_to(
    line: Line,
    query: Frames,
    reference: Reference,
    kept: NDArray[np.int64],  # (n, k) numbers of vectors of the reference
) -> NDArray[np.int32]:
    """Return the distance of each query frame to some of the reference's, (n, k)."""
    vectors = query.vectors(line.mirrored, line.inner)
    if not line.windows or reference.windows is None:
        return squared_distances(vectors[:, None], reference.vectors[kept])
    runs, n_runs = reference.runs[kept], len(reference.run_first)
    found = [
        squared_distances(vectors[:, None], reference.windows[window * n_runs + runs])
        for window in line.windows
    ]
    return np.asarray(np.minimum.reduce(found), np.int32)


def _distances_by_window(
    line: Line, query: Frames, reference: Reference, windows: VectorRows
) -> NDArray[np.int32]:
    """Return what `distances_on` tells for each window of a line, (windows, n)."""
    kept, held = _around(line, query, reference, TOLERANCE_MS)
    runs, places = np.unique(reference.runs[kept], return_inverse=True)
    numbers = np.array(line.windows)[:, None] * len(reference.run_first) + runs
    vectors = query.vectors(line.mirrored, line.inner)[:, None]
    places = places.reshape(kept.shape)
    found = [
        squared_distances(vectors, of_runs[places]).min(axis=1) for of_runs in windows[numbers]
    ]
    return np.where(held, np.stack(found), OUTSIDE)


def with_windows(line: Line, query: Frames, reference: Reference, likelihood: Likelihood) -> Line:
    """Return a line with the few windows that together agree best with the frames."""
    if reference.windows is None:
        return line
    distances = _distances_by_window(line, query, reference, reference.windows)
    evidence = likelihood(distances).clip(0)
    chosen: list[int] = []
    reached = np.zeros(len(query))
    for _ in range(_MOST_WINDOWS):
        gains = np.maximum(evidence, reached).sum(axis=1)
        best = int(gains.argmax())
        if chosen and gains[best] < reached.sum() * _WORTHWHILE:
            break
        chosen.append(best)
        reached = np.maximum(reached, evidence[best])
    return line._replace(windows=tuple(line.windows[place] for place in sorted(chosen)))
