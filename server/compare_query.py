"""What a comparison looks for: the views of a query, in the rounds in which a search takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.layout import Layouts
from mitate.kernels.quality import GATE
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive
from mitate.kernels.windows import ANY_WINDOW
from mitate.server.candidates import Candidate
from mitate.server.distances import Vectors
from mitate.server.query_views import AllViews, Views, close_views

MOST_FRAMES = 128  # of a query without a time, among which the nearest is sought


class Round(NamedTuple):
    """Views that are looked for together."""

    numbers: NDArray[np.int64]  # of these views among all, (v,)
    vectors: Vectors  # (v, 32)
    only: NDArray[np.int64]  # (v,) the only window each is looked for in, or ANY_WINDOW
    frames: bool = True  # among whole frames
    windows: bool = True  # among windows


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """The views of a query that a search looks for."""

    views: Views
    rounds: tuple[Round, ...]  # the second only where the first decides nothing
    informative: bool
    looks: AllViews | None  # None where only descriptors are known

    def name(self, candidate: Candidate) -> str:
        """Return the name of the view that a candidate is near."""
        name: str = self.views.names[candidate.view]
        return name

    def layout(self, candidate: Candidate) -> Layouts:
        """Return the descriptor of that view, (33,)."""
        layout: Layouts = self.views.layouts[candidate.view]
        return layout


def query_of(views: Views) -> Query:
    """Return the views that vote, or all of the first round where none of it does."""
    looks = close_views(views)
    votes = views.quality >= GATE
    n_first = len(votes) if looks is None else looks.n_first
    informative = bool(votes[:n_first].any())
    voting = np.flatnonzero(votes)
    first, later = np.arange(n_first), voting[:0]
    if informative:
        first, later = voting[voting < n_first], voting[voting >= n_first]

    def taken(numbers: NDArray[np.int64], *, frames: bool) -> Round:
        only = looks.windows[numbers] if looks else np.full(len(numbers), ANY_WINDOW)
        vectors = derive(views.layouts[numbers])
        return Round(numbers, vectors, only, frames, looks is not None)

    rounds = [taken(first, frames=True)]
    if len(later):
        rounds.append(taken(later, frames=False))
    return Query(views, tuple(rounds), informative, looks)


def some_frames(
    signature: Signature,
) -> tuple[NDArray[np.int64], Vectors]:
    """Return kept frames that may be compared, and vectors of them and of their mirrors.

    At most MOST_FRAMES that vote, spread evenly; all count where none votes.
    """
    votes = np.flatnonzero(signature.quality >= GATE)
    kept = votes if len(votes) else np.arange(signature.n_kept)
    if len(kept) > MOST_FRAMES:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_FRAMES).astype(np.int64)]
    both = np.concatenate((signature.layouts[kept], signature.mirrored[kept]))
    return np.concatenate((kept, kept)), derive(both)
