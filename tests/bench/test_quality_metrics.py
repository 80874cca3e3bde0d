from __future__ import annotations

import numpy as np
import pytest

from bench.quality.metrics import (
    Outcomes,
    bootstrap,
    calibration_error,
    given,
    mean_by,
    recall,
    threshold,
)


def outcomes(
    scores: list[float], right: list[bool], negative: list[bool], titles: list[int]
) -> Outcomes:
    return Outcomes(np.array(scores, float), np.array(right), np.array(negative), np.array(titles))


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.01, 0.1, 0.5, 0.99])
def test_no_more_negatives_than_allowed_are_above_the_threshold(rate: float) -> None:
    scores = np.random.default_rng(0).normal(size=1000).round(1)
    above = (scores > threshold(scores, rate)).sum()
    assert above <= rate * len(scores)


def test_threshold_without_ties_uses_all_that_is_allowed() -> None:
    scores = np.arange(1000.0)
    assert (scores > threshold(scores, 0.01)).sum() == 10


def test_all_negatives_may_be_above_when_the_rate_is_one() -> None:
    assert threshold(np.arange(5.0), 1.0) == float("-inf")


def test_a_titles_own_negatives_do_not_set_its_threshold() -> None:
    some = outcomes(
        [9, 1, 5, 2, 3],
        [False, False, True, False, True],
        [True, True, False, True, False],
        [0, 0, 0, 1, 1],
    )
    assert given(some, 0.0).tolist() == [True, False, True, False, False]


def test_recall_counts_right_answers_only() -> None:
    some = outcomes([5, 4, 1], [True, False, False], [False, False, True], [0, 0, 1])
    assert recall(some, None).tolist() == [1, 0, 0]
    assert recall(some, 0.0).tolist() == [1, 0, 0]


def test_nothing_claimed_is_never_recalled() -> None:
    some = outcomes([-np.inf, 1], [True, False], [False, True], [0, 1])
    assert recall(some, None)[0] == 0


def test_means_of_empty_groups_are_not_numbers() -> None:
    means = mean_by(np.array([1.0, 0.0, 1.0]), np.array([0, 0, 2]), 3)
    assert means[[0, 2]].tolist() == [0.5, 1.0]
    assert np.isnan(means[1])


def test_nine_right_in_ten_at_probability_nine_tenths_are_calibrated() -> None:
    right = np.array([True] * 9 + [False])
    assert calibration_error(np.full(10, 0.9), right) == pytest.approx(0.0)
    assert calibration_error(np.full(10, 1.0), right) == pytest.approx(0.1)


def test_calibration_errors_of_bins_do_not_cancel() -> None:
    probabilities = np.array([0.05] * 10 + [0.95] * 10)
    right = np.array([True] * 10 + [False] * 10)
    assert calibration_error(probabilities, right) == pytest.approx(0.95)


def test_bootstrap_over_titles_is_wider_than_one_title_allows() -> None:
    titles = np.repeat([0, 1, 2, 3], 50)
    values = np.repeat([0.0, 0.0, 1.0, 1.0], 50)
    low, high = bootstrap(titles, lambda rows: float(values[rows].mean()), 200, 0)
    assert low <= 0.25 and high >= 0.75
    one = bootstrap(np.zeros(50, int), lambda rows: float(rows.mean()), 20, 0)
    assert one[0] == one[1]
