"""Everything that is searched, and what a query's frames hit in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.signature import Signature
from mitate.server.index import Neighbours, make_index
from mitate.server.library import Library, NewSource, Scope, Snapshot
from mitate.server.records import Names

FIRST_DISTRACTOR = 1000
NO_FILES: Mapping[int, Signature] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Found:
    """Neighbours and the state of the library."""

    neighbours: Neighbours
    snapshot: Snapshot


class Indexed:
    """A library of clips, numbered as in the bench, and of distractors after them.

    Other files of the same content are found by pairs alone, since a query made here is right
    about one clip.
    """

    def __init__(
        self,
        references: Mapping[int, Signature],
        distractors: Iterable[Signature],
        other_files: Mapping[int, Signature] = NO_FILES,
    ) -> None:
        self.library = Library(make_index)
        self._other_files = frozenset(other_files)
        known = {**references, **other_files}
        sources = {**known, **dict(enumerate(distractors, FIRST_DISTRACTOR))}
        for number, signature in sources.items():
            self.library.add(NewSource(number, number, number, signature))
        self.snapshot = self.library.snapshot()

    @property
    def n_descriptors(self) -> int:
        """Descriptors of whole frames."""
        return self.snapshot.n_rows

    def without(self, left_out: frozenset[int]) -> Scoped:
        """Return a view of it in which some clips are not indexed, nor other files of any."""
        return self.with_files_without(left_out | self._other_files)

    def with_files_without(self, left_out: frozenset[int]) -> Scoped:
        """Return a view of clips and other files in which some are not indexed."""
        return Scoped(self, Scope(excluded_episode_ids=left_out))


class Scoped:
    """What one query may find."""

    def __init__(self, indexed: Indexed, scope: Scope) -> None:
        self._library = indexed.library
        self.snapshot = indexed.snapshot
        self._frames = self.snapshot.allowed(scope)
        self._windows = self.snapshot.allowed(scope, windows=True)

    def find(self, queries: NDArray[np.int8], k: int) -> Found:
        """Search whole frames."""
        return Found(self._library.index.search(queries, k, self._frames), self.snapshot)

    def find_windows(self, queries: NDArray[np.int8], k: int) -> Found:
        """Search windows."""
        return Found(self._library.windows.search(queries, k, self._windows), self.snapshot)


def name_of(source_id: int) -> Names:
    """Return names that lead back to the number of a clip."""
    return Names("", source_id, "", source_id, source_id)
