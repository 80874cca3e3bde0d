"""Sources held in memory for searching: which row of the index is which frame of which source.

Only one thread changes a library; any thread may read its snapshots. A change publishes a new
snapshot as a whole, so whoever holds one sees a complete source or none of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.errors import AlreadyExists, NotFound
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive
from mitate.server.index import Index

MAX_DEAD_SHARE = 0.2  # of the rows; above it the index is built anew


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search may find. Empty titles and episodes mean all."""

    title_ids: frozenset[int] = frozenset()
    episode_ids: frozenset[int] = frozenset()
    excluded_episode_ids: frozenset[int] = frozenset()

    def holds(self, source: LoadedSource) -> bool:
        """Tell whether a search may find `source`."""
        return (
            (not self.title_ids or source.title_id in self.title_ids)
            and (not self.episode_ids or source.episode_id in self.episode_ids)
            and source.episode_id not in self.excluded_episode_ids
        )


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source to add."""

    source_id: int
    episode_id: int
    title_id: int
    signature: Signature


@dataclass(frozen=True, slots=True, eq=False)
class LoadedSource:
    """A source whose kept frames are rows first_row.. of the index."""

    source_id: int
    episode_id: int
    title_id: int
    signature: Signature
    vectors: NDArray[np.int8]  # (n_kept, 32)
    first_row: int
    window_vectors: NDArray[np.int8]  # (runs x windows, 32)
    first_window_row: int  # in the index of windows

    @property
    def stop_row(self) -> int:
        """The row after the last."""
        return self.first_row + len(self.vectors)

    @property
    def stop_window_row(self) -> int:
        """The row after the last in the index of windows."""
        return self.first_window_row + len(self.window_vectors)


def _no_rows() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The sources at one moment; never changes."""

    sources: Mapping[int, LoadedSource]  # by source_id
    n_rows: int
    _first_rows: NDArray[np.int64] = field(repr=False)  # (n_sources,) increasing
    _stop_rows: NDArray[np.int64] = field(repr=False)  # (n_sources,)
    _source_ids: NDArray[np.int64] = field(repr=False)  # (n_sources,)
    n_window_rows: int = 0
    _first_window_rows: NDArray[np.int64] = field(default_factory=_no_rows, repr=False)

    @staticmethod
    def of(sources: Iterable[LoadedSource], n_rows: int, n_window_rows: int = 0) -> Snapshot:
        """Make the snapshot of `sources` in indexes of so many rows."""
        ordered = sorted(sources, key=lambda source: source.first_row)
        return Snapshot(
            MappingProxyType({source.source_id: source for source in ordered}),
            n_rows,
            np.array([source.first_row for source in ordered], np.int64),
            np.array([source.stop_row for source in ordered], np.int64),
            np.array([source.source_id for source in ordered], np.int64),
            n_window_rows,
            np.array([source.first_window_row for source in ordered], np.int64),
        )

    def locate(
        self,
        rows: NDArray[np.int64],  # any shape
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return source_id and kept frame of each row, -1 where no source holds it."""
        if not len(self._source_ids):
            return np.full(rows.shape, -1), np.full(rows.shape, -1)
        at = np.searchsorted(self._first_rows, rows, side="right") - 1
        held = (at >= 0) & (rows < self._stop_rows[at])
        return (
            np.where(held, self._source_ids[at], -1),
            np.where(held, rows - self._first_rows[at], -1),
        )

    def locate_windows(
        self,
        rows: NDArray[np.int64],  # any shape, of the index of windows
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return source_id of each row and its place among the source's windows, -1 for row -1."""
        if not len(self._source_ids):
            return np.full(rows.shape, -1), np.full(rows.shape, -1)
        at = np.searchsorted(self._first_window_rows, rows, side="right") - 1
        held = rows >= 0
        return (
            np.where(held, self._source_ids[at], -1),
            np.where(held, rows - self._first_window_rows[at], -1),
        )

    def allowed(self, scope: Scope, windows: bool = False) -> NDArray[np.int64] | None:
        """Return the ranges of rows within `scope`, of frames or of windows; None means all."""
        if scope == Scope():
            return None
        held = [
            (source.first_window_row, source.stop_window_row)
            if windows
            else (source.first_row, source.stop_row)
            for source in self.sources.values()
            if scope.holds(source)
        ]
        return np.array(held, np.int64).reshape(-1, 2)


class Library:
    """The sources and their index."""

    def __init__(self, index_factory: Callable[[], Index]) -> None:
        self._index_factory = index_factory
        self._index = index_factory()
        self._windows = index_factory()
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
        vectors = [_vectors(source.signature) for source in added]
        for source_id in gone:
            source = self._sources.pop(source_id)
            self._index.remove(source.first_row, source.stop_row)
            self._windows.remove(source.first_window_row, source.stop_window_row)
        for fresh, its_vectors in zip(added, vectors, strict=True):
            self._load(fresh, *its_vectors)
        if self._index.n_dead > MAX_DEAD_SHARE * self._index.n_rows:
            self._compact()
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

    def _load(
        self,
        source: NewSource | LoadedSource,
        vectors: NDArray[np.int8],
        window_vectors: NDArray[np.int8],
    ) -> None:
        vectors.flags.writeable = window_vectors.flags.writeable = False
        self._sources[source.source_id] = LoadedSource(
            source.source_id,
            source.episode_id,
            source.title_id,
            source.signature,
            vectors,
            self._index.add(vectors),
            window_vectors,
            self._windows.add(window_vectors),
        )

    def _compact(self) -> None:
        """Build the index anew from the sources that are left."""
        self._index, self._windows = self._index_factory(), self._index_factory()
        for source in sorted(self._sources.values(), key=lambda source: source.first_row):
            self._load(source, source.vectors, source.window_vectors)


def _vectors(signature: Signature) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return the searched vectors of the kept frames, and of the windows of the runs."""
    windows = signature.windows.reshape(-1, signature.windows.shape[-1])
    return derive(signature.layouts), derive(windows)
