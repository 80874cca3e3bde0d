"""Sources held in memory for searching: which row of the index is which frame of which source.

Only one thread changes a library; any thread may read its snapshots. A change publishes a new
snapshot as a whole, so whoever holds one sees a complete source or none of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from mitate.kernels.errors import AlreadyExists, NotFound
from mitate.kernels.vector import derive
from mitate.server.index import Index
from mitate.server.loaded import LoadedSource, NewSource, Scope, Snapshot

__all__ = ["Compacted", "Library", "LoadedSource", "NewSource", "Scope", "Snapshot"]

MAX_DEAD_SHARE = 0.2  # of the rows; above it indexes are built anew without them


@dataclass(frozen=True, slots=True, eq=False)
class Compacted:
    """Indexes that hold the sources of one snapshot and nothing else."""

    index: Index
    windows: Index
    sources: dict[int, LoadedSource]


class Library:
    """The sources and their index."""

    def __init__(
        self,
        index_factory: Callable[[], Index],
        windows_factory: Callable[[], Index] | None = None,  # the same unless given
    ) -> None:
        self._factories = index_factory, windows_factory or index_factory
        self._index, self._windows = (factory() for factory in self._factories)
        self._sources: dict[int, LoadedSource] = {}
        self._snapshot = Snapshot.of((), 0)

    @property
    def index(self) -> Index:
        """The index whose rows the latest snapshot numbers."""
        return self._index

    @property
    def windows(self) -> Index:
        """The index of the windows of runs."""
        return self._windows

    @property
    def wants_compaction(self) -> bool:
        """So many rows are dead that compaction pays."""
        return self._index.n_dead > MAX_DEAD_SHARE * self._index.n_rows

    def snapshot(self) -> Snapshot:
        """Return the latest snapshot."""
        return self._snapshot

    def add(self, *sources: NewSource) -> None:
        """Add sources in one step.

        Raises:
            AlreadyExists: a source_id is held already; nothing is added.
        """
        self.replace((), sources)

    def remove(self, *source_ids: int) -> None:
        """Remove sources in one step.

        Raises:
            NotFound: a source_id is not held; nothing is removed.
        """
        self.replace(source_ids, ())

    def replace(self, old_source_ids: Collection[int], new: Iterable[NewSource]) -> None:
        """Remove and add sources in one step.

        Raises:
            NotFound: an old source_id is not held; nothing changes.
            AlreadyExists: a new source_id is held already; nothing changes.
        """
        gone, added = set(old_source_ids), tuple(new)
        self._check(gone, [source.source_id for source in added])
        for source_id in gone:
            _forget(self._sources.pop(source_id))
        for source in added:
            self._sources[source.source_id] = _loaded(source, self._index, self._windows)
        self._publish()

    def compacted(self) -> Compacted:
        """Build indexes without dead rows; any thread may, while the library goes on changing."""
        index, windows = (factory() for factory in self._factories)
        sources = self._snapshot.sources
        copies = {number: _copied(source, index, windows) for number, source in sources.items()}
        return Compacted(index, windows, copies)

    def adopt(self, compacted: Compacted) -> None:
        """Go on with compacted indexes, after what has changed since they were begun."""
        for source_id in compacted.sources.keys() - self._sources.keys():
            _forget(compacted.sources.pop(source_id))
        for source_id in self._sources.keys() - compacted.sources.keys():
            source = self._sources[source_id]
            copy = _copied(source, compacted.index, compacted.windows)
            compacted.sources[source_id] = copy
        self._index, self._windows = compacted.index, compacted.windows
        self._sources = compacted.sources
        self._publish()

    def _publish(self) -> None:
        self._snapshot = Snapshot.of(
            self._sources.values(), self._index.n_rows, self._windows.n_rows
        )

    def _check(self, gone: set[int], new: list[int]) -> None:
        missing = gone - self._sources.keys()
        if missing:
            raise NotFound(f"sources {sorted(missing)} are not loaded")
        taken = {number for number in new if number in self._sources and number not in gone}
        twice = {number for number, times in Counter(new).items() if times > 1}
        if taken or twice:
            raise AlreadyExists(f"sources {sorted(taken | twice)} are loaded or named twice")


def _loaded(source: NewSource, index: Index, windows: Index) -> LoadedSource:
    """Put a source into indexes."""
    signature = source.signature
    first_row = index.add(derive(signature.layouts))
    flat = signature.windows.swapaxes(0, 1).reshape(-1, signature.windows.shape[-1])
    numbers = source.source_id, source.episode_id, source.title_id
    return LoadedSource(*numbers, signature, index, first_row, windows, windows.add(derive(flat)))


def _copied(source: LoadedSource, index: Index, windows: Index) -> LoadedSource:
    """Put the rows of a source into other indexes."""
    rows = np.arange(source.first_row, source.stop_row)
    window_rows = np.arange(source.first_window_row, source.stop_window_row)
    return replace(
        source,
        index=index,
        first_row=index.add(source.index.take(rows)),
        windows=windows,
        first_window_row=windows.add(source.windows.take(window_rows)),
    )


def _forget(source: LoadedSource) -> None:
    """Remove the rows of a source from its indexes."""
    source.index.remove(source.first_row, source.stop_row)
    source.windows.remove(source.first_window_row, source.stop_window_row)
