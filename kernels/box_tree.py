"""Boxes around runs of rows, and boxes around 16 of those each, that only ever grow in number.

A box is the least and the largest stored byte of each coordinate (see `tiles`) of the rows in it;
`box_code` draws how 16 of them make a tile. What is appended together is put into an order in which
boxes that lie near each other share a tile, so that the box around the tile, a node, is small.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.box_code import BOX_WORDS
from mitate.kernels.jit import jit
from mitate.kernels.tile_code import TILE_ROWS, TILE_WORDS

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Chunk = npt.NDArray[np.uint8]  # (tiles, 16 words, 4 bytes of 16 boxes)

# That lie one behind the other, a power of two; so much memory is its own piece for the allocator.
CHUNK_BOX_TILES = 1 << 15
CHUNK_BOXES = CHUNK_BOX_TILES * TILE_ROWS
N_BYTES = 4 * TILE_WORDS  # of the least, and as many of the largest
_LINE_BYTES = 64


class Boxes(NamedTuple):
    """What a compiled search needs to know of boxes."""

    leaves: npt.NDArray[np.uintp]  # addresses of chunks of tiles
    nodes: npt.NDArray[np.uintp]  # the same of boxes around each tile of leaves


class BoxTree:
    """Boxes that can be appended and emptied; memory is touched as it fills."""

    def __init__(self) -> None:
        self._leaves: list[Chunk] = []
        self._nodes: list[Chunk] = []
        self.n_boxes = 0
        self.boxes = Boxes(np.zeros(0, np.uintp), np.zeros(0, np.uintp))

    def append(self, lows: Bytes, highs: Bytes) -> Ints:
        """Append boxes, (n, 32) each; return which was put first, second and so on."""
        before, after = self.n_boxes, self.n_boxes + len(lows)
        order = near_order(lows, highs, before % TILE_ROWS)
        self._reserve(after)
        for first in range(before - before % CHUNK_BOXES, after, CHUNK_BOXES):
            begin, end = max(before, first), min(after, first + CHUNK_BOXES)
            some = order[begin - before : end - before]
            put_boxes(self._leaves[first // CHUNK_BOXES], begin - first, lows, highs, some)
        self._bound(before, after)
        self.n_boxes = after
        return order

    def empty(
        self,
        boxes: Ints,  # increasing
    ) -> None:
        """Make boxes hold nothing."""
        for box in boxes.tolist():
            empty_box(self._leaves[box // CHUNK_BOXES], box % CHUNK_BOXES)
        if len(boxes):
            self._bound(int(boxes[0]), int(boxes[-1]) + 1)

    def sides(self, box: int) -> tuple[Bytes, Bytes]:
        """Return the least and largest bytes of a box, (32,) each."""
        tile, lane = box % CHUNK_BOXES // TILE_ROWS, box % TILE_ROWS
        words = self._leaves[box // CHUNK_BOXES][tile, :, 4 * lane : 4 * lane + 4]
        return words[:TILE_WORDS].reshape(-1), words[TILE_WORDS:].reshape(-1)

    def _reserve(self, n_boxes: int) -> None:
        n_nodes = -(-n_boxes // TILE_ROWS)
        for chunks, n in ((self._leaves, n_boxes), (self._nodes, n_nodes)):
            while len(chunks) * CHUNK_BOXES < n:
                chunks.append(_chunk())
        leaves, nodes = (
            np.array([chunk.ctypes.data for chunk in chunks], np.uintp)
            for chunks in (self._leaves, self._nodes)
        )
        self.boxes = Boxes(leaves, nodes)

    def _bound(self, first: int, stop: int) -> None:
        """Draw the nodes around some boxes anew."""
        for tile in range(first // TILE_ROWS, -(-stop // TILE_ROWS)):
            leaves, nodes = self._leaves[tile // CHUNK_BOX_TILES], self._nodes[tile // CHUNK_BOXES]
            new = tile * TILE_ROWS >= self.n_boxes
            put_node(leaves, tile % CHUNK_BOX_TILES, nodes, tile % CHUNK_BOXES, new)


def _chunk() -> Chunk:
    """Return room for tiles of boxes that begins at a cache line."""
    size = CHUNK_BOX_TILES * BOX_WORDS * _LINE_BYTES
    memory = np.empty(size + _LINE_BYTES, np.uint8)
    skip = -memory.ctypes.data % _LINE_BYTES
    return memory[skip : skip + size].reshape(CHUNK_BOX_TILES, BOX_WORDS, _LINE_BYTES)


@jit
def near_order(lows: Bytes, highs: Bytes, place: int) -> Ints:
    """Return an order in which boxes that lie near each other stand together.

    The first is put at `place` of a tile. All boxes are halved where a tile ends, along the
    coordinate in which their middles vary most, until every part lies in one tile.
    """
    n = len(lows)
    middles = np.empty((n, N_BYTES), np.float32)
    for i in range(n):
        for j in range(N_BYTES):
            middles[i, j] = np.float32(lows[i, j]) + np.float32(highs[i, j])
    order, parts, n_parts = np.arange(n), np.empty((64, 2), np.int64), 1
    parts[0, 0], parts[0, 1] = 0, n
    while n_parts:
        n_parts -= 1
        first, stop = parts[n_parts, 0], parts[n_parts, 1]
        if (place + first) // TILE_ROWS >= (place + stop - 1) // TILE_ROWS:
            continue
        half = (place + (first + stop + TILE_ROWS) // 2) // TILE_ROWS * TILE_ROWS - place
        if half <= first or half >= stop:
            half = (place + first) // TILE_ROWS * TILE_ROWS + TILE_ROWS - place
        _halve(middles[:, _widest(middles, order, first, stop)], order, first, stop, half)
        parts[n_parts, 0], parts[n_parts, 1] = first, half
        parts[n_parts + 1, 0], parts[n_parts + 1, 1] = half, stop
        n_parts += 2
    return order


@jit
def _widest(middles: npt.NDArray[np.float32], order: Ints, first: int, stop: int) -> int:
    """Return the coordinate in which some of the points vary most."""
    sums, squares = np.zeros(N_BYTES, np.float32), np.zeros(N_BYTES, np.float32)
    for i in range(first, stop):
        middle = middles[order[i]]
        for j in range(N_BYTES):
            sums[j] += middle[j]
            squares[j] += middle[j] * middle[j]
    return int(np.argmax(squares - sums * sums / np.float32(stop - first)))


@jit
def _halve(values: npt.NDArray[np.float32], order: Ints, first: int, stop: int, half: int) -> None:
    """Reorder order[first:stop] so that the smaller values come before `half` (quickselect)."""
    low, high = first, stop - 1
    while low < high:
        pivot = values[order[(low + high) // 2]]
        i, j = low, high
        while i <= j:
            while values[order[i]] < pivot:
                i += 1
            while values[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if half <= j:
            high = j
        elif half >= i:
            low = i
        else:
            return


@jit
def put_boxes(chunk: Chunk, first: int, lows: Bytes, highs: Bytes, order: Ints) -> None:
    """Write boxes from place `first` of a chunk on; what is left of the last tile is empty."""
    for i in range(len(order)):
        _put_box(chunk, first + i, lows[order[i]], highs[order[i]])


@jit
def _put_box(chunk: Chunk, place: int, low: Bytes, high: Bytes) -> None:
    """Write one box; where it is the first of a tile, the others become empty."""
    if place % TILE_ROWS == 0:
        chunk[place // TILE_ROWS, :TILE_WORDS] = 255
        chunk[place // TILE_ROWS, TILE_WORDS:] = 0
    _put_sides(chunk, place, low, high)


@jit
def _put_sides(chunk: Chunk, place: int, low: Bytes, high: Bytes) -> None:
    tile, byte = place // TILE_ROWS, place % TILE_ROWS * 4
    for j in range(N_BYTES):
        chunk[tile, j // 4, byte + j % 4] = low[j]
        chunk[tile, TILE_WORDS + j // 4, byte + j % 4] = high[j]


@jit
def empty_box(chunk: Chunk, place: int) -> None:
    """Make the box at a place of a chunk hold nothing."""
    tile, byte = place // TILE_ROWS, place % TILE_ROWS * 4
    chunk[tile, :TILE_WORDS, byte : byte + 4] = 255
    chunk[tile, TILE_WORDS:, byte : byte + 4] = 0


@jit
def put_node(leaves: Chunk, tile: int, nodes: Chunk, place: int, new: bool) -> None:
    """Write the box around all boxes of a tile, for the first time if it is new."""
    low, high = np.empty(N_BYTES, np.uint8), np.empty(N_BYTES, np.uint8)
    for j in range(N_BYTES):
        low[j] = leaves[tile, j // 4, j % 4 :: 4].min()
        high[j] = leaves[tile, TILE_WORDS + j // 4, j % 4 :: 4].max()
    if new:
        _put_box(nodes, place, low, high)
    else:
        _put_sides(nodes, place, low, high)
