"""Rows in tiles of 16, as the compiled scan reads them.

A tile is 9 words of 4 bytes for each of 16 rows, the first words of all rows first:

    word 0  row 0 coordinates 0..3, row 1 coordinates 0..3, ... row 15
    ...
    word 7  coordinates 28..31 of each row
    word 8  norms, int32: of searched vectors the squared length; of LIRE descriptors the weighted
            squares of 32 coefficients, times 32, plus the 33rd; DEAD_NORM for no row

Coordinates are unsigned: searched vectors are stored plus 128. LIRE's weight of 2 is on the side of
the query; of the weight of 4, half is in the stored byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.kernels.distance import LIRE_WEIGHTS, lire_distance, squared_l2
from mitate.kernels.jit import jit
from mitate.kernels.nearest import CHUNK_TILES, DEAD_NORM, Ints, Queries
from mitate.kernels.tile_code import TILE_ROWS, TILE_WORDS

Tile = npt.NDArray[np.int32]  # (n, 9, 16)
CHUNK_ROWS = CHUNK_TILES * TILE_ROWS
_LINE_BYTES = 64
_DOUBLED = 27  # the one coefficient with a weight of 4


@dataclass(frozen=True, slots=True)
class Metric:
    """What is stored of a row, how queries are prepared, and what the distance is called."""

    name: str
    n_dims: int
    dtype: type[np.generic]
    put: Callable[[Tile, int, Any], None]
    take: Callable[[Tile, Ints, Any], None]
    queries: Callable[[Any], Queries]
    distances: Callable[[Any, Any], npt.NDArray[Any]]  # of rows and one query, plainly computed
    distance_type: type[np.generic]
    run_limit: float  # distance from the first row of a run that ends it, found by measurement


class Tiles:
    """Rows that can be appended, marked dead and read back; memory is touched as it fills."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._chunks: list[Tile] = []
        self.addresses = np.zeros(0, np.uintp)  # (c,) of the chunks
        self.n_rows = 0

    def append(self, rows: npt.NDArray[Any]) -> int:
        """Append rows, (n, n_dims); return the number of the first."""
        first = self.n_rows
        while len(self._chunks) * CHUNK_ROWS < first + len(rows):
            self._chunks.append(_chunk())
            self.addresses = np.array([one.ctypes.data for one in self._chunks], np.uintp)
        for tiles, place, part in self._parts(first, first + len(rows)):
            self._metric.put(tiles, place, np.ascontiguousarray(rows[part]))
        self.n_rows += len(rows)
        return first

    def kill(self, first: int, stop: int) -> int:
        """Mark rows dead; return how many were not dead before."""
        return sum(
            kill_rows(tiles, place, part.stop - part.start)
            for tiles, place, part in self._parts(first, stop)
        )

    def rows(self, first: int, stop: int) -> npt.NDArray[Any]:
        """Return a copy of rows first..stop - 1, dead ones too."""
        return self.take(np.arange(first, stop))

    def take(
        self,
        rows: Ints,  # any shape
    ) -> npt.NDArray[Any]:
        """Return a copy of some rows, in the shape of `rows` and (n_dims,)."""
        flat = rows.reshape(-1)
        found = np.empty((len(flat), self._metric.n_dims), self._metric.dtype)
        chunks = flat // CHUNK_ROWS
        for chunk in np.unique(chunks):
            inside = chunks == chunk
            part = np.empty((np.count_nonzero(inside), self._metric.n_dims), self._metric.dtype)
            self._metric.take(self._chunks[chunk], flat[inside] % CHUNK_ROWS, part)
            found[inside] = part
        return found.reshape(*rows.shape, self._metric.n_dims)

    def _parts(self, first: int, stop: int) -> list[tuple[Tile, int, slice]]:
        """Return each chunk with some of the rows, the place in it, and which rows they are."""
        parts = []
        for start in range(first - first % CHUNK_ROWS, stop, CHUNK_ROWS):
            begin, end = max(first, start), min(stop, start + CHUNK_ROWS)
            chunk = self._chunks[start // CHUNK_ROWS]
            parts.append((chunk, begin - start, slice(begin - first, end - first)))
        return parts


def _chunk() -> Tile:
    """Return an empty chunk that begins at a cache line."""
    size = CHUNK_TILES * (TILE_WORDS + 1) * TILE_ROWS
    memory = np.empty(size + _LINE_BYTES // 4, np.int32)
    skip = -memory.ctypes.data % _LINE_BYTES // 4
    return memory[skip : skip + size].reshape(CHUNK_TILES, TILE_WORDS + 1, TILE_ROWS)


@jit
def kill_rows(tiles: Tile, first: int, n: int) -> int:
    """Mark `n` rows dead; return how many were not dead before."""
    n_killed = 0
    for row in range(first, first + n):
        n_killed += tiles[row // TILE_ROWS, TILE_WORDS, row % TILE_ROWS] != DEAD_NORM
        tiles[row // TILE_ROWS, TILE_WORDS, row % TILE_ROWS] = DEAD_NORM
    return n_killed


@jit
def _put_words(tiles: Tile, row: int, words: Tile, norm: int) -> None:
    tile, lane = row // TILE_ROWS, row % TILE_ROWS
    if lane == 0:
        tiles[tile, TILE_WORDS] = DEAD_NORM
    for word in range(TILE_WORDS):
        tiles[tile, word, lane] = words[word]
    tiles[tile, TILE_WORDS, lane] = norm


@jit
def _take_words(tiles: Tile, rows: Ints, words: Tile) -> None:
    for i in range(len(words)):
        for word in range(TILE_WORDS):
            words[i, word] = tiles[rows[i] // TILE_ROWS, word, rows[i] % TILE_ROWS]


@jit
def _put_l2(tiles: Tile, first: int, vectors: npt.NDArray[np.int8]) -> None:
    row = np.empty(vectors.shape[1], np.uint8)
    for i in range(len(vectors)):
        norm = np.int64(0)
        for j in range(vectors.shape[1]):
            value = np.int64(vectors[i, j])
            norm += value * value
            row[j] = value + 128
        _put_words(tiles, first + i, row.view(np.int32), int(norm))


def _take_l2(tiles: Tile, rows: Ints, out: npt.NDArray[np.int8]) -> None:
    _take_words(tiles, rows, out.view(np.int32))
    np.bitwise_xor(out.view(np.uint8), 0x80, out=out.view(np.uint8))


def _l2_queries(vectors: npt.NDArray[np.int8]) -> Queries:
    vectors = np.ascontiguousarray(vectors)
    return Queries(
        vectors.view(np.int32),
        _l2_offsets(vectors),
        np.zeros((len(vectors), 0), np.uint8),
        vectors.view(np.uint8) ^ np.uint8(0x80),
        1,
    )


@jit
def _l2_offsets(vectors: npt.NDArray[np.int8]) -> Ints:
    offsets = np.zeros(len(vectors), np.int64)
    for i in range(len(vectors)):
        for j in range(vectors.shape[1]):
            value = np.int64(vectors[i, j])
            offsets[i] += value * value + 256 * value
    return offsets


@jit
def _put_lire(tiles: Tile, first: int, layouts: npt.NDArray[np.uint8]) -> None:
    row = np.empty(32, np.uint8)
    for i in range(len(layouts)):
        norm = np.int64(0)
        for j in range(32):
            value = np.int64(layouts[i, j])
            norm += LIRE_WEIGHTS[j] * value * value
            row[j] = value * 2 if j == _DOUBLED else value
        _put_words(tiles, first + i, row.view(np.int32), norm * 32 + layouts[i, 32])


def _take_lire(tiles: Tile, rows: Ints, out: npt.NDArray[np.uint8]) -> None:
    words = np.empty((len(out), TILE_WORDS), np.int32)
    _take_words(tiles, rows, words)
    out[:, :32] = words.view(np.uint8)
    out[:, _DOUBLED] //= 2
    out[:, 32] = tiles[rows // TILE_ROWS, TILE_WORDS, rows % TILE_ROWS] & 31


def _lire_queries(layouts: npt.NDArray[np.uint8]) -> Queries:
    wide, weights = layouts[:, :32].astype(np.int64), LIRE_WEIGHTS[:32]
    factors = np.where(np.arange(32) == _DOUBLED, 2, weights)
    return Queries(
        np.ascontiguousarray((wide * factors).astype(np.int8)).view(np.int32),
        (weights * wide * wide).sum(axis=1),
        np.ascontiguousarray(layouts),
        np.ascontiguousarray(layouts[:, :32]) << (np.arange(32) == _DOUBLED).astype(np.uint8),
        6,
    )


L2 = Metric(
    "squared L2 of searched vectors",
    32,
    np.int8,
    _put_l2,
    _take_l2,
    _l2_queries,
    squared_l2,
    np.int32,
    35.0,
)
LIRE = Metric(
    "LIRE's distance",
    33,
    np.uint8,
    _put_lire,
    _take_lire,
    _lire_queries,
    lire_distance,
    np.float64,
    8.0,
)
