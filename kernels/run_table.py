"""Runs of similar consecutive rows, each with a centre and a radius, for exact search.

A row begins a new run when it is farther than a limit from the first of the run under way. The
centre is the rounded mean of the run, which no row need equal; the radius is the distance from it
to its farthest row, rounded up. The distance is a metric, so no row of a run is nearer to a query
than the centre less the radius.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.distance import LIRE_WEIGHTS
from mitate.kernels.jit import jit
from mitate.kernels.nearest import Ints
from mitate.kernels.tile_code import TILE_ROWS
from mitate.kernels.tiles import LIRE, Metric, Tiles

BOX_BYTES = 64
RADIUS_STEPS = 16  # of one unit of distance
MAX_RUN_ROWS = 64
Rows = npt.NDArray[Any]  # (n, d) of int8 or uint8


class Runs(NamedTuple):
    """What a compiled search needs to know of the runs."""

    chunks: npt.NDArray[np.uintp]  # addresses of the tiles of centres
    radii: npt.NDArray[np.uint16]  # (n and more,) in sixteenths
    starts: Ints  # (n + 1 and more,) first row of each run, then the number of rows
    boxes: npt.NDArray[np.uint8]  # (n and more, 64) least, then largest stored bytes of its rows


class RunTable:
    """The runs of rows that are only ever appended or marked dead."""

    def __init__(self, metric: Metric, limit: float) -> None:
        self._metric = metric
        self._limit = limit
        self._centres = Tiles(metric)
        self._radii = np.zeros(TILE_ROWS, np.uint16)
        self._starts = np.zeros(TILE_ROWS + 1, np.int64)
        self._boxes = _aligned(TILE_ROWS)

    @property
    def n_runs(self) -> int:
        """Runs ever made."""
        return self._centres.n_rows

    @property
    def n_bytes(self) -> int:
        """Memory of radii and starts; that of the centres is with the tiles."""
        return self._radii.nbytes + self._starts.nbytes + self._boxes.nbytes

    @property
    def arrays(self) -> Runs:
        """The runs as compiled code takes them, valid until the next change."""
        return Runs(self._centres.addresses, self._radii, self._starts, self._boxes)

    def append(self, rows: Rows) -> None:
        """Cut newly appended rows into runs."""
        if not len(rows):
            return
        lire = self._metric is LIRE
        firsts = first_of_runs(rows, self._limit, MAX_RUN_ROWS, lire)
        n_rows = int(self._starts[self.n_runs])
        before, after = self.n_runs, self.n_runs + len(firsts)
        self._reserve(after)
        centres = np.empty((len(firsts), self._metric.n_dims), self._metric.dtype)
        boxes, radii = self._boxes[before:after], self._radii[before:after]
        measure_runs(rows, np.append(firsts, len(rows)), lire, centres, radii, boxes)
        self._centres.append(centres)
        self._starts[before:after] = n_rows + firsts
        self._starts[after] = n_rows + len(rows)

    def kill(self, first: int, stop: int) -> None:
        """Leave out the runs of which all rows lie in first..stop - 1, which are dead."""
        starts = self._starts[: self.n_runs + 1]
        run = int(np.searchsorted(starts, first, side="left"))
        run_stop = int(np.searchsorted(starts, stop, side="right")) - 1
        if run < run_stop:
            self._centres.kill(run, run_stop)

    def centres(self, first: int, stop: int) -> Rows:
        """Return a copy of the centres of some runs, (n, d)."""
        return self._centres.rows(first, stop)

    def ranges_of(
        self,
        ranges: Ints,  # (r, 2) of rows
    ) -> Ints | None:
        """Return ranges of runs that hold just these rows; None where a range cuts a run."""
        starts = self._starts[: self.n_runs + 1]
        found = np.searchsorted(starts, ranges)
        return found if np.array_equal(starts[found], ranges) else None

    def _reserve(self, n_runs: int) -> None:
        if n_runs + TILE_ROWS < len(self._radii):
            return
        spare = max(n_runs, 5 * len(self._radii) // 4) + TILE_ROWS - len(self._radii)
        self._radii = np.pad(self._radii, (0, spare))
        self._starts = np.pad(self._starts, (0, spare))
        boxes = _aligned(len(self._radii))
        boxes[: len(self._boxes)] = self._boxes
        self._boxes = boxes


def _aligned(n_boxes: int) -> npt.NDArray[np.uint8]:
    """Return room for boxes, each in one line of the cache."""
    memory = np.zeros(BOX_BYTES * (n_boxes + 1), np.uint8)
    skip = -memory.ctypes.data % BOX_BYTES
    return memory[skip : skip + BOX_BYTES * n_boxes].reshape(n_boxes, BOX_BYTES)


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
def measure_runs(
    rows: Rows,
    starts: Ints,
    lire: bool,
    centres: Rows,
    radii: npt.NDArray[np.uint16],
    boxes: npt.NDArray[np.uint8],
) -> None:
    """Write the centres, of shape (n, d), the radii, in sixteenths, and the boxes of n runs."""
    sums = np.empty(rows.shape[1], np.int64)
    for run in range(len(starts) - 1):
        first, stop = starts[run], starts[run + 1]
        sums[:] = 0
        for i in range(first, stop):
            for j in range(rows.shape[1]):
                sums[j] += rows[i, j]
        for j in range(rows.shape[1]):
            centres[run, j] = int(np.rint(sums[j] / (stop - first)))
            if j < 32:
                low, high = rows[first:stop, j].min(), rows[first:stop, j].max()
                boxes[run, j], boxes[run, 32 + j] = stored(low, j, lire), stored(high, j, lire)
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
    sums = np.zeros(3, np.int64)
    for j in range(len(a)):
        difference = np.int64(a[j]) - np.int64(b[j])
        if lire:
            sums[0 if j < 21 else 1 if j < 27 else 2] += LIRE_WEIGHTS[j] * difference * difference
        else:
            sums[0] += difference * difference
    return math.sqrt(sums[0]) + math.sqrt(sums[1]) + math.sqrt(sums[2])
