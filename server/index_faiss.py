"""Exact search with FAISS on the CPU: a flat index over float32 copies of the integers.

All values are integers and every sum stays below 2^24, so float32 holds each distance exactly, in
whatever order FAISS adds, with and without matrix products. FAISS drops some of several rows at
the distance of the last place; a range search of that distance then fetches all of them.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.errors import SettingsError
from mitate.kernels.vector import N_DIMS
from mitate.server.index import (
    Neighbours,
    check_range,
    check_rows,
    check_search,
    nearest_first,
    rows_within,
)

_PROVIDERS = ("faiss-cpu", "faiss-gpu", "faiss-gpu-cuvs", "faiss-gpu-cu12")


def faiss_installed() -> bool:
    """Tell whether FAISS can be imported.

    Raises:
        SettingsError: two packages provide it, of which one has overwritten part of the other.
    """
    providers = [name for name in _PROVIDERS if _is_installed(name)]
    if len(providers) > 1:
        raise SettingsError(
            f"{' and '.join(providers)} are both installed and overwrite each other; uninstall "
            "both, then install mitate[cpu] or mitate[gpu]"
        )
    return importlib.util.find_spec("faiss") is not None


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


class FaissIndex:
    """Keeps 4 bytes per value in FAISS and one byte per row for removed rows."""

    def __init__(self) -> None:
        import faiss

        self._faiss: Any = faiss
        self._flat: Any = faiss.IndexFlatL2(N_DIMS)
        self._moving = threading.Lock()  # adding moves what is read back
        self._alive = np.zeros(0, np.bool_)
        self.n_dead = 0

    @property
    def n_rows(self) -> int:
        """Rows ever added, removed ones included."""
        return int(self._flat.ntotal)

    def add(self, vectors: NDArray[np.int8]) -> int:
        """Append vectors of shape (n, 32); return the row of the first."""
        check_rows(vectors, "vectors")
        first, stop = self.n_rows, self.n_rows + len(vectors)
        if stop > len(self._alive):
            self._alive = np.pad(
                self._alive, (0, max(stop, 2 * len(self._alive)) - len(self._alive))
            )
        with self._moving:
            self._flat.add(vectors.astype(np.float32))
        self._alive[first:stop] = True
        return first

    def remove(self, first: int, stop: int) -> None:
        """Remove rows `first`..`stop` - 1."""
        check_range(first, stop, self.n_rows)
        self.n_dead += int(np.count_nonzero(self._alive[first:stop]))
        self._alive[first:stop] = False

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return a copy of the vectors of some rows."""
        with self._moving:
            found = self._flat.reconstruct_batch(rows.reshape(-1)) if rows.size else np.zeros(0)
        return np.asarray(found, np.int8).reshape(*rows.shape, N_DIMS)

    def search(
        self, queries: NDArray[np.int8], k: int, allowed: NDArray[np.int64] | None = None
    ) -> Neighbours:
        """Find the `k` nearest rows, ties at the last place resolved by row."""
        check_search(queries, k, allowed, self.n_rows)
        empty = np.full((len(queries), k), -1)
        found = Neighbours(empty.astype(np.int32), empty.astype(np.int64))
        if not len(queries) or not self.n_rows:
            return found
        parameters = self._parameters(allowed)
        floats = queries.astype(np.float32)
        wanted = min(k + 1, self.n_rows)
        distances, rows = self._flat.search(floats, wanted, params=parameters)
        _fill(found, distances, rows)
        if wanted > k:
            tied = (rows[:, k] >= 0) & (distances[:, k] == distances[:, k - 1])
            self._resolve(found, floats, np.flatnonzero(tied), parameters)
        return found

    def _parameters(self, allowed: NDArray[np.int64] | None) -> Any:
        if allowed is None and not self.n_dead:
            return None
        alive = self._alive[: self.n_rows]
        usable = alive if allowed is None else alive & rows_within(allowed, self.n_rows)
        bits = np.packbits(usable, bitorder="little")
        return self._faiss.SearchParameters(sel=self._faiss.IDSelectorBitmap(bits))

    def _resolve(
        self,
        found: Neighbours,
        floats: NDArray[np.float32],
        tied: NDArray[np.int64],
        parameters: Any,
    ) -> None:
        for i in tied:
            radius = float(found.distances[i, -1]) + 0.5
            _, distances, rows = self._flat.range_search(
                floats[i : i + 1], radius, params=parameters
            )
            found.distances[i], found.rows[i] = nearest_first(
                distances.astype(np.int32), rows, found.rows.shape[1]
            )


def _fill(found: Neighbours, distances: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
    """Write the first k columns by (distance, row); rows that FAISS left empty stay -1."""
    n = min(found.rows.shape[1], rows.shape[1])
    empty = rows < 0
    keys = np.where(empty, np.iinfo(np.int32).max, distances).astype(np.int64)
    order = np.lexsort((rows, keys), axis=-1)[:, :n]
    gone = np.take_along_axis(empty, order, axis=1)
    found.rows[:, :n] = np.where(gone, -1, np.take_along_axis(rows, order, axis=1))
    found.distances[:, :n] = np.where(gone, -1, np.take_along_axis(keys, order, axis=1))
