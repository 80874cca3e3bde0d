"""The references that a picture may show: nearest frames and windows, each with its best views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.grids import FINE_CELLS
from mitate.kernels.windows import ANY_WINDOW, WINDOWS
from mitate.server.index import Neighbours
from mitate.server.library import LoadedSource, Snapshot
from mitate.server.search import Found

MOST = 64  # candidates that are looked at closely
PER_RUN = 2
WHOLE = -1  # in place of the number of a window

# Left, top, right and bottom of every window in 0..1; the whole frame comes last, as number -1.
PLACES = np.array([*(w.rect for w in WINDOWS), (0, 0, FINE_CELLS, FINE_CELLS)]) / FINE_CELLS


class Candidate(NamedTuple):
    """A frame, or a window of the first frame of a run, and the view that is near it."""

    source: LoadedSource
    kept: int
    window: int  # WHOLE, or the number of a window
    view: int  # its number among all views
    distance: int

    @property
    def run(self) -> int:
        """The run that the frame is in; -1 in a source without runs."""
        return int(self.source.signature.run_of(self.kept))


class FindWindows(Protocol):
    """Finds the nearest windows of references."""

    def __call__(self, queries: NDArray[np.int8], k: int, window: int = ANY_WINDOW) -> Found:
        """Return the k nearest windows, those of one number or all."""


class Hits(NamedTuple):
    """What was found near views of a picture."""

    source_ids: NDArray[np.int64]
    kept: NDArray[np.int64]
    windows: NDArray[np.int64]
    views: NDArray[np.int64]
    distances: NDArray[np.int32]


def candidates(hits: Sequence[Hits], snapshot: Snapshot) -> list[Candidate]:
    """Return the nearest candidates among the sources of `snapshot`, nearest first.

    Of each run there are a few at most.
    """
    joined = Hits(*(np.concatenate(column) for column in zip(*hits, strict=True)))
    order = np.lexsort(
        (joined.views, joined.kept, joined.source_ids, joined.windows, joined.distances)
    )
    found: list[Candidate] = []
    n_of_run: Counter[tuple[int, int]] = Counter()
    seen: set[tuple[int, int, int, int]] = set()
    for i in order:
        if (source := snapshot.sources.get(int(joined.source_ids[i]))) is None:
            continue
        candidate = Candidate(
            source,
            int(joined.kept[i]),
            int(joined.windows[i]),
            int(joined.views[i]),
            int(joined.distances[i]),
        )
        run = source.source_id, candidate.run if candidate.run >= 0 else -2 - candidate.kept
        same = (*run, candidate.window, candidate.view)
        if n_of_run[run] < PER_RUN and same not in seen:
            n_of_run[run] += 1
            seen.add(same)
            found.append(candidate)
        if len(found) == MOST:
            break
    return found


def near_windows(
    vectors: NDArray[np.int8],  # (v, 32) of views
    views: NDArray[np.int64],  # (v,) their numbers
    only: NDArray[np.int64],  # (v,) the only window each is looked for in, or ANY_WINDOW
    find: FindWindows,
    k: int,
) -> list[Hits]:
    """Return the windows near views."""
    hits = []
    for window in np.unique(only):
        mine = only == window
        found = find(vectors[mine], k, int(window))
        hits.append(window_hits(found.neighbours, views[mine], found.snapshot))
    return hits


def frame_hits(
    neighbours: Neighbours,  # (v, k)
    views: NDArray[np.int64],  # (v,) numbers of the views
    snapshot: Snapshot,
) -> Hits:
    """Return the frames near views."""
    source_ids, kept = snapshot.locate(neighbours.rows)
    numbers = np.broadcast_to(views[:, None], neighbours.rows.shape)
    held = source_ids >= 0
    whole = np.full(int(held.sum()), WHOLE)
    return Hits(source_ids[held], kept[held], whole, numbers[held], neighbours.distances[held])


def window_hits(
    neighbours: Neighbours,  # (v, k)
    views: NDArray[np.int64],  # (v,) numbers of the views
    snapshot: Snapshot,
) -> Hits:
    """Return the windows near views, each as the first frame of its run."""
    source_ids, places = snapshot.locate_windows(neighbours.rows)
    numbers = np.broadcast_to(views[:, None], neighbours.rows.shape)
    held = source_ids >= 0
    source_ids, places = source_ids[held], places[held]
    kept, windows = np.zeros((2, len(places)), np.int64)
    for source_id in np.unique(source_ids):
        mine = source_ids == source_id
        run_first = snapshot.sources[int(source_id)].signature.run_first
        windows[mine], runs = np.divmod(places[mine], len(run_first))
        kept[mine] = run_first[runs]
    return Hits(source_ids, kept, windows, numbers[held], neighbours.distances[held])
