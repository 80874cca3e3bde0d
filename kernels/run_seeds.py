"""Compiled loops that find a few near runs, whose rows tell how far a nearest row can be.

Nodes, boxes around 16 runs each, are dealt out by their place in a tile and by the number of the
tile, and of each share the nearest is kept: no branch depends on what is found. The same is done
with the runs in those nodes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.kernels.box_code import BOX_TILE_BYTES, keep_nearest
from mitate.kernels.box_tree import CHUNK_BOX_TILES
from mitate.kernels.jit import jit
from mitate.kernels.nearest import LANES, QUERY_BYTES, Best, Ints, Queries, cut
from mitate.kernels.run_open import fetch_run, open_run
from mitate.kernels.run_table import Runs
from mitate.kernels.tile_code import TILE_ROWS

BLOCK_TILES = 16  # of nodes, looked at for every query while the fastest cache holds them
NODE_RUNS = TILE_ROWS
TILE_RUNS = TILE_ROWS * NODE_RUNS  # in a tile of nodes

Bounds = npt.NDArray[np.float32]  # (q, shares, 16)
Numbers = npt.NDArray[np.int32]  # (q, shares, 16) of tiles, -1 for none


@jit
def tile_base(chunks: npt.NDArray[np.uintp], tile: int) -> Any:
    """Return the address that tile 0 would have if all tiles lay in one piece with this one."""
    chunk = tile // CHUNK_BOX_TILES
    return chunks[chunk] - np.uintp(chunk * CHUNK_BOX_TILES * BOX_TILE_BYTES)


@jit
def nearest_nodes(
    runs: Runs,
    ranges: Ints,  # (r, 2) of runs
    queries: Queries,
    asked: Ints,  # which of the queries
    bounds: Bounds,
    tiles: Numbers,
) -> None:
    """Find the nearest nodes of each share."""
    tile, n_shares = 0, bounds.shape[1]
    lire, line = np.int32(queries.shift != 1), np.uintp(4 * TILE_ROWS)
    for r in range(len(ranges)):
        if ranges[r, 0] == ranges[r, 1]:
            continue
        tile = max(tile, ranges[r, 0] // TILE_RUNS)
        range_stop = (ranges[r, 1] - 1) // TILE_RUNS + 1
        while tile < range_stop:
            stop = min((tile // BLOCK_TILES + 1) * BLOCK_TILES, range_stop)
            base = tile_base(runs.boxes.nodes, tile)
            for q in range(len(asked)):
                query = queries.bytes.ctypes.data + np.uintp(asked[q] * QUERY_BYTES)
                for i in range(min(n_shares, stop - tile)):
                    place = np.uintp(q * n_shares + (tile + i) % n_shares) * line
                    least, where = bounds.ctypes.data + place, tiles.ctypes.data + place
                    keep_nearest(
                        base, tile + i, stop, n_shares, query, lire, np.int32(LANES), least, where
                    )
            tile = stop


@jit
def open_seeds(
    runs: Runs,
    chunks: npt.NDArray[np.uintp],  # addresses of the tiles of rows
    ranges: Ints,
    queries: Queries,
    q: int,
    k: int,
    tiles: npt.NDArray[np.int32],  # (shares, 16) of nodes
    n_shares: int,  # of runs
    best: Best,
    at_best: int,  # place of the query in `best`
) -> None:
    """Put the k best rows of the nearest runs of some nodes into `best`."""
    bounds = np.full((n_shares, TILE_ROWS), np.float32(np.inf))
    nodes = np.full((n_shares, TILE_ROWS), np.int32(-1))
    query = queries.bytes.ctypes.data + np.uintp(q * QUERY_BYTES)
    lire, line, share = np.int32(queries.shift != 1), np.uintp(4 * TILE_ROWS), 0
    for i in range(len(tiles)):
        for lane in range(TILE_ROWS):
            node = int(tiles[i, lane]) * TILE_ROWS + lane
            lanes = _lanes_within(ranges, node * NODE_RUNS) if tiles[i, lane] >= 0 else 0
            if lanes:
                base, place = tile_base(runs.boxes.leaves, node), np.uintp(share) * line
                least, where = bounds.ctypes.data + place, nodes.ctypes.data + place
                keep_nearest(base, node, node + 1, 1, query, lire, np.int32(lanes), least, where)
                share = (share + 1) % n_shares
    for i in range(n_shares):
        for lane in range(TILE_ROWS):
            if nodes[i, lane] >= 0:
                fetch_run(runs, chunks, int(nodes[i, lane]) * NODE_RUNS + lane)
    scores = np.empty(TILE_ROWS, np.int32)
    for i in range(n_shares):
        for lane in range(TILE_ROWS):
            if nodes[i, lane] >= 0 and bounds[i, lane] <= best.limits[at_best]:
                run = int(nodes[i, lane]) * NODE_RUNS + lane
                open_run(runs, chunks, run, queries, q, k, best, at_best, scores)
                cut(best, at_best, k)


@jit
def _lanes_within(ranges: Ints, first: int) -> int:
    """Return a bit for each of the runs from `first` on that lies in one of increasing ranges."""
    low, high = 0, len(ranges)
    while low < high:
        middle = (low + high) // 2
        if ranges[middle, 1] <= first:
            low = middle + 1
        else:
            high = middle
    bits = 0
    while low < len(ranges) and ranges[low, 0] < first + NODE_RUNS:
        begin, end = max(ranges[low, 0] - first, 0), min(ranges[low, 1] - first, NODE_RUNS)
        bits |= (1 << end) - (1 << begin)
        low += 1
    return bits
