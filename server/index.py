"""Nearest stored vectors: the protocol that every backend answers alike.

Distance is the squared Euclidean distance of int8 vectors, an integer. A backend returns the same
rows, distances and order as the brute force of `index_numpy`, whatever was added and removed
before: by distance, then by row.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.errors import InvalidArgument, SettingsError
from mitate.kernels.tiles import L2, Metric

MAX_K = 1024
BACKENDS = ("auto", "native", "gpu", "faiss", "numpy")


class Neighbours(NamedTuple):
    """The nearest rows of each query, nearest first; -1 in both where there are fewer than k."""

    distances: NDArray[np.int32]  # (q, k); float64 of LIRE's distance
    rows: NDArray[np.int64]  # (q, k)
    exact: NDArray[np.bool_] = np.array(True)  # (q,) no nearer row can be stored; or one for all

    def part(self, queries: slice, k: int) -> Neighbours:
        """Return the `k` nearest rows of some of the queries."""
        exact = np.broadcast_to(self.exact, len(self.rows))
        return Neighbours(self.distances[queries, :k], self.rows[queries, :k], exact[queries])


class Index(Protocol):
    """Vectors by row. A row keeps its number for the life of the index.

    One thread changes and searches an index; any thread may `take` rows that are there.
    """

    @property
    def n_rows(self) -> int:
        """Rows ever added, removed ones included."""

    @property
    def n_dead(self) -> int:
        """Rows removed."""

    def add(self, vectors: NDArray[np.int8]) -> int:
        """Append vectors of shape (n, 32); return the row of the first."""

    def remove(self, first: int, stop: int) -> None:
        """Remove rows `first`..`stop` - 1 at once; removing a removed row changes nothing."""

    def take(
        self,
        rows: NDArray[np.int64],  # any shape
    ) -> NDArray[np.int8]:
        """Return a copy of the vectors of some rows, removed ones included, (..., 32)."""

    def search(
        self,
        queries: NDArray[np.int8],  # (q, 32)
        k: int,  # 1..MAX_K
        allowed: NDArray[np.int64] | None = None,  # (r, 2) first and stop, increasing
    ) -> Neighbours:
        """Find the `k` nearest rows that are not removed, among all or those in some ranges."""


def make_index(
    name: str = "auto", n_threads: int = 1, max_opened: int = 0, *, runs: bool = True
) -> Index:
    """Make an empty index.

    Args:
        name: "native", "gpu" (all GPUs of the machine), "faiss", "numpy", or "auto", which is
            native.
        n_threads: threads that share a large search, where the backend can.
        max_opened: runs that the native backend opens for a query; 0 opens all that can matter.
        runs: whether consecutive rows tend to be alike.

    Raises:
        SettingsError: unknown name, or what it needs is not there.
    """
    from mitate.server.index_faiss import FaissIndex, faiss_installed
    from mitate.server.index_native import NativeIndex
    from mitate.server.index_numpy import NumpyIndex

    if name not in BACKENDS:
        raise SettingsError(f"index backend is {name!r}; allowed: {', '.join(BACKENDS)}")
    if name == "numpy":
        return NumpyIndex()
    if name == "gpu":
        return _on_all_gpus(runs)
    if name != "faiss":
        return NativeIndex(n_threads, max_opened, run_limit=None if runs else 0.0)
    if not faiss_installed():
        raise SettingsError("index backend is 'faiss', which is not installed; install mitate[cpu]")
    return FaissIndex()


def _on_all_gpus(runs: bool) -> Index:
    from mitate.kernels.cuda import device_count
    from mitate.server.index_gpu import GpuIndex
    from mitate.server.index_sharded import ShardedIndex

    try:
        return ShardedIndex([GpuIndex(device=i, runs=runs) for i in range(device_count())])
    except InvalidArgument as error:
        raise SettingsError(f"index backend is 'gpu': {error.message}") from error


def check_rows(rows: NDArray[Any], what: str, metric: Metric = L2) -> None:
    """Raise ValueError unless `rows` has the shape (n, d) and the type of the metric."""
    if rows.ndim != 2 or rows.shape[1] != metric.n_dims or rows.dtype != metric.dtype:
        raise ValueError(
            f"{what} is {rows.dtype} of shape {rows.shape}; expected "
            f"{np.dtype(metric.dtype)} (n, {metric.n_dims})"
        )


def check_search(
    queries: NDArray[Any],
    k: int,
    allowed: NDArray[np.int64] | None,
    n_rows: int,
    metric: Metric = L2,
) -> None:
    """Raise ValueError unless the arguments of `Index.search` fit an index of `n_rows` rows."""
    check_rows(queries, "queries", metric)
    if not 1 <= k <= MAX_K:
        raise ValueError(f"k is {k}; allowed: 1..{MAX_K}")
    if allowed is not None:
        _check_ranges(allowed, n_rows)


def _check_ranges(ranges: NDArray[np.int64], n_rows: int) -> None:
    if ranges.ndim != 2 or ranges.shape[1] != 2 or ranges.dtype != np.int64:
        raise ValueError(
            f"allowed is {ranges.dtype} of shape {ranges.shape}; expected int64 (r, 2)"
        )
    ends = np.concatenate([[0], ranges.reshape(-1), [n_rows]])
    if (np.diff(ends) < 0).any():
        raise ValueError(
            f"allowed has ranges that overlap, are not increasing or leave 0..{n_rows}"
        )


def rows_within(
    ranges: NDArray[np.int64],  # (r, 2)
    n_rows: int,
) -> NDArray[np.bool_]:
    """Return for every row whether it lies in one of the ranges."""
    inside = np.zeros(n_rows, np.bool_)
    for first, stop in ranges:
        inside[first:stop] = True
    return inside


def check_range(first: int, stop: int, n_rows: int) -> None:
    """Raise ValueError unless `first`..`stop` lies in an index of `n_rows` rows."""
    if not 0 <= first <= stop <= n_rows:
        raise ValueError(f"rows {first}..{stop} do not lie in 0..{n_rows}")


def nearest_first(
    distances: NDArray[Any],  # (n,)
    rows: NDArray[np.int64],  # (n,)
    k: int,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the first `k` pairs by (distance, row), padded with -1."""
    order = np.lexsort((rows, distances))[:k]
    pad = k - len(order)
    return (
        np.pad(distances[order], (0, pad), constant_values=-1),
        np.pad(rows[order], (0, pad), constant_values=-1),
    )
