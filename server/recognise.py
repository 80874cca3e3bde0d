"""The second stage: candidates of a picture looked at closely, scored and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.borders import Rect
from mitate.kernels.fine import agreements
from mitate.server.calibration import Calibration
from mitate.server.candidates import PLACES, Candidate

# Lengths of distances are in units of the searched vector's luma part.
_LENGTH = 127.0
# What nearness of descriptors adds to how well pictures agree.
DISTANCE_WEIGHT = 0.8
# Where a source has no thumbnails, agreement is guessed from the distance.
_UNSEEN_AGREEMENT, _UNSEEN_FALL = 0.9, 1.2

# Unrelated candidates against which evidence is measured, and how much they count.
N_BACKGROUND = 10
BACKGROUND_WEIGHT = 0.5
# So many copies of one moment cannot make it look like chance.
_MOST_BACKGROUND = 0.7
# Episodes that score within this of the best show the same and are no background.
_RIVAL_SCORE = 0.03
# Another episode holds the same moment when it scores as well, give or take this much.
TIE_SCORE = 0.06


class Looks(Protocol):
    """Views with the small pictures by which candidates are looked at."""

    @property
    def rects(self) -> tuple[Rect, ...]:
        """The part of the picture that each view shows."""

    @property
    def grids(self) -> NDArray[np.float32]:
        """Luma of each view, (v, rows, cols)."""


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
    views: NDArray[np.int64],  # numbers in `looks` of the views that candidates name
    calibration: Calibration,
    false_alarm_rate: float,
) -> Recognition:
    """Look at the candidates of a picture and put the best first."""
    scores = _scores(found, looks, views)
    order = sorted(range(len(found)), key=lambda i: (-scores[i], found[i].distance, i))
    scored = tuple(Scored(found[i], float(scores[i])) for i in order)
    return Recognition(
        scored,
        _background(scored, calibration.background),
        calibration,
        calibration.threshold(false_alarm_rate),
    )


def unseen_score(distance: float) -> float:
    """Return the score of a frame of which only the distance is known."""
    length = float(np.sqrt(distance)) / _LENGTH
    return _UNSEEN_AGREEMENT - (_UNSEEN_FALL + DISTANCE_WEIGHT) * length


def _scores(
    found: Sequence[Candidate], looks: Looks, views: NDArray[np.int64]
) -> NDArray[np.float64]:
    scores = np.array([unseen_score(candidate.distance) for candidate in found])
    seen = [i for i, candidate in enumerate(found) if candidate.run >= 0]
    if not seen:
        return scores
    chosen = [found[i] for i in seen]
    agreement = agreements(
        looks.grids,
        np.array([rect.width / rect.height for rect in looks.rects]),
        views[[candidate.view for candidate in chosen]],
        np.stack([c.source.signature.thumbnails[c.run] for c in chosen]),
        PLACES[[candidate.window for candidate in chosen]],
    )
    lengths = np.sqrt([candidate.distance for candidate in chosen]) / _LENGTH
    scores[seen] = agreement - DISTANCE_WEIGHT * lengths
    return scores


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
    return min(mean, _MOST_BACKGROUND)
