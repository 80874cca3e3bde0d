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
from mitate.kernels.run_table import RADIUS_STEPS, Runs
from mitate.kernels.tile_code import (
    TILE_ROWS,
    lowest_bit,
    next_reachable,
    next_within,
    prefetch,
)

BLOCK_ROWS = BLOCK_TILES * TILE_ROWS
_FARTHEST = 2000.0  # above every distance
_SLACK = 0.01  # above every rounding error of bounds
_BUCKETS = 64
_AHEAD = 4  # runs fetched before they are opened


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
            for q in range(place[2], len(queries.words)):
                if openable.counts[q] + BLOCK_ROWS > openable.bounds.shape[1]:
                    place[0], place[1], place[2] = r, block, q
                    return False
                reach = min(root_of(limits[q], queries.shift), _FARTHEST)
                _gather(runs, block, first, stop, queries, q, reach, openable, scores)
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
    reach: float,
    openable: Openable,
    scores: Scores,
) -> None:
    """Collect the runs of one block that may matter to one query."""
    tile, end = max(block * BLOCK_TILES, first // TILE_ROWS), (block + 1) * BLOCK_TILES
    end = min(end, (stop + TILE_ROWS - 1) // TILE_ROWS)
    before = tile // CHUNK_TILES * CHUNK_TILES
    base = runs.chunks[tile // CHUNK_TILES]
    radii = runs.radii.ctypes.data + np.uintp(before * TILE_ROWS * 2)
    query = queries.words.ctypes.data + np.uintp(q * QUERY_BYTES)
    offset, shift = np.int32(queries.offsets[q]), np.int32(queries.shift)
    far = np.float32(reach + _SLACK)
    at, end, out = tile - before, end - before, scores.ctypes.data
    while at < end:
        hit = next_reachable(base, radii, at, end, query, offset, shift, far, out)
        at, bits = hit >> TILE_ROWS, hit & LANES
        while bits:
            lane = lowest_bit(bits)
            bits &= bits - 1
            run = (before + at) * TILE_ROWS + lane
            if first <= run < stop:
                value = value_of(base + np.uintp(at * TILE_BYTES), lane, scores[lane], queries, q)
                bound = root_of(value, queries.shift) - runs.radii[run] / RADIUS_STEPS
                if bound <= reach + _SLACK:
                    n = openable.counts[q]
                    openable.bounds[q, n] = np.float32(bound - _SLACK)
                    openable.runs[q, n] = run
                    openable.counts[q] = n + 1
        at += 1


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
            ahead = runs.starts[openable.runs[q, order[min(i + _AHEAD, len(order) - 1)]]]
            _fetch(chunks, ahead // TILE_ROWS)
            _open(runs, chunks, openable.runs[q, order[i]], queries, q, k, best, scores)
            opened += 1
        n_opened += opened
    return n_opened


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
def _fetch(chunks: npt.NDArray[np.uintp], tile: int) -> None:
    """Have a tile brought into the cache."""
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
