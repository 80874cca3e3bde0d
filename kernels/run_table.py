"""Runs of similar consecutive rows, and boxes that bound them, for exact search.

A row begins a new run when it is farther than a limit from the first of the run under way. The box
of a run holds the least and the largest value of every coordinate, so no row of it is nearer to a
query than the box. On a GPU, a run is bounded by a centre, the rounded mean of its rows, which no
row need equal, and a radius, the distance from it to the farthest row, rounded up: the distance is
a metric.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.box_tree import N_BYTES, Boxes, BoxTree, Bytes
from mitate.kernels.distance import LIRE_WEIGHTS
from mitate.kernels.jit import jit
from mitate.kernels.nearest import Ints
from mitate.kernels.tiles import LIRE, Metric

RADIUS_STEPS = 16  # of one unit of distance
MAX_RUN_ROWS = 64
SPAN = 128  # a power of two above MAX_RUN_ROWS
Rows = npt.NDArray[Any]  # (n, d) of int8 or uint8


class Runs(NamedTuple):
    """What a compiled search needs to know of the runs."""

    boxes: Boxes
    spans: Ints  # (n and more,) first row of each run times SPAN, plus the number of its rows


class RunTable:
    """The runs of rows that are only ever appended or marked dead.

    Runs that were appended together stand together, in the order of `BoxTree`.
    """

    def __init__(self, metric: Metric, limit: float) -> None:
        self._metric = metric
        self._limit = limit
        self._tree = BoxTree()
        self._spans = np.zeros(1, np.int64)
        # Of every part that was appended, and at the end.
        self._first_rows = [0]
        self._first_runs = [0]
        self._parts = np.zeros((2, 1), np.int64)  # both, brought up to date where they are needed

    @property
    def n_runs(self) -> int:
        """Runs ever made."""
        return self._tree.n_boxes

    @property
    def arrays(self) -> Runs:
        """The runs as compiled code takes them, valid until the next change."""
        return Runs(self._tree.boxes, self._spans)

    def append(self, rows: Rows) -> None:
        """Cut newly appended rows into runs."""
        if not len(rows):
            return
        lire = self._metric is LIRE
        firsts = first_of_runs(rows, self._limit, MAX_RUN_ROWS, lire)
        starts = np.append(firsts, len(rows))
        lows, highs = (np.empty((len(firsts), N_BYTES), np.uint8) for _ in range(2))
        box_runs(rows, starts, lire, lows, highs)
        order = self._tree.append(lows, highs)
        spans = (self._first_rows[-1] + firsts) * SPAN + np.diff(starts)
        self._reserve(self.n_runs)
        self._spans[self.n_runs - len(order) : self.n_runs] = spans[order]
        self._first_rows.append(self._first_rows[-1] + len(rows))
        self._first_runs.append(self.n_runs)

    def kill(self, first: int, stop: int) -> None:
        """Leave out the runs of which all rows lie in first..stop - 1, which are dead."""
        part, part_stop = bisect_right(self._first_rows, first) - 1, len(self._first_rows) - 1
        part_stop = min(part_stop, bisect_left(self._first_rows, stop))
        if part >= part_stop:
            return
        run = self._first_runs[part]
        spans = self._spans[run : self._first_runs[part_stop]]
        dead = (spans // SPAN >= first) & (spans // SPAN + spans % SPAN <= stop)
        self._tree.empty(run + np.flatnonzero(dead))

    def rows_of(self, run: int) -> tuple[int, int]:
        """Return the first row of a run and the row after its last."""
        first, n = divmod(int(self._spans[run]), SPAN)
        return first, first + n

    def sides(self, run: int) -> tuple[Bytes, Bytes]:
        """Return the least and largest bytes of the rows of a run, (32,) each."""
        return self._tree.sides(run)

    def ranges_of(
        self,
        ranges: Ints,  # (r, 2) of rows
    ) -> Ints | None:
        """Return ranges of runs that hold just these rows.

        None where a range does not begin and end where a part that was appended does.
        """
        if self._parts.shape[1] < len(self._first_rows):
            self._parts = np.array([self._first_rows, self._first_runs])
        first_rows, first_runs = self._parts
        found = np.searchsorted(first_rows, ranges)
        return first_runs[found] if np.array_equal(first_rows[found], ranges) else None

    def _reserve(self, n_runs: int) -> None:
        if n_runs > len(self._spans):
            spare = max(n_runs, 5 * len(self._spans) // 4) - len(self._spans)
            self._spans = np.pad(self._spans, (0, spare))


@jit
def first_of_runs(rows: Rows, limit: float, most: int, lire: bool) -> Ints:
    """Return the rows that begin a run, increasing."""
    begins = np.zeros(len(rows), np.bool_)
    current = 0
    for i in range(len(rows)):
        if i == 0 or i - current == most or between(rows[current], rows[i], lire) > limit:
            begins[i] = True
            current = i
    return np.flatnonzero(begins)


@jit
def box_runs(rows: Rows, starts: Ints, lire: bool, lows: Bytes, highs: Bytes) -> None:
    """Write the least and the largest stored bytes of n runs, (n, 32) each."""
    low, high = np.empty(N_BYTES, rows.dtype), np.empty(N_BYTES, rows.dtype)
    for run in range(len(starts) - 1):
        for j in range(N_BYTES):
            low[j] = high[j] = rows[starts[run], j]
        for i in range(starts[run] + 1, starts[run + 1]):
            for j in range(N_BYTES):
                low[j], high[j] = min(low[j], rows[i, j]), max(high[j], rows[i, j])
        for j in range(N_BYTES):
            lows[run, j], highs[run, j] = stored(low[j], j, lire), stored(high[j], j, lire)


@jit
def measure_runs(
    rows: Rows,
    starts: Ints,
    lire: bool,
    centres: Rows,
    radii: npt.NDArray[np.uint16],
) -> None:
    """Write the centres, of shape (n, d), and the radii, in sixteenths, of n runs."""
    sums = np.empty(rows.shape[1], np.int64)
    for run in range(len(starts) - 1):
        first, stop = starts[run], starts[run + 1]
        sums[:] = 0
        for i in range(first, stop):
            for j in range(rows.shape[1]):
                sums[j] += rows[i, j]
        for j in range(rows.shape[1]):
            centres[run, j] = int(np.rint(sums[j] / (stop - first)))
        radius = 0.0
        for i in range(first, stop):
            radius = max(radius, between(rows[i], centres[run], lire))
        radii[run] = math.ceil(radius * RADIUS_STEPS)


@jit
def stored(value: int, coordinate: int, lire: bool) -> int:
    """Return the byte that a tile holds for a value (see `tiles`)."""
    if lire:
        return int(np.int64(value) * (2 if coordinate == 27 else 1))
    return int(np.int64(value) + 128)


@jit
def between(a: Rows, b: Rows, lire: bool) -> float:
    """Return the distance of two rows, for searched vectors not squared."""
    if not lire:
        return math.sqrt(_squares(a, b, 0, len(a), lire))
    luma, cb = _squares(a, b, 0, 21, lire), _squares(a, b, 21, 27, lire)
    return math.sqrt(luma) + math.sqrt(cb) + math.sqrt(_squares(a, b, 27, 33, lire))


@jit
def _squares(a: Rows, b: Rows, first: int, stop: int, lire: bool) -> int:
    """Return the sum of squared differences of some coordinates, weighted for LIRE's distance."""
    total = np.int64(0)
    for j in range(first, stop):
        difference = np.int64(a[j]) - np.int64(b[j])
        total += difference * difference * (LIRE_WEIGHTS[j] if lire else 1)
    return int(total)
