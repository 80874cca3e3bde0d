"""Brute force in integers: slow, plainly right, what every other backend is compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.vector import N_DIMS
from mitate.server.index import (
    Neighbours,
    check_range,
    check_search,
    check_vectors,
    nearest_first,
    rows_within,
)

_BLOCK_ROWS = 1 << 16


class NumpyIndex:
    """Holds int8 rows and compares every query with every row."""

    def __init__(self) -> None:
        self._vectors = np.zeros((0, N_DIMS), np.int8)
        self._alive = np.zeros(0, np.bool_)
        self.n_rows = 0

    @property
    def n_dead(self) -> int:
        """Rows removed."""
        return int(np.count_nonzero(~self._alive[: self.n_rows]))

    def add(self, vectors: NDArray[np.int8]) -> int:
        """Append vectors of shape (n, 32); return the row of the first."""
        check_vectors(vectors, "vectors")
        first, stop = self.n_rows, self.n_rows + len(vectors)
        if stop > len(self._vectors):
            spare = max(stop, 2 * len(self._vectors)) - len(self._vectors)
            self._vectors = np.pad(self._vectors, ((0, spare), (0, 0)))
            self._alive = np.pad(self._alive, (0, spare))
        self._vectors[first:stop] = vectors
        self._alive[first:stop] = True
        self.n_rows = stop
        return first

    def remove(self, first: int, stop: int) -> None:
        """Remove rows `first`..`stop` - 1."""
        check_range(first, stop, self.n_rows)
        self._alive[first:stop] = False

    def search(
        self, queries: NDArray[np.int8], k: int, allowed: NDArray[np.int64] | None = None
    ) -> Neighbours:
        """Find the `k` nearest rows by comparing all of them."""
        check_search(queries, k, allowed, self.n_rows)
        usable = self._alive[: self.n_rows]
        if allowed is not None:
            usable = usable & rows_within(allowed, self.n_rows)
        rows = np.flatnonzero(usable)
        distances = np.empty((len(queries), k), np.int32)
        found = np.empty((len(queries), k), np.int64)
        for i, query in enumerate(queries):
            distances[i], found[i] = self._nearest(query, rows, k)
        return Neighbours(distances, found)

    def _nearest(
        self, query: NDArray[np.int8], rows: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        best = np.zeros(0, np.int32), np.zeros(0, np.int64)
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = rows[start : start + _BLOCK_ROWS]
            difference = self._vectors[block].astype(np.int32) - query
            distances = np.einsum("ij,ij->i", difference, difference, dtype=np.int32)
            merged = np.concatenate([best[0], distances]), np.concatenate([best[1], block])
            order = np.lexsort((merged[1], merged[0]))[:k]
            best = merged[0][order], merged[1][order]
        return nearest_first(*best, k)
