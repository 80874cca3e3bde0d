"""The references that a picture may show: nearest frames and windows, each with its best views."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.grids import FINE_CELLS
from mitate.kernels.windows import WINDOWS
from mitate.server.index import Neighbours
from mitate.server.library import LoadedSource, Snapshot

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
    view: int
    distance: int

    @property
    def run(self) -> int:
        """The run that the frame is in; -1 in a source without runs."""
        return int(self.source.signature.run_of(self.kept))


class _Hits(NamedTuple):
    source_ids: NDArray[np.int64]
    kept: NDArray[np.int64]
    windows: NDArray[np.int64]
    views: NDArray[np.int64]
    distances: NDArray[np.int32]


def candidates(
    frames: Neighbours,  # of the views, (v, k)
    snapshot: Snapshot,
    windows: Neighbours,  # of the views among windows, (v, k)
    windows_snapshot: Snapshot,  # may be a later one
) -> list[Candidate]:
    """Return the nearest candidates among the sources of `snapshot`, nearest first.

    Of each run there are a few at most.
    """
    hits = _joined(_frame_hits(frames, snapshot), _window_hits(windows, windows_snapshot))
    order = np.lexsort((hits.views, hits.kept, hits.source_ids, hits.windows, hits.distances))
    found: list[Candidate] = []
    n_of_run: Counter[tuple[int, int]] = Counter()
    seen: set[tuple[int, int, int, int]] = set()
    for i in order:
        if (source := snapshot.sources.get(int(hits.source_ids[i]))) is None:
            continue
        candidate = Candidate(
            source,
            int(hits.kept[i]),
            int(hits.windows[i]),
            int(hits.views[i]),
            int(hits.distances[i]),
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


def _joined(one: _Hits, other: _Hits) -> _Hits:
    return _Hits(
        np.concatenate([one.source_ids, other.source_ids]),
        np.concatenate([one.kept, other.kept]),
        np.concatenate([one.windows, other.windows]),
        np.concatenate([one.views, other.views]),
        np.concatenate([one.distances, other.distances]),
    )


def _frame_hits(neighbours: Neighbours, snapshot: Snapshot) -> _Hits:
    source_ids, kept = snapshot.locate(neighbours.rows)
    views = np.broadcast_to(np.arange(len(neighbours.rows))[:, None], neighbours.rows.shape)
    held = source_ids >= 0
    whole = np.full(int(held.sum()), WHOLE)
    return _Hits(source_ids[held], kept[held], whole, views[held], neighbours.distances[held])


def _window_hits(neighbours: Neighbours, snapshot: Snapshot) -> _Hits:
    source_ids, places = snapshot.locate_windows(neighbours.rows)
    views = np.broadcast_to(np.arange(len(neighbours.rows))[:, None], neighbours.rows.shape)
    held = source_ids >= 0
    source_ids, runs = source_ids[held], places[held] // len(WINDOWS)
    kept = np.zeros(len(runs), np.int64)
    for source_id in np.unique(source_ids):
        mine = source_ids == source_id
        kept[mine] = snapshot.sources[int(source_id)].signature.run_first[runs[mine]]
    return _Hits(
        source_ids, kept, places[held] % len(WINDOWS), views[held], neighbours.distances[held]
    )
