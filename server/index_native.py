"""Exact search of the project's own: compiled scans over rows in tiles (`kernels.tiles`).

Rows are compared as bytes with the widest integer instructions that the processor has. Removed rows
are marked in place.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.nearest import Best, Queries, merge, no_best, scan_rows, sort_best
from mitate.kernels.tile_code import TILE_ROWS
from mitate.kernels.tiles import L2, Tiles
from mitate.server.index import Neighbours, check_range, check_search, check_vectors

_PAIRS_PER_THREAD = 4_000_000  # compared in about a millisecond


class NativeIndex:
    """Holds rows as 36 bytes each; threads share the rows of a large search."""

    def __init__(self, n_threads: int = 1) -> None:
        self._tiles = Tiles(L2)
        self._n_threads = n_threads
        self.n_dead = 0

    @property
    def n_rows(self) -> int:
        """Rows ever added, removed ones included."""
        return self._tiles.n_rows

    def add(self, vectors: NDArray[np.int8]) -> int:
        """Append vectors of shape (n, 32); return the row of the first."""
        check_vectors(vectors, "vectors")
        return self._tiles.append(vectors)

    def remove(self, first: int, stop: int) -> None:
        """Remove rows `first`..`stop` - 1."""
        check_range(first, stop, self.n_rows)
        self.n_dead += self._tiles.kill(first, stop)

    def search(
        self, queries: NDArray[np.int8], k: int, allowed: NDArray[np.int64] | None = None
    ) -> Neighbours:
        """Find the `k` nearest rows by comparing all of them."""
        check_search(queries, k, allowed, self.n_rows)
        ranges = np.array([[0, self.n_rows]]) if allowed is None else allowed
        prepared = L2.queries(queries)

        def scan(part: NDArray[np.int64]) -> Best:
            best = no_best(len(queries), k)
            scan_rows(self._tiles.addresses, part, prepared, k, best)
            return best

        return _merged(self._shared(scan, ranges, prepared), k)

    def _shared(
        self, scan: Callable[[NDArray[np.int64]], Best], ranges: NDArray[np.int64], queries: Queries
    ) -> list[Best]:
        """Run `scan` for the ranges, shared among threads where that pays."""
        n_pairs = int((ranges[:, 1] - ranges[:, 0]).sum()) * len(queries.words)
        n_parts = min(self._n_threads, 1 + n_pairs // _PAIRS_PER_THREAD)
        if n_parts == 1:
            return [scan(ranges)]
        return list(self._threads.map(scan, split_ranges(ranges, n_parts)))

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._n_threads, thread_name_prefix="search")


def split_ranges(
    ranges: NDArray[np.int64],  # (r, 2)
    n_parts: int,
) -> list[NDArray[np.int64]]:
    """Split ranges into parts of about as many rows each, between tiles where possible."""
    lengths = ranges[:, 1] - ranges[:, 0]
    skipped = ranges[:, 0] - (np.cumsum(lengths) - lengths)
    n_rows = int(lengths.sum())
    cuts = [n_rows * i // n_parts // TILE_ROWS * TILE_ROWS for i in range(n_parts)]
    parts = []
    for low, high in pairwise([*cuts, n_rows]):
        firsts = np.clip(low + skipped, ranges[:, 0], ranges[:, 1])
        stops = np.clip(high + skipped, ranges[:, 0], ranges[:, 1])
        kept = firsts < stops
        parts.append(np.stack([firsts[kept], stops[kept]], axis=1))
    return parts


def _merged(found: list[Best], k: int) -> Neighbours:
    """Return the k best of all parts by (distance, row), -1 where there are fewer."""
    best, *others = found
    for other in others:
        merge(best, other, k)
    sort_best(best, k)
    empty = np.arange(k) >= best.counts[:, None]
    return Neighbours(
        np.where(empty, -1, best.values[:, :k]).astype(np.int32),
        np.where(empty, -1, best.rows[:, :k]),
    )
