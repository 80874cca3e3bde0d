"""Compiled loops that gather the runs which can hold a nearest row, and open them.

Called by `nearest_runs`, which tells how they play together.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit
from mitate.kernels.nearest import (
    BLOCK_TILES,
    CHUNK_TILES,
    LANES,
    QUERY_BYTES,
    TILE_BYTES,
    Best,
    Ints,
    Queries,
    cut,
    keep,
    score_limit,
    value_of,
)
from mitate.kernels.run_table import BOX_BYTES, RADIUS_STEPS, Runs
from mitate.kernels.tile_code import (
    TILE_ROWS,
    box_distance,
    lowest_bit,
    next_reachable,
    next_within,
    prefetch,
)

BLOCK_ROWS = BLOCK_TILES * TILE_ROWS
_FARTHEST = 2000.0  # above every distance
_SLACK = 0.01  # above every rounding error of bounds
_BUCKETS = 64
_AHEAD = 8  # runs fetched before they are opened


Scores = npt.NDArray[np.int32]  # (16,) scratch


class Openable(NamedTuple):
    """The runs of each query that may hold one of its nearest rows."""

    bounds: npt.NDArray[np.float32]  # (q, room) no row of the run is nearer
    runs: Ints  # (q, room)
    counts: Ints  # (q,) used places


@jit
def open_nearest(
    runs: Runs,
    chunks: npt.NDArray[np.uintp],  # addresses of the tiles of rows
    queries: Queries,
    k: int,
    nearest: Best,  # rows are runs, of the nearest centres
    best: Best,
) -> None:
    """Put the k best rows of some runs into `best`, so that its limits are set."""
    scores = np.empty(TILE_ROWS, np.int32)
    for q in range(len(queries.words)):
        for i in range(nearest.counts[q]):
            _open(runs, chunks, nearest.rows[q, i], queries, q, k, best, scores)
        cut(best, q, k)


@jit
def gather_runs(
    runs: Runs,
    ranges: Ints,  # (r, 2) of runs
    queries: Queries,
    limits: npt.NDArray[np.float64],  # (q,) no nearest row has a larger value
    openable: Openable,
    place: Ints,  # (3,) range, block and query to go on with; all 0 at first
) -> bool:
    """Collect the runs that may matter; return False when `openable` needs more room first."""
    scores = np.empty(TILE_ROWS, np.int32)
    for r in range(place[0], len(ranges)):
        first, stop = ranges[r, 0], ranges[r, 1]
        block = max(place[1], first // BLOCK_ROWS)
        while block * BLOCK_ROWS < stop:
            q = _gather(runs, block, first, stop, queries, place[2], limits, openable, scores)
            if q < len(queries.words):
                place[0], place[1], place[2] = r, block, q
                return False
            place[2] = 0
            block += 1
        place[1] = 0
    return True


@jit
def _gather(
    runs: Runs,
    block: int,
    first: int,
    stop: int,
    queries: Queries,
    q: int,
    limits: npt.NDArray[np.float64],
    openable: Openable,
    scores: Scores,
) -> int:
    """Collect the runs of one block from query q on; return the first query without room."""
    tile, tile_stop = max(block * BLOCK_TILES, first // TILE_ROWS), (block + 1) * BLOCK_TILES
    tile_stop = min(tile_stop, (stop + TILE_ROWS - 1) // TILE_ROWS)
    before = tile // CHUNK_TILES * CHUNK_TILES
    base = runs.chunks[tile // CHUNK_TILES]
    radii = runs.radii.ctypes.data + np.uintp(before * TILE_ROWS * 2)
    words, shift, out = queries.words.ctypes.data, np.int32(queries.shift), scores.ctypes.data
    while q < len(queries.words) and openable.counts[q] + BLOCK_ROWS <= openable.bounds.shape[1]:
        query, offset = words + np.uintp(q * QUERY_BYTES), np.int32(queries.offsets[q])
        reach = min(root_of(limits[q], queries.shift), _FARTHEST) + _SLACK
        at, end = tile - before, tile_stop - before
        n = openable.counts[q]
        while at < end:
            hit = next_reachable(base, radii, at, end, query, offset, shift, np.float32(reach), out)
            at, bits = hit >> TILE_ROWS, hit & LANES
            while bits:
                lane = lowest_bit(bits)
                bits &= bits - 1
                run = (before + at) * TILE_ROWS + lane
                if first <= run < stop:
                    address = base + np.uintp(at * TILE_BYTES)
                    value = value_of(address, lane, scores[lane], queries, q)
                    bound = root_of(value, queries.shift) - runs.radii[run] / RADIUS_STEPS
                    if bound <= reach:
                        openable.bounds[q, n] = np.float32(bound - _SLACK)
                        openable.runs[q, n] = run
                        n += 1
            at += 1
        openable.counts[q] = n
        q += 1
    return q


@jit
def root_of(value: float, shift: int) -> float:
    """Return the distance that a value orders by."""
    return math.sqrt(value) if shift == 1 else value


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
) -> int:
    """Compare each query with the rows of its runs, nearest first; return how many were opened."""
    n_opened = 0
    scores = np.empty(TILE_ROWS, np.int32)
    for q in range(len(queries.words)):
        _drop_by_boxes(runs, queries, q, openable, best.limits[q])
        order = _bucket_order(openable.bounds[q, : openable.counts[q]])
        opened = 0
        for i in range(len(order)):
            bound = openable.bounds[q, order[i]]
            if bound > root_of(best.limits[q], queries.shift):
                continue
            if opened == max_opened:
                cut(best, q, k)
                if bound > root_of(best.limits[q], queries.shift):
                    continue
                exact[q] = False
                break
            _fetch(runs, chunks, openable.runs[q, order[min(i + _AHEAD, len(order) - 1)]])
            _open(runs, chunks, openable.runs[q, order[i]], queries, q, k, best, scores)
            opened += 1
        n_opened += opened
    return n_opened


@jit
def _drop_by_boxes(runs: Runs, queries: Queries, q: int, openable: Openable, limit: float) -> None:
    """Forget the runs of a query whose boxes are farther than the limit; raise bounds to boxes."""
    reach = root_of(limit, queries.shift)
    boxes = runs.boxes.ctypes.data
    query = queries.bytes.ctypes.data + np.uintp(q * QUERY_BYTES)
    n = 0
    for i in range(openable.counts[q]):
        run = openable.runs[q, i]
        squared = box_distance(boxes + np.uintp(run * BOX_BYTES), query)
        bound = max(math.sqrt(squared) - _SLACK, float(openable.bounds[q, i]))
        if bound <= reach:
            openable.bounds[q, n] = np.float32(bound)
            openable.runs[q, n] = run
            n += 1
    openable.counts[q] = n


@jit
def _bucket_order(bounds: npt.NDArray[np.float32]) -> Ints:
    """Return the places of the bounds in increasing order, to within a share of their range."""
    order = np.empty(len(bounds), np.int64)
    if not len(bounds):
        return order
    low = max(bounds.min(), np.float32(0))
    scale = (_BUCKETS - 1) / (max(bounds.max() - low, np.float32(1e-3)))
    starts = np.zeros(_BUCKETS + 1, np.int64)
    for bound in bounds:
        starts[int(max(bound - low, np.float32(0)) * scale) + 1] += 1
    for i in range(_BUCKETS):
        starts[i + 1] += starts[i]
    for i in range(len(bounds)):
        bucket = int(max(bounds[i] - low, np.float32(0)) * scale)
        order[starts[bucket]] = i
        starts[bucket] += 1
    return order


@jit
def _fetch(runs: Runs, chunks: npt.NDArray[np.uintp], run: int) -> None:
    """Have the rows of a run brought into the cache."""
    for tile in range(runs.starts[run] // TILE_ROWS, (runs.starts[run + 1] - 1) // TILE_ROWS + 1):
        address = chunks[tile // CHUNK_TILES] + np.uintp(tile % CHUNK_TILES * TILE_BYTES)
        for line in range(TILE_BYTES // 64):
            prefetch(address + np.uintp(64 * line))


@jit
def _open(
    runs: Runs,
    chunks: npt.NDArray[np.uintp],
    run: int,
    queries: Queries,
    q: int,
    k: int,
    best: Best,
    scores: Scores,
) -> None:
    """Compare a query with the rows of one run."""
    first, stop = runs.starts[run], runs.starts[run + 1]
    query = queries.words.ctypes.data + np.uintp(q * QUERY_BYTES)
    shift, out = np.int32(queries.shift), scores.ctypes.data
    for tile in range(first // TILE_ROWS, (stop - 1) // TILE_ROWS + 1):
        base, at = chunks[tile // CHUNK_TILES], tile % CHUNK_TILES
        limit = score_limit(best.limits[q], queries, q)
        bits = next_within(base, at, at + 1, query, limit, shift, out) & LANES
        while bits:
            lane = lowest_bit(bits)
            bits &= bits - 1
            row = tile * TILE_ROWS + lane
            if first <= row < stop:
                address = base + np.uintp(at * TILE_BYTES)
                keep(best, q, k, value_of(address, lane, scores[lane], queries, q), row)
