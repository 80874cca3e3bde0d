"""Compiled loops that compare a query with the rows of one run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit
from mitate.kernels.nearest import (
    CHUNK_TILES,
    LANES,
    QUERY_BYTES,
    TILE_BYTES,
    Best,
    Queries,
    keep,
    score_limit,
    value_of,
)
from mitate.kernels.run_table import SPAN, Runs
from mitate.kernels.tile_code import TILE_ROWS, lowest_bit, next_within, prefetch


@jit
def fetch_run(runs: Runs, chunks: npt.NDArray[np.uintp], run: int) -> None:
    """Have the rows of a run brought into the cache."""
    first, n = runs.spans[run] // SPAN, runs.spans[run] % SPAN
    for tile in range(first // TILE_ROWS, (first + n - 1) // TILE_ROWS + 1):
        address = chunks[tile // CHUNK_TILES] + np.uintp(tile % CHUNK_TILES * TILE_BYTES)
        for line in range(TILE_BYTES // 64):
            prefetch(address + np.uintp(64 * line))


@jit
def open_run(
    runs: Runs,
    chunks: npt.NDArray[np.uintp],
    run: int,
    queries: Queries,
    q: int,
    k: int,
    best: Best,
    at_best: int,  # place of the query in `best`
    scores: npt.NDArray[np.int32],  # (16,) scratch
) -> None:
    """Compare a query with the rows of one run."""
    first, stop = runs.spans[run] // SPAN, runs.spans[run] // SPAN + runs.spans[run] % SPAN
    query = queries.words.ctypes.data + np.uintp(q * QUERY_BYTES)
    shift, out = np.int32(queries.shift), scores.ctypes.data
    for tile in range(first // TILE_ROWS, (stop - 1) // TILE_ROWS + 1):
        base, at = chunks[tile // CHUNK_TILES], tile % CHUNK_TILES
        limit = score_limit(best.limits[at_best], queries, q)
        bits = next_within(base, at, at + 1, query, limit, shift, out) & LANES
        while bits:
            lane = lowest_bit(bits)
            bits &= bits - 1
            row = tile * TILE_ROWS + lane
            if first <= row < stop:
                address = base + np.uintp(at * TILE_BYTES)
                keep(best, at_best, k, value_of(address, lane, scores[lane], queries, q), row)
