"""The nearest rows of queries, found by opening only the runs that can hold them.

The few nearest centres are found first, by `nearest.scan_rows`. The rows of their runs give a
distance that the k-th nearest row cannot exceed; of all centres, those farther than that distance
and their radius together are left alone, and the runs of the others are opened, nearest first,
while what is found lowers the distance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.nearest import Best, Ints, Queries, no_best, scan_rows, sort_best
from mitate.kernels.run_scan import BLOCK_ROWS, Openable, gather_runs, open_nearest, open_runs
from mitate.kernels.run_table import Runs

_FIRST = 8  # nearest centres, beside those needed for k rows, whose runs give the first distance
_FIRST_ROOM = 1024
_SAMPLED = 4  # of so many blocks, one is searched for the nearest centres
_MANY_BLOCKS = 8  # that a sample has at least


def nearest_by_runs(
    runs: Runs,
    chunks: npt.NDArray[np.uintp],  # addresses of the tiles of rows
    ranges: Ints,  # (r, 2) of runs
    queries: Queries,
    k: int,
    max_opened: int,  # runs for each query
) -> tuple[Best, npt.NDArray[np.bool_]]:
    """Return the k best rows of the runs within `ranges`, and for which query they surely are."""
    n_queries = len(queries.words)
    best = no_best(n_queries, k)
    n_runs = int((ranges[:, 1] - ranges[:, 0]).sum())
    n_rows = int((runs.starts[ranges[:, 1]] - runs.starts[ranges[:, 0]]).sum())
    n_nearest = _FIRST + 4 * k * n_runs // max(n_rows, 1)
    _find_limits(runs, chunks, ranges, queries, k, n_nearest, best, sampled=True)
    openable = _no_runs(n_queries, _FIRST_ROOM)
    place = np.zeros(3, np.int64)
    while not gather_runs(runs, ranges, queries, best.limits, openable, place):
        openable = _more_room(openable)
    exact = np.ones(n_queries, np.bool_)
    open_runs(runs, chunks, queries, k, openable, best, max_opened, exact)
    return best, exact


def _find_limits(
    runs: Runs,
    chunks: npt.NDArray[np.uintp],
    ranges: Ints,
    queries: Queries,
    k: int,
    n_nearest: int,
    best: Best,
    *,
    sampled: bool,
) -> None:
    """Set the limits of `best` from the rows of the runs, of all or a sample, that are nearest."""
    some_ranges = _sample(ranges) if sampled else ranges
    n_runs = int((some_ranges[:, 1] - some_ranges[:, 0]).sum())
    n_nearest = min(n_nearest, n_runs)
    nearest, first = no_best(len(queries.words), n_nearest), no_best(len(queries.words), k)
    scan_rows(runs.chunks, some_ranges, queries, n_nearest, nearest)
    sort_best(nearest, n_nearest)
    open_nearest(runs, chunks, queries, k, nearest, first)
    best.limits[:], best.limit_rows[:] = first.limits, first.limit_rows
    unlimited = np.flatnonzero(np.isinf(first.limits))
    if len(unlimited) and (sampled or n_nearest < n_runs):
        some = Queries(
            queries.words[unlimited],
            queries.offsets[unlimited],
            queries.layouts[unlimited],
            queries.bytes[unlimited],
            queries.shift,
        )
        again = no_best(len(unlimited), k)
        wider = 8 * max(n_nearest, 1)
        _find_limits(runs, chunks, ranges, some, k, wider, again, sampled=False)
        best.limits[unlimited], best.limit_rows[unlimited] = again.limits, again.limit_rows


def _sample(ranges: Ints) -> Ints:
    """Return one block of runs of every few, where there are many."""
    starts = [
        (start, min(start + BLOCK_ROWS, stop))
        for first, stop in ranges.tolist()
        for start in range(first, stop, _SAMPLED * BLOCK_ROWS)
    ]
    return np.array(starts, np.int64).reshape(-1, 2) if len(starts) > _MANY_BLOCKS else ranges


def _no_runs(n_queries: int, room: int) -> Openable:
    """Return an empty `Openable`; it has room for a block at least."""
    room = max(room, BLOCK_ROWS)
    return Openable(
        np.empty((n_queries, room), np.float32),
        np.empty((n_queries, room), np.int64),
        np.zeros(n_queries, np.int64),
    )


def _more_room(openable: Openable) -> Openable:
    """Return the same runs with twice the room."""
    wider = ((0, 0), (0, openable.bounds.shape[1]))
    return Openable(np.pad(openable.bounds, wider), np.pad(openable.runs, wider), openable.counts)
