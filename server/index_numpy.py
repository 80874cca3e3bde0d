"""Brute force in integers: slow, plainly right, what every other backend is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.tiles import L2, Metric
from mitate.server.index import (
    Neighbours,
    check_range,
    check_rows,
    check_search,
    nearest_first,
    rows_within,
)

_BLOCK_ROWS = 1 << 16


class NumpyIndex:
    """Holds rows as they are and compares every query with every row."""

    def __init__(self, metric: Metric = L2) -> None:
        self._metric = metric
        self._vectors: NDArray[Any] = np.zeros((0, metric.n_dims), metric.dtype)
        self._alive = np.zeros(0, np.bool_)
        self.n_rows = 0

    @property
    def n_dead(self) -> int:
        """Rows removed."""
        return int(np.count_nonzero(~self._alive[: self.n_rows]))

    def add(self, vectors: NDArray[Any]) -> int:
        """Append vectors of shape (n, d); return the row of the first."""
        check_rows(vectors, "vectors", self._metric)
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

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return a copy of the vectors of some rows."""
        return self._vectors[rows]

    def search(
        self, queries: NDArray[Any], k: int, allowed: NDArray[np.int64] | None = None
    ) -> Neighbours:
        """Find the `k` nearest rows by comparing all of them."""
        check_search(queries, k, allowed, self.n_rows, self._metric)
        usable = self._alive[: self.n_rows]
        if allowed is not None:
            usable = usable & rows_within(allowed, self.n_rows)
        rows = np.flatnonzero(usable)
        distances = np.empty((len(queries), k), self._metric.distance_type)
        found = np.empty((len(queries), k), np.int64)
        for i, query in enumerate(queries):
            distances[i], found[i] = self._nearest(query, rows, k)
        return Neighbours(distances, found)

    def _nearest(
        self, query: NDArray[Any], rows: NDArray[np.int64], k: int
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        best: NDArray[Any] = np.zeros(0, self._metric.distance_type)
        best_rows = np.zeros(0, np.int64)
        for start in range(0, len(rows), _BLOCK_ROWS):
            block = rows[start : start + _BLOCK_ROWS]
            distances = self._metric.distances(self._vectors[block], query)
            best = np.concatenate([best, distances])
            best_rows = np.concatenate([best_rows, block])
            order = np.lexsort((best_rows, best))[:k]
            best, best_rows = best[order], best_rows[order]
        return nearest_first(best, best_rows, k)
