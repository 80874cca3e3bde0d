"""What a clip is made of: stretches chosen from its alignment, the most probable first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mitate.server.align import Alignment
from mitate.server.search import TIE_SHARE
from mitate.server.stretches import Stretch, overlap, price, rank, tie

LEAST_PROBABILITY = 0.5  # of a stretch that is believed
EpisodeOf = Callable[[Stretch], int]


class Chance(NamedTuple):
    """A stretch and how probable it is that it is right."""

    stretch: Stretch
    probability: float

    @property
    def is_believed(self) -> bool:
        """Whether it is more likely right than wrong."""
        return self.probability >= LEAST_PROBABILITY


def chosen_of(alignment: Alignment, episode_of: EpisodeOf) -> list[Stretch]:
    """Return what may be shown, best first; stretches of one episode do not overlap.

    The timeline knows cuts, freezes and changes of speed, which the best line through all of a
    clip does not; that line counts where the timeline holds much less evidence for the episode.
    """
    rivals = [rival for some in alignment.rivals for rival in some]
    weak = [
        part
        for line in alignment.best
        for parts in [_parts(alignment.timeline, line, episode_of)]
        if sum(map(_worth, parts)) < TIE_SHARE * _worth(line)
        for part in parts
    ]
    strong = [one for one in alignment.timeline if not any(one is part for part in weak)]
    found: list[Stretch] = []
    for stretch in [*strong, *alignment.best, *alignment.timeline, *rivals]:
        if not _parts(found, stretch, episode_of):
            found.append(stretch)
    return sorted(found, key=rank)


def most_probable_first(chances: Iterable[Chance]) -> list[Chance]:
    """Order by probability; of believed stretches that tie the nearest is the most probable."""
    rest = sorted(chances, key=lambda one: (-one.probability, *rank(one.stretch)))
    found: list[Chance] = []
    while rest:
        tied = [one for one in rest if one is rest[0] or _tie(rest[0], one)]
        nearest = sorted((one.stretch for one in tied), key=lambda one: one.distance)
        found += map(Chance, nearest, (one.probability for one in tied))
        rest = [one for one in rest if not any(one is other for other in tied)]
    return sorted(found, key=lambda one: -one.probability)


def _parts(some: Sequence[Stretch], line: Stretch, episode_of: EpisodeOf) -> list[Stretch]:
    """Return which stretches show frames of a line that are of the same episode."""
    episode_id = episode_of(line)
    return [one for one in some if overlap(one, line) > 0 and episode_of(one) == episode_id]


def _worth(stretch: Stretch) -> float:
    return stretch.score - price(stretch.line)


def _tie(one: Chance, other: Chance) -> bool:
    believed = one.is_believed and other.is_believed
    return believed and tie(one.stretch, other.stretch)
