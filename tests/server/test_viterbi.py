"""The best way through a query is found, switches cost, and nothing is a state of its own."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitate.server.viterbi import NULL, Course, Stretch, best_interval, best_stretches


def course(first: int, *evidence: float, price: float = 0.0) -> Course:
    return Course(first, np.array(evidence, np.float64), price)


def test_no_courses_or_no_frames_give_nothing() -> None:
    assert best_stretches([], 5, 1.0) == []
    assert best_stretches([course(0)], 0, 1.0) == []


def test_a_course_must_earn_the_price_of_a_switch() -> None:
    assert best_stretches([course(0, 1, 1, 1)], 3, 3.5) == []
    assert best_stretches([course(0, 1, 1, 1)], 3, 2.5) == [Stretch(0, 0, 3)]
    assert best_stretches([course(0, 1, 1, 1, price=1)], 3, 2.5) == []


def test_ends_are_where_the_evidence_ends() -> None:
    assert best_stretches([course(2, -1, 3, 3, 3, -1)], 9, 2.0) == [Stretch(0, 3, 6)]


def test_a_change_of_course_is_found_at_the_frame() -> None:
    one, other = course(0, 3, 3, 3, -3, -3, -3), course(0, -3, -3, -3, 3, 3, 3)
    assert best_stretches([one, other], 6, 2.0) == [Stretch(0, 0, 3), Stretch(1, 3, 6)]


def test_a_bad_frame_is_bridged_when_leaving_costs_more() -> None:
    assert best_stretches([course(0, 3, 3, -2, 3, 3)], 5, 4.0) == [Stretch(0, 0, 5)]
    assert best_stretches([course(0, 3, 3, -5, 3, 3)], 5, 4.0) == [
        Stretch(0, 0, 2),
        Stretch(0, 3, 5),
    ]


def test_a_switch_is_made_where_it_is_cheap() -> None:
    one, other = course(0, *[3.0] * 6), course(0, *[3.0] * 6, price=0.5)
    prices = np.array([1.0, 9, 9, 1, 9, 9])
    assert best_stretches([one, other], 6, prices) == [Stretch(0, 0, 6)]
    early, late = course(0, 3, 3, 3, 0, -3, -3), course(0, -3, -3, 0, 3, 3, 3)
    assert best_stretches([early, late], 6, prices) == [Stretch(0, 0, 3), Stretch(1, 3, 6)]
    dear = np.where(prices == 1, 12.0, prices)
    assert best_stretches([early, late], 6, dear) == []


def brute_force(courses: list[Course], n_frames: int, prices: NDArray[np.float64]) -> float:
    best = 0.0
    for states in product(range(NULL, len(courses)), repeat=n_frames):
        score, before = 0.0, NULL
        for frame, state in enumerate(states):
            if state != NULL:
                one = courses[state]
                if not one.first <= frame < one.stop:
                    break
                score += one.evidence[frame - one.first]
                if state != before:
                    score -= prices[frame] + one.price
            before = state
        else:
            best = max(best, score)
    return best


def score_of(stretches: list[Stretch], courses: list[Course], prices: NDArray[np.float64]) -> float:
    total = 0.0
    for number, first, stop in stretches:
        one = courses[number]
        total += (
            one.evidence[first - one.first : stop - one.first].sum() - prices[first] - one.price
        )
    return total


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10_000), n_courses=st.integers(1, 3), n_frames=st.integers(1, 6))
def test_no_way_through_scores_more(seed: int, n_courses: int, n_frames: int) -> None:
    rng = np.random.default_rng(seed)
    courses = []
    for _ in range(n_courses):
        first = int(rng.integers(0, n_frames))
        length = int(rng.integers(1, n_frames - first + 1))
        courses.append(Course(first, rng.normal(0.5, 2, length), float(rng.uniform(0, 1))))
    prices = rng.uniform(0, 3, n_frames)
    found = best_stretches(courses, n_frames, prices)
    best = brute_force(courses, n_frames, prices)
    assert score_of(found, courses, prices) == pytest.approx(best)
    assert all(one.stop <= other.first for one, other in pairwise(found))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-5, 5), max_size=12))
def test_the_best_interval_has_the_largest_sum(values: list[int]) -> None:
    first, stop, gain = best_interval(np.array(values, np.float64))
    largest = max(
        (sum(values[i:j]) for i in range(len(values)) for j in range(i + 1, len(values) + 1)),
        default=0,
    )
    assert gain == max(0, largest)
    assert sum(values[first:stop]) == gain
