"""One index made of several, one for each device of a machine, that answers as one would.

What is added together stays together and goes to the shard with the fewest live rows. Rows of a
shard keep the order in which they were added, so the k best of every shard by (distance, row) hold
the k best of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitate.server.index import Index, Neighbours, check_range, check_search

Ints = NDArray[np.int64]


@dataclass(slots=True)
class _Part:
    """Rows that were added together: `n` from `first`, in a shard from `local`."""

    first: int
    n: int
    shard: int
    local: int


class ShardedIndex:
    """Splits rows among indexes and searches them at the same time."""

    def __init__(self, shards: Sequence[Index]) -> None:
        if not shards:
            raise ValueError("a sharded index needs at least one shard")
        self._shards = list(shards)
        self._parts: list[_Part] = []
        self._starts: Ints = np.zeros(0, np.int64)
        self._threads = ThreadPoolExecutor(len(self._shards), thread_name_prefix="shard")
        self.n_rows = 0

    @property
    def n_dead(self) -> int:
        """Rows removed."""
        return sum(shard.n_dead for shard in self._shards)

    def add(self, vectors: NDArray[np.int8]) -> int:
        """Append vectors to one shard; return the row of the first."""
        live = [shard.n_rows - shard.n_dead for shard in self._shards]
        shard = live.index(min(live))
        first, local = self.n_rows, self._shards[shard].add(vectors)
        if len(vectors):
            self._parts.append(_Part(first, len(vectors), shard, local))
            self._starts = np.append(self._starts, first)
            self.n_rows += len(vectors)
        return first

    def remove(self, first: int, stop: int) -> None:
        """Remove rows `first`..`stop` - 1."""
        check_range(first, stop, self.n_rows)
        for shard, local in self._local_ranges(np.array([[first, stop]])).items():
            for its_first, its_stop in local:
                self._shards[shard].remove(int(its_first), int(its_stop))

    def take(self, rows: Ints) -> NDArray[np.int8]:
        """Return a copy of the vectors of some rows, (..., 32)."""
        flat = rows.reshape(-1)
        at = np.searchsorted(self._starts, flat, side="right") - 1
        places = np.array([(p.shard, p.local - p.first) for p in self._parts], np.int64)
        found = np.zeros((len(flat), self._shards[0].take(flat[:0]).shape[-1]), np.int8)
        for i, shard in enumerate(self._shards):
            mine = np.flatnonzero(places[at, 0] == i) if len(flat) else flat
            found[mine] = shard.take(flat[mine] + places[at[mine], 1])
        return found.reshape(*rows.shape, found.shape[1])

    def search(self, queries: NDArray[np.int8], k: int, allowed: Ints | None = None) -> Neighbours:
        """Find the `k` nearest rows of all shards."""
        check_search(queries, k, allowed, self.n_rows)
        local = None if allowed is None else self._local_ranges(allowed)

        def search(shard: int) -> Neighbours:
            ranges = None if local is None else local.get(shard, np.zeros((0, 2), np.int64))
            found = self._shards[shard].search(queries, k, ranges)
            return found._replace(rows=self._global_rows(shard, found.rows))

        return _merged(list(self._threads.map(search, range(len(self._shards)))), k)

    def _local_ranges(self, ranges: Ints) -> dict[int, Ints]:
        """Return the ranges of every shard that has some of the rows, in its own numbers."""
        found: dict[int, list[tuple[int, int]]] = {}
        for first, stop in ranges.tolist():
            at = max(int(np.searchsorted(self._starts, first, side="right")) - 1, 0)
            for part in self._parts[at:]:
                if part.first >= stop:
                    break
                low, high = max(first, part.first), min(stop, part.first + part.n)
                if low < high:
                    shift = part.local - part.first
                    found.setdefault(part.shard, []).append((low + shift, high + shift))
        return {shard: np.array(some, np.int64) for shard, some in found.items()}

    def _global_rows(self, shard: int, rows: Ints) -> Ints:
        """Return the rows of the whole index; -1 stays."""
        mine = [part for part in self._parts if part.shard == shard]
        if not mine:
            return rows
        locals_ = np.array([part.local for part in mine])
        shifts = np.array([part.first - part.local for part in mine])
        at = np.searchsorted(locals_, rows, side="right") - 1
        return np.where(rows < 0, -1, rows + shifts[at])


def _merged(found: list[Neighbours], k: int) -> Neighbours:
    """Return the k best of all by (distance, row), -1 where there are fewer."""
    distances = np.concatenate([one.distances for one in found], axis=1)
    rows = np.concatenate([one.rows for one in found], axis=1)
    last = np.where(rows < 0, np.inf, distances)
    order = np.lexsort((rows, last), axis=-1)[:, :k]
    exact = [np.broadcast_to(one.exact, len(rows)) for one in found]
    return Neighbours(
        np.take_along_axis(distances, order, axis=1),
        np.take_along_axis(rows, order, axis=1),
        np.logical_and.reduce(exact),
    )
