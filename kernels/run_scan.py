"""Compiled loops that gather the runs which can hold a nearest row, and open them.

Called by `nearest_runs`, which tells how they play together. Bounds are values as `nearest` orders
by: no row of a run has a smaller one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.box_code import boxes_within, next_boxes_within
from mitate.kernels.jit import jit
from mitate.kernels.nearest import LANES, QUERY_BYTES, Best, Ints, Queries, cut
from mitate.kernels.run_open import fetch_run, open_run
from mitate.kernels.run_seeds import NODE_RUNS, TILE_RUNS, tile_base
from mitate.kernels.run_table import Runs
from mitate.kernels.tile_code import TILE_ROWS, lowest_bit

_BUCKETS = 64
_AHEAD = 4  # runs fetched before they are opened

Floats = npt.NDArray[np.float32]


class Openable(NamedTuple):
    """The runs of each query that may hold one of its nearest rows."""

    bounds: Floats  # (q, room)
    runs: Ints  # (q, room)
    counts: Ints  # (q,) used places


@jit
def gather_runs(
    runs: Runs,
    ranges: Ints,  # (r, 2) of runs
    queries: Queries,
    limits: npt.NDArray[np.float64],  # (q,) no nearest row has a larger value
    room: int,  # at first
) -> Openable:
    """Return the runs that may matter."""
    n_queries = len(queries.words)
    counts = np.zeros(n_queries, np.int64)
    bounds, found = np.empty((n_queries, room), np.float32), np.empty((n_queries, room), np.int64)
    out, most = np.empty(TILE_ROWS, np.float32), 0
    for r in range(len(ranges)):
        first, stop = ranges[r, 0], ranges[r, 1]
        if first == stop:
            continue
        for tile in range(first // TILE_RUNS, (stop - 1) // TILE_RUNS + 1):
            if most + TILE_RUNS > found.shape[1]:
                bounds, found = _more_room(bounds, counts), _more_room(found, counts)
            most = _gather(runs, tile, first, stop, queries, limits, bounds, found, counts, out)
    return Openable(bounds, found, counts)


@jit
def _more_room(values: npt.NDArray[Any], counts: Ints) -> npt.NDArray[Any]:
    """Return the same values, so many of each query, with twice the room."""
    wider = np.empty((values.shape[0], 2 * values.shape[1]), values.dtype)
    for q in range(len(counts)):
        for i in range(counts[q]):
            wider[q, i] = values[q, i]
    return wider


@jit
def _gather(
    runs: Runs,
    tile: int,  # of nodes
    first: int,  # runs outside first..stop - 1 are left out
    stop: int,
    queries: Queries,
    limits: npt.NDArray[np.float64],
    bounds: Floats,
    found: Ints,
    counts: Ints,
    out: Floats,  # (16,) scratch
) -> int:
    """Collect the runs of one tile of nodes for every query; return the largest count."""
    nodes, leaves = (
        tile_base(runs.boxes.nodes, tile),
        tile_base(runs.boxes.leaves, tile * TILE_ROWS),
    )
    asked, into, lire = queries.bytes.ctypes.data, out.ctypes.data, np.int32(queries.shift != 1)
    node, most = tile * TILE_ROWS, 0
    for q in range(len(limits)):
        query, limit, n = asked + np.uintp(q * QUERY_BYTES), np.float32(limits[q]), counts[q]
        left = boxes_within(nodes, tile, query, lire, limit, into)
        while left:
            hit = next_boxes_within(leaves, node, left, query, lire, limit, into)
            left, place, bits = hit >> 32, (hit >> TILE_ROWS) & LANES, hit & LANES
            while bits:
                lane = lowest_bit(bits)
                bits &= bits - 1
                run = (node + place) * NODE_RUNS + lane
                if first <= run < stop:
                    bounds[q, n], found[q, n] = out[lane], run
                    n += 1
        counts[q], most = n, max(most, n)
    return most


@jit
def open_runs(
    runs: Runs,
    chunks: npt.NDArray[np.uintp],
    queries: Queries,
    k: int,
    openable: Openable,
    best: Best,  # empty but for its limits
    max_opened: int,
    exact: npt.NDArray[np.bool_],  # (q,) set to False where a run that may matter stays closed
) -> None:
    """Compare each query with the rows of its runs, nearest first."""
    scores = np.empty(TILE_ROWS, np.int32)
    for q in range(len(queries.words)):
        order = _bucket_order(openable.bounds[q, : openable.counts[q]])
        opened = 0
        for i in range(len(order)):
            bound = openable.bounds[q, order[i]]
            if bound > best.limits[q]:
                continue
            if opened == max_opened:
                cut(best, q, k)
                if bound > best.limits[q]:
                    continue
                exact[q] = False
                break
            fetch_run(runs, chunks, openable.runs[q, order[min(i + _AHEAD, len(order) - 1)]])
            open_run(runs, chunks, openable.runs[q, order[i]], queries, q, k, best, q, scores)
            opened += 1


@jit
def _bucket_order(bounds: Floats) -> Ints:
    """Return the places of the bounds in increasing order, to within a share of their range."""
    order = np.empty(len(bounds), np.int64)
    if not len(bounds):
        return order
    low = bounds.min()
    scale = (_BUCKETS - 1) / max(bounds.max() - low, np.float32(1e-3))
    starts = np.zeros(_BUCKETS + 1, np.int64)
    for bound in bounds:
        starts[int((bound - low) * scale) + 1] += 1
    for i in range(_BUCKETS):
        starts[i + 1] += starts[i]
    for i in range(len(bounds)):
        bucket = int((bounds[i] - low) * scale)
        order[starts[bucket]] = i
        starts[bucket] += 1
    return order
