"""The second stage: candidates of a picture looked at closely, scored and judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.fine import agreements
from mitate.kernels.quality import evenness
from mitate.kernels.vector import LUMA_SCALE
from mitate.server.calibration import Calibration
from mitate.server.candidates import PLACES, WHOLE, Candidate

# What nearness of descriptors adds to how well pictures agree.
DISTANCE_WEIGHT = 0.8
# What a picture loses of which most parts show nothing: any other such picture agrees with it.
BARENESS_WEIGHT = 0.2
# Where a source has no thumbnails, agreement is guessed from the distance.
_UNSEEN_AGREEMENT, _UNSEEN_FALL = 0.9, 1.2

# Unrelated candidates against which evidence is measured, and how much they count.
N_BACKGROUND = 10
BACKGROUND_WEIGHT = 0.5
# So many copies of one moment cannot make it look like chance.
_MOST_BACKGROUND = 0.7
# Episodes that score within this of the best show the same and are no background.
_RIVAL_SCORE = 0.03
# Whole frames nearer than this are the same picture but for noise; where they score within this of
# the best, the nearest is the best.
SAME_FRAME_DISTANCE = 200
_AS_GOOD = 0.03
# Another episode holds the same moment when it scores as well, give or take this much.
TIE_SCORE = 0.06


class Looks(Protocol):
    """Views with the small pictures by which candidates are looked at."""

    @property
    def bases(self) -> NDArray[np.int64]:
        """Number of the small picture that each view is, or is part of, (v,)."""

    @property
    def parts(self) -> NDArray[np.float64]:
        """Left, top, right, bottom of each view in its small picture, 0..1, (v, 4)."""

    @property
    def grids(self) -> NDArray[np.float32]:
        """Luma of the small pictures, (b, rows, cols)."""

    @property
    def aspects(self) -> NDArray[np.float64]:
        """Width by height of each small picture, (b,)."""


class Scored(NamedTuple):
    """A candidate and how well it explains the picture."""

    candidate: Candidate
    score: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """The candidates of a picture, best first, and what is chance."""

    scored: tuple[Scored, ...]
    background: float  # score of unrelated candidates
    calibration: Calibration
    threshold: float  # of evidence

    def evidence(self, score: float) -> float:
        """Return how far a score stands out from chance."""
        return score - BACKGROUND_WEIGHT * self.background

    def probability(self, score: float) -> float:
        """Return the probability that a candidate of this score is right."""
        return self.calibration.probability(self.evidence(score))

    def believed(self, score: float) -> bool:
        """Tell whether evidence passes the accepted rate of false alarms."""
        return self.evidence(score) >= self.threshold


def recognise(
    found: Sequence[Candidate],
    looks: Looks,
    calibration: Calibration,
    false_alarm_rate: float,
    known: Sequence[Scored] = (),
) -> Recognition:
    """Look at the candidates of a picture and put the best first, among those known already."""
    fresh = zip(found, scores(found, looks).tolist(), strict=True)
    every = [*known, *(Scored(candidate, score) for candidate, score in fresh)]
    ranked = sorted(every, key=lambda one: (-one.score, one.candidate.distance))
    scored = tuple(nearest_first(ranked))
    return Recognition(
        scored,
        _background(scored, calibration.background),
        calibration,
        calibration.threshold(false_alarm_rate),
    )


def nearest_first(ranked: list[Scored]) -> list[Scored]:
    """Put first, of whole frames as good as the best, the one with the nearest descriptor.

    Runs share a thumbnail, and in a scene that hardly moves those of several runs agree alike; the
    descriptor is that of the very frame.
    """
    if not ranked:
        return ranked
    best = ranked[0]
    same = [
        one
        for one in ranked
        if one.score >= best.score - _AS_GOOD
        and one.candidate.window == WHOLE
        and one.candidate.distance < SAME_FRAME_DISTANCE
    ]
    nearest = min(same, key=lambda one: one.candidate.distance, default=best)
    if nearest is best:
        return ranked
    first = nearest._replace(score=math.nextafter(best.score, math.inf))
    return [first, *(one for one in ranked if one is not nearest)]


def unseen_score(distance: float) -> float:
    """Return the score of a frame of which only the distance is known."""
    length = float(np.sqrt(distance)) / LUMA_SCALE
    return _UNSEEN_AGREEMENT - (_UNSEEN_FALL + DISTANCE_WEIGHT) * length


def scores(found: Sequence[Candidate], looks: Looks) -> NDArray[np.float64]:
    """Return how well candidates that are looked at together explain a picture, (c,)."""
    found_scores = np.array([unseen_score(candidate.distance) for candidate in found])
    seen = [i for i, candidate in enumerate(found) if candidate.run >= 0]
    if not seen:
        return found_scores
    chosen = [found[i] for i in seen]
    views = np.array([candidate.view for candidate in chosen])
    agreement = agreements(
        looks.grids,
        looks.aspects,
        looks.bases[views],
        np.stack([c.source.signature.thumbnails[c.run] for c in chosen]),
        around(PLACES[[candidate.window for candidate in chosen]], looks.parts[views]),
    )
    lengths = np.sqrt([candidate.distance for candidate in chosen]) / LUMA_SCALE
    bare = 1 - evenness(looks.grids)[looks.bases[views]]
    found_scores[seen] = agreement - DISTANCE_WEIGHT * lengths - BARENESS_WEIGHT * bare
    return found_scores


def around(
    places: NDArray[np.float64],  # (c, 4) left, top, right, bottom in references
    parts: NDArray[np.float64],  # (c, 4) of pictures, which lie at these places
) -> NDArray[np.float64]:
    """Return where the whole pictures lie, (c, 4); some of it may be outside."""
    size = (places[:, 2:] - places[:, :2]) / (parts[:, 2:] - parts[:, :2])
    first = places[:, :2] - parts[:, :2] * size
    return np.concatenate([first, first + size], axis=1)


def _background(scored: Sequence[Scored], usual: float) -> float:
    """Return the mean score of the best candidates of episodes that are no rivals of the best."""
    if not scored:
        return usual
    rivals = {
        one.candidate.source.episode_id
        for one in scored
        if one.score >= scored[0].score - _RIVAL_SCORE
    }
    others = [one.score for one in scored if one.candidate.source.episode_id not in rivals]
    chosen = others[:N_BACKGROUND]
    mean = float(np.mean(chosen + [usual] * (N_BACKGROUND - len(chosen))))
    return min(max(mean, usual), _MOST_BACKGROUND)
