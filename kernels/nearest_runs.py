"""The nearest rows of queries, found by opening only the runs that can hold them.

The rows of a few near runs give a distance that the k-th nearest row cannot exceed (`run_seeds`).
The runs of which the box lies within that distance, in nodes of which the box does, are gathered
and opened, nearest first, while what is found lowers the distance (`run_scan`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit
from mitate.kernels.nearest import Best, Ints, Queries, no_best
from mitate.kernels.run_scan import gather_runs, open_runs
from mitate.kernels.run_seeds import TILE_RUNS, nearest_nodes, open_seeds
from mitate.kernels.run_table import Runs
from mitate.kernels.tile_code import TILE_ROWS

_NODE_SHARES = 2  # sixteen nodes each give the first distance,
_ROWS_PER_NODE_SHARE = 64  # more where more rows are wanted,
_ROWS_PER_RUN_SHARE = 32  # and of their runs sixteen for so many rows
_WIDER = 8  # times as many are looked at where those hold too few rows
_FIRST_ROOM = 1024


@jit
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
    n_tiles = 1 + ranges.max() // TILE_RUNS if len(ranges) else 0
    n_shares = _NODE_SHARES + k // _ROWS_PER_NODE_SHARE
    n_run_shares = 1 + k // _ROWS_PER_RUN_SHARE
    asked = np.arange(n_queries)
    _find_limits(runs, chunks, ranges, queries, asked, k, n_shares, n_run_shares, best)
    for q in range(n_queries):
        its_shares = n_shares
        while best.limits[q] == np.inf and its_shares < n_tiles:
            its_shares *= _WIDER
            nodes = its_shares * TILE_ROWS
            one = asked[q : q + 1]
            _find_limits(runs, chunks, ranges, queries, one, k, its_shares, nodes, best)
    openable = gather_runs(runs, ranges, queries, best.limits, _FIRST_ROOM)
    exact = np.ones(n_queries, np.bool_)
    open_runs(runs, chunks, queries, k, openable, best, max_opened, exact)
    return best, exact


@jit
def _find_limits(
    runs: Runs,
    chunks: npt.NDArray[np.uintp],
    ranges: Ints,
    queries: Queries,
    asked: Ints,  # which of the queries
    k: int,
    n_shares: int,  # of nodes
    n_run_shares: int,
    best: Best,
) -> None:
    """Set the limits of some queries from the rows of the nearest runs of the nearest nodes."""
    bounds = np.full((len(asked), n_shares, TILE_ROWS), np.float32(np.inf))
    tiles = np.full((len(asked), n_shares, TILE_ROWS), np.int32(-1))
    nearest_nodes(runs, ranges, queries, asked, bounds, tiles)
    seeds = no_best(len(asked), k)
    for i in range(len(asked)):
        q = asked[i]
        open_seeds(runs, chunks, ranges, queries, q, k, tiles[i], n_run_shares, seeds, i)
        best.limits[q], best.limit_rows[q] = seeds.limits[i], seeds.limit_rows[i]
