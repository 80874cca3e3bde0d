"""Figures from scores: recall at a rate of false alarms, calibration, spread over titles.

Scores are larger for surer answers; an answer is given when its score is above a threshold. A
title's threshold is fitted on the negatives of all other titles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the queries of one method."""

    scores: Floats  # (n,) -inf where nothing is claimed
    right: Bools  # (n,) the first answer names the moment; False for negatives
    negative: Bools  # (n,) the only right answer is none
    titles: Ints  # (n,) number of the title that a query is from

    def and_also(self, other: Outcomes) -> Outcomes:
        """Return these queries, then others."""
        return Outcomes(
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.right, other.right]),
            np.concatenate([self.negative, other.negative]),
            np.concatenate([self.titles, other.titles]),
        )

    def take(self, rows: Ints) -> Outcomes:
        """Return some of the queries, in order and perhaps repeated."""
        return Outcomes(self.scores[rows], self.right[rows], self.negative[rows], self.titles[rows])


def threshold(
    scores: Floats,  # (n,) of negatives
    rate: float,
) -> float:
    """Return the lowest threshold that at most a share `rate` of the negatives is above."""
    allowed = int(np.floor(rate * len(scores) + 1e-9))
    if allowed >= len(scores):
        return float("-inf")
    return float(np.partition(scores, len(scores) - 1 - allowed)[len(scores) - 1 - allowed])


def given(outcomes: Outcomes, rate: float) -> Bools:
    """Tell which queries get an answer, by thresholds fitted leaving out their own title."""
    answered = np.zeros(len(outcomes.scores), np.bool_)
    for title in np.unique(outcomes.titles):
        mine = outcomes.titles == title
        others = outcomes.scores[outcomes.negative & ~mine]
        answered[mine] = outcomes.scores[mine] > threshold(others, rate)
    return answered


def recall(outcomes: Outcomes, rate: float | None) -> Floats:
    """Return 1 for every query answered rightly, else 0; without a rate all are answered."""
    answered = np.isfinite(outcomes.scores) if rate is None else given(outcomes, rate)
    return np.asarray(answered & outcomes.right, np.float64)


def mean_by(values: Floats, groups: Ints, n_groups: int) -> Floats:
    """Return the mean of the values of each group, NaN where a group is empty."""
    counts = np.bincount(groups, minlength=n_groups)
    sums = np.bincount(groups, values, minlength=n_groups)
    means = np.full(n_groups, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def calibration_error(
    probabilities: Floats,  # (n,) that the first answer is right
    right: Bools,  # (n,)
    n_bins: int = 10,
) -> float:
    """Return the expected calibration error over bins of equal width."""
    if not len(probabilities):
        return float("nan")
    bins = np.minimum((probabilities * n_bins).astype(np.int64), n_bins - 1)
    gaps = np.bincount(bins, probabilities - right, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(probabilities))


def bootstrap(
    titles: Ints,  # (n,) of each query
    statistic: Callable[[Ints], float],  # of rows
    n_draws: int,
    seed: int,
    level: float = 0.90,
) -> tuple[float, float]:
    """Return the interval of a figure when titles are drawn anew with replacement."""
    rng = np.random.default_rng(seed)
    rows_of = [np.flatnonzero(titles == title) for title in np.unique(titles)]
    figures = []
    for _ in range(n_draws):
        drawn = rng.integers(len(rows_of), size=len(rows_of))
        figures.append(statistic(np.concatenate([rows_of[title] for title in drawn])))
    low, high = np.nanquantile(figures, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
