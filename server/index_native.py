"""Exact search of the project's own: rows in tiles, and runs of similar rows that bound them.

Rows are compared as bytes with the widest integer instructions that the processor has. Where
consecutive rows are alike, only boxes around their runs are compared with a query, and runs that
can hold one of the nearest rows are opened (`kernels.nearest_runs`). Removed rows are marked in
place.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.nearest import Best, Queries, merge, no_best, scan_rows, sorted_best
from mitate.kernels.nearest_runs import nearest_by_runs
from mitate.kernels.run_table import RunTable
from mitate.kernels.tile_code import TILE_ROWS
from mitate.kernels.tiles import L2, Metric, Tiles
from mitate.server.index import Neighbours, check_range, check_rows, check_search

_PAIRS_PER_THREAD = 4_000_000  # compared in about a millisecond
_FEW_ROWS = 8192  # compared as fast as their runs
_SHORT_RUN = 4.0  # rows on average; shorter runs cost more than they save
_QUERIES_AT_ONCE = 128  # whose neighbours are held in memory together
_ALL = np.iinfo(np.int64).max

Part = tuple[Best, NDArray[np.bool_]]  # what a share of the rows gave, and for which query exactly
Work = Callable[[NDArray[np.int64], Queries, int], Part]


class NativeIndex:
    """Holds a row in 36 bytes and a run in 76; threads share the rows of a large search."""

    def __init__(
        self,
        n_threads: int = 1,
        max_opened: int = 0,  # runs opened for a query; 0 opens all that can matter
        metric: Metric = L2,
        run_limit: float | None = None,  # distance from the first row that ends a run; 0: no runs
    ) -> None:
        self._metric = metric
        self._tiles = Tiles(metric)
        limit = metric.run_limit if run_limit is None else run_limit
        self._runs = RunTable(metric, limit) if limit else None
        self._n_threads = n_threads
        self._max_opened = max_opened or _ALL
        self.n_dead = 0

    @property
    def n_rows(self) -> int:
        """Rows ever added, removed ones included."""
        return self._tiles.n_rows

    @property
    def n_runs(self) -> int:
        """Runs ever made."""
        return self._runs.n_runs if self._runs else 0

    def add(self, vectors: NDArray[Any]) -> int:
        """Append rows of shape (n, d); return the number of the first."""
        check_rows(vectors, "vectors", self._metric)
        if self._runs:
            self._runs.append(vectors)
        return self._tiles.append(vectors)

    def remove(self, first: int, stop: int) -> None:
        """Remove rows `first`..`stop` - 1."""
        check_range(first, stop, self.n_rows)
        self.n_dead += self._tiles.kill(first, stop)
        if self._runs:
            self._runs.kill(first, stop)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return a copy of the vectors of some rows."""
        return self._tiles.take(rows)

    def search(
        self, queries: NDArray[Any], k: int, allowed: NDArray[np.int64] | None = None
    ) -> Neighbours:
        """Find the `k` nearest rows, exactly unless the runs to open are limited."""
        check_search(queries, k, allowed, self.n_rows, self._metric)
        rows = np.array([[0, self.n_rows]]) if allowed is None else allowed
        runs = self._runs_of(rows)
        work, ranges = (self._scan, rows) if runs is None else (self._open, runs)
        answers = []
        for first in range(0, max(len(queries), 1), _QUERIES_AT_ONCE):
            some = self._metric.queries(queries[first : first + _QUERIES_AT_ONCE])
            answers.append(self._merged(self._shared(work, ranges, some, k), k))
        if len(answers) == 1:
            return answers[0]
        return Neighbours(*(np.concatenate(columns) for columns in zip(*answers, strict=True)))

    def _runs_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return the ranges of runs to search in place of rows; None where rows are quicker."""
        n_rows = int((rows[:, 1] - rows[:, 0]).sum())
        runs = self._runs.ranges_of(rows) if self._runs and n_rows >= _FEW_ROWS else None
        if runs is None or n_rows < _SHORT_RUN * int((runs[:, 1] - runs[:, 0]).sum()):
            return None
        return runs

    def _scan(self, ranges: NDArray[np.int64], queries: Queries, k: int) -> Part:
        best = no_best(len(queries.words), k)
        scan_rows(self._tiles.addresses, ranges, queries, k, best)
        return best, np.ones(len(queries.words), np.bool_)

    def _open(self, ranges: NDArray[np.int64], queries: Queries, k: int) -> Part:
        assert self._runs is not None
        chunks = self._tiles.addresses
        return nearest_by_runs(self._runs.arrays, chunks, ranges, queries, k, self._max_opened)

    def _shared(
        self, work: Work, ranges: NDArray[np.int64], queries: Queries, k: int
    ) -> list[Part]:
        """Do `work` for the ranges, shared among threads where that pays."""
        n_pairs = int((ranges[:, 1] - ranges[:, 0]).sum()) * len(queries.words)
        n_parts = min(self._n_threads, 1 + n_pairs // _PAIRS_PER_THREAD)
        if n_parts == 1 or self._max_opened < _ALL:
            return [work(ranges, queries, k)]
        parts = split_ranges(ranges, n_parts)
        return list(self._threads.map(lambda part: work(part, queries, k), parts))

    def _merged(self, parts: list[Part], k: int) -> Neighbours:
        """Return the k best of all parts by (distance, row), -1 where there are fewer."""
        (best, exact), *others = parts
        for other, its_exact in others:
            merge(best, other, k)
            exact &= its_exact
        values, rows = sorted_best(best, k)
        return Neighbours(values.astype(self._metric.distance_type, copy=False), rows, exact)

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
