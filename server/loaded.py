"""What a library shows at one moment: its sources, their rows, and what a search may find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.signature import Signature
from mitate.kernels.windows import ANY_WINDOW
from mitate.server.index import Index


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search may find. Empty titles and episodes mean all."""

    title_ids: frozenset[int] = frozenset()
    episode_ids: frozenset[int] = frozenset()
    excluded_episode_ids: frozenset[int] = frozenset()
    window: int = ANY_WINDOW  # of references; where windows are searched

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


class StoredVectors(Sequence[NDArray[np.int8]]):
    """The searched vectors of a source, read from the index where they are asked for."""

    def __init__(self, index: Index, first_row: int, n_rows: int) -> None:
        self._index = index
        self._first_row = first_row
        self._n_rows = n_rows

    def __len__(self) -> int:
        return self._n_rows

    def __getitem__(self, kept: Any) -> Any:
        """Return copies: (32,) for a number, else (..., 32) for a slice or array of numbers."""
        rows = np.arange(self._n_rows)[kept] if isinstance(kept, slice) else np.asarray(kept)
        if rows.size and not -self._n_rows <= rows.min() <= rows.max() < self._n_rows:
            raise IndexError(f"kept frames {rows.min()}..{rows.max()} of {self._n_rows}")
        return self._index.take(rows % self._n_rows + self._first_row)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedSource:
    """A source whose kept frames are rows first_row.. of an index, its windows of another."""

    source_id: int
    episode_id: int
    title_id: int
    signature: Signature
    index: Index
    first_row: int
    windows: Index
    first_window_row: int

    @property
    def vectors(self) -> StoredVectors:
        """The searched vectors of the kept frames."""
        return StoredVectors(self.index, self.first_row, self.signature.n_kept)

    @property
    def window_vectors(self) -> StoredVectors:
        """The searched vectors of the windows: the first window of all runs, then the next."""
        n_windows = self.stop_window_row - self.first_window_row
        return StoredVectors(self.windows, self.first_window_row, n_windows)

    @property
    def stop_row(self) -> int:
        """The row after the last."""
        return self.first_row + self.signature.n_kept

    @property
    def stop_window_row(self) -> int:
        """The row after the last in the index of windows."""
        n_runs, n_windows = self.signature.windows.shape[:2]
        return self.first_window_row + int(n_runs * n_windows)

    def window_rows(self, window: int) -> tuple[int, int]:
        """Return first and stop of the rows of a window of all runs, or of all windows."""
        if window == ANY_WINDOW:
            return self.first_window_row, self.stop_window_row
        n_runs = len(self.signature.run_first)
        first = self.first_window_row + window * n_runs
        return first, first + n_runs


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
            source.window_rows(scope.window) if windows else (source.first_row, source.stop_row)
            for source in self.sources.values()
            if scope.holds(source)
        ]
        return np.array(held, np.int64).reshape(-1, 2)
