"""What searches of pictures, clips and scans share: neighbours, names, verdicts, matches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.vector import similarity_of
from mitate.server.emissions import Likelihood
from mitate.server.index import Neighbours
from mitate.server.library import LoadedSource, Snapshot
from mitate.server.records import Alternative, Match, Names, Verdict

# A picture is held to be the same below this share of the distance that says nothing.
MATCH_SHARE = 0.5
# Another episode holds the same moment when its distance is as good, give or take this much in
# length (the root of the distance).
TIE_LENGTH = 20.0
FIRST_K = 128  # neighbours of each view; MAX_K when more moments could match
RIVAL_PLACES = 16  # places at the top among which others are sought, however many are listed
# Another episode holds the same stretch when it has this share of the evidence.
TIE_SHARE = 0.75


class Found(Protocol):
    """Neighbours and the sources whose rows they are."""

    @property
    def neighbours(self) -> Neighbours:
        """The neighbours of each query."""

    @property
    def snapshot(self) -> Snapshot:
        """The state of the library in which they were found."""


Find = Callable[[NDArray[np.int8], int], Found]  # queries (q, 32), k
NameOf = Callable[[int], Names]  # of a source


def match_distance(n_rows: int) -> float:
    """Return the distance below which a picture is held to be the same, by size of the index."""
    return MATCH_SHARE * Likelihood.for_rows(n_rows).even


def make_match(
    names: Names,
    *,
    query_range_ms: tuple[int, int],
    range_ms: tuple[int, int],
    at_ms: int,
    mirrored: bool,
    speed: float,
    distance: float,
    verdict: Verdict,
    view: str,
    alternatives: tuple[Alternative, ...],
    probability: float | None = None,
) -> Match:
    """Make a match."""
    return Match(
        title=names.title,
        title_id=names.title_id,
        episode=names.episode,
        episode_id=names.episode_id,
        source_id=names.source_id,
        query_from_ms=query_range_ms[0],
        query_to_ms=query_range_ms[1],
        from_ms=range_ms[0],
        to_ms=range_ms[1],
        at_ms=at_ms,
        mirrored=mirrored,
        speed=speed,
        distance=distance,
        similarity=similarity_of(distance),
        probability=probability,
        verdict=verdict,
        view=view,
        alternatives=alternatives,
        refs=names.refs,
    )


def make_alternative(names: Names, range_ms: tuple[int, int], distance: float) -> Alternative:
    """Make an alternative."""
    return Alternative(
        names.title,
        names.title_id,
        names.episode,
        names.episode_id,
        names.source_id,
        *range_ms,
        distance,
    )


def end_of_frame_ms(source: LoadedSource, frame: int) -> int:
    """Return when the frame after `frame` is shown, or when the source ends."""
    signature = source.signature
    if frame + 1 < signature.n_frames:
        return int(signature.times_ms[frame + 1])
    return signature.duration_ms
