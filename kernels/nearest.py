"""The nearest rows of queries among tiles: scan, and keep the best by (value, row).

Values order the answer: the squared distance of searched vectors, or LIRE's distance. A compiled
scan skips tiles without a row under the limit, which is the k-th best value so far; LIRE's distance
is at least the root of the weighted squares, so the same integer test serves for both, and only
rows that pass get their three roots.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit
from mitate.kernels.tile_code import TILE_ROWS, load_byte, lowest_bit, next_within

Ints = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

CHUNK_TILES = 1 << 16  # tiles that lie one behind the other; a power of two
TILE_BYTES = 576
DEAD_NORM = 1 << 30  # of a row that no search may find
QUERY_BYTES = 32
LANES = 0xFFFF
BLOCK_TILES = 32  # compared with every query while the fastest cache holds them
_MOST_SQUARED = 1 << 22  # above every squared distance
_SPARE = 16
_NO_ROW = np.iinfo(np.int64).max


class Queries(NamedTuple):
    """Queries as the scan takes them; made by a `tiles.Metric`."""

    words: npt.NDArray[np.int32]  # (q, 8) four signed bytes each
    offsets: Ints  # (q,) added to a score for the squared distance
    layouts: npt.NDArray[np.uint8]  # (q, 33) for LIRE's distance, else (q, 0)
    bytes: npt.NDArray[np.uint8]  # (q, 32) as those of a stored row
    shift: int  # 1, or 6 for LIRE's distance


class Best(NamedTuple):
    """The best rows so far of each query, unordered, with room for more than k."""

    values: Values  # (q, room)
    rows: Ints  # (q, room)
    counts: Ints  # (q,) used places
    limits: Values  # (q,) the k-th best value as of the last cut
    limit_rows: Ints  # (q,) and its row


@jit
def no_best(n_queries: int, k: int) -> Best:
    """Return an empty `Best` for the `k` best rows of each query."""
    room = k + k // 2 + _SPARE
    return Best(
        np.empty((n_queries, room)),
        np.empty((n_queries, room), np.int64),
        np.zeros(n_queries, np.int64),
        np.full(n_queries, np.inf),
        np.full(n_queries, _NO_ROW),
    )


@jit
def scan_rows(
    chunks: npt.NDArray[np.uintp],  # (c,) addresses of chunks of tiles
    ranges: Ints,  # (r, 2) of rows, first and stop
    queries: Queries,
    k: int,
    best: Best,
) -> None:
    """Compare all queries with the rows within `ranges` and put what is near into `best`."""
    scores = np.empty(TILE_ROWS, np.int32)
    for r in range(len(ranges)):
        first, stop = ranges[r, 0], ranges[r, 1]
        tile, tile_stop = first // TILE_ROWS, (stop + TILE_ROWS - 1) // TILE_ROWS
        while tile < tile_stop:
            block_stop = min((tile // BLOCK_TILES + 1) * BLOCK_TILES, tile_stop)
            scan_block(chunks, tile, block_stop, first, stop, queries, k, best, scores)
            tile = block_stop


@jit
def scan_block(
    chunks: npt.NDArray[np.uintp],
    tile: int,  # first tile; the block lies in one chunk
    tile_stop: int,
    first: int,  # rows outside first..stop - 1 are left out
    stop: int,
    queries: Queries,
    k: int,
    best: Best,
    scores: npt.NDArray[np.int32],  # (16,) scratch
) -> None:
    """Compare all queries with the rows of a few tiles."""
    out = scores.ctypes.data
    base = chunks[tile // CHUNK_TILES]
    before = tile // CHUNK_TILES * CHUNK_TILES
    words = queries.words.ctypes.data
    shift = np.int32(queries.shift)
    for q in range(len(queries.words)):
        query = words + np.uintp(q * QUERY_BYTES)
        at, end = tile - before, tile_stop - before
        while at < end:
            limit = score_limit(best.limits[q], queries, q)
            hit = next_within(base, at, end, query, limit, shift, out)
            at, bits = hit >> TILE_ROWS, hit & LANES
            while bits:
                lane = lowest_bit(bits)
                bits &= bits - 1
                row = (before + at) * TILE_ROWS + lane
                if first <= row < stop:
                    address = base + np.uintp(at * TILE_BYTES)
                    keep(best, q, k, value_of(address, lane, scores[lane], queries, q), row)
            at += 1


@jit
def score_limit(limit: float, queries: Queries, q: int) -> np.int32:
    """Return the largest score that a row with a value of at most `limit` can have."""
    if queries.shift == 1:
        squared = min(limit, float(_MOST_SQUARED))
        return np.int32(np.int64(squared) - queries.offsets[q])
    squared = min(limit * limit + 1e-6 * limit + 1.0, float(_MOST_SQUARED))
    return np.int32(((np.int64(squared) - queries.offsets[q]) << np.int64(5)) | np.int64(31))


@jit
def value_of(tile: int, lane: int, score: int, queries: Queries, q: int) -> float:
    """Return what orders the row in `lane` of the tile at address `tile`."""
    if queries.shift == 1:
        return float(score + queries.offsets[q])
    return _lire(tile, lane, score, queries.layouts[q])


@jit
def _lire(tile: int, lane: int, score: int, layout: npt.NDArray[np.uint8]) -> float:
    """Return LIRE's distance; the 33rd coefficient lies in the low bits of the score."""
    luma = cb = np.int64(0)
    cr = (np.int64(layout[32]) - (score & 31)) ** 2
    for i in range(32):
        byte = np.int64(load_byte(np.uintp(tile) + np.uintp(i // 4 * 64 + lane * 4 + i % 4)))
        if i == 27:  # stored doubled
            byte >>= 1
        squared = (np.int64(layout[i]) - byte) ** 2
        if i < 21:
            luma += squared * (2 if i < 3 else 1)
        elif i < 27:
            cb += squared * (2 if i == 21 else 1)
        else:
            cr += squared * (4 if i == 27 else 2 if i < 30 else 1)
    return math.sqrt(luma) + math.sqrt(cb) + math.sqrt(cr)


@jit
def keep(best: Best, q: int, k: int, value: float, row: int) -> None:
    """Put a row among the best of a query if it can belong there."""
    if value > best.limits[q] or (value == best.limits[q] and row > best.limit_rows[q]):
        return
    n = best.counts[q]
    best.values[q, n] = value
    best.rows[q, n] = row
    best.counts[q] = n + 1
    if n + 1 == best.values.shape[1]:
        cut(best, q, k)


@jit
def cut(best: Best, q: int, k: int) -> None:
    """Leave only the k best rows of a query, and set its limit if there are so many."""
    n = best.counts[q]
    if n < k:
        return
    values, rows = best.values[q], best.rows[q]
    _select(values, rows, n, k)
    worst = 0
    for i in range(1, k):
        if values[i] > values[worst] or (values[i] == values[worst] and rows[i] > rows[worst]):
            worst = i
    best.counts[q] = k
    best.limits[q] = values[worst]
    best.limit_rows[q] = rows[worst]


@jit
def merge(best: Best, other: Best, k: int) -> None:
    """Put into `best` what another part of the rows gave for the same queries."""
    for q in range(len(other.counts)):
        for i in range(other.counts[q]):
            keep(best, q, k, other.values[q, i], other.rows[q, i])


@jit
def sort_best(best: Best, k: int) -> None:
    """Cut every query to its k best rows and order them by (value, row), with heapsort."""
    for q in range(len(best.counts)):
        cut(best, q, k)
        values, rows, n = best.values[q], best.rows[q], best.counts[q]
        for root in range(n // 2 - 1, -1, -1):
            _sift(values, rows, root, n)
        for last in range(n - 1, 0, -1):
            values[0], values[last] = values[last], values[0]
            rows[0], rows[last] = rows[last], rows[0]
            _sift(values, rows, 0, last)
        best.counts[q] = min(n, k)


@jit
def sorted_best(best: Best, k: int) -> tuple[Values, Ints]:
    """Return values and rows of the k best of each query, (q, k), -1 where there are fewer."""
    sort_best(best, k)
    values = np.full((len(best.counts), k), -1.0)
    rows = np.full((len(best.counts), k), -1)
    for q in range(len(best.counts)):
        for i in range(best.counts[q]):
            values[q, i], rows[q, i] = best.values[q, i], best.rows[q, i]
    return values, rows


@jit
def _sift(values: Values, rows: Ints, root: int, n: int) -> None:
    value, row = values[root], rows[root]
    while 2 * root + 1 < n:
        child = 2 * root + 1
        if child + 1 < n and (
            values[child + 1] > values[child]
            or (values[child + 1] == values[child] and rows[child + 1] > rows[child])
        ):
            child += 1
        if values[child] < value or (values[child] == value and rows[child] < row):
            break
        values[root], rows[root] = values[child], rows[child]
        root = child
    values[root], rows[root] = value, row


@jit
def _select(values: Values, rows: Ints, n: int, k: int) -> None:
    """Reorder the first n pairs so that the k smallest come first (Hoare's quickselect)."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        value, row = values[middle], rows[middle]
        i, j = low, high
        while i <= j:
            while values[i] < value or (values[i] == value and rows[i] < row):
                i += 1
            while values[j] > value or (values[j] == value and rows[j] > row):
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                rows[i], rows[j] = rows[j], rows[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            return
