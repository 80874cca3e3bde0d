"""The figures of the timeline bench on cases with known answers.

The cases of micro-AP are those of facebookresearch/vsc2022, tests/test_metrics.py.
"""

from __future__ import annotations

import pytest

from bench.timeline.metrics import (
    best_f1,
    boundary_errors,
    false_ms,
    is_found,
    is_right,
    micro_ap,
    vcsl,
)
from bench.timeline.spans import Span, common_length


def span(
    query_from: float,
    query_to: float,
    from_ms: float,
    to_ms: float,
    score: float = 1.0,
    query: int = 0,
    clip: int = 0,
) -> Span:
    return Span(query, clip, query_from, query_to, from_ms, to_ms, score=score)


TRUE = [span(4, 14, 10, 18)]
SWAPPED_TRUE = [span(4, 14, 10, 18), span(20, 28, 21, 29)]
SWAPPED = [span(4, 14, 21, 29), span(20, 28, 10, 18)]


def test_the_intersection_of_unions() -> None:
    assert common_length([(2, 5), (7, 8)], [(1, 3), (4, 7)]) == 2
    assert common_length([(2, 5), (7, 8)], [(-1, 0), (3.5, 12)]) == 2.5


def test_a_perfect_claim_is_worth_1() -> None:
    assert micro_ap(TRUE, TRUE) == pytest.approx(1)
    assert vcsl(TRUE, TRUE) == (1, 1)


def test_a_segment_claimed_in_two_parts_is_found() -> None:
    parts = [span(4, 8, 10, 14, 1), span(8, 14, 14, 18, 2)]
    assert micro_ap(TRUE, parts) == pytest.approx(1)
    assert vcsl(TRUE, parts) == pytest.approx((1, 1))


def test_a_rough_claim_costs_little_when_it_comes_last_and_much_when_first() -> None:
    parts = [span(4, 8, 10, 14, 1), span(8, 14, 16, 18, 2)]
    last = micro_ap(TRUE, [*parts, span(0, 30, 5, 25, 0)])
    first = micro_ap(TRUE, [*parts, span(0, 30, 5, 25, 3)])
    assert 0.9 < last < 1
    assert first < 0.5


def test_boxes_that_meet_only_in_projection_are_worth_nothing() -> None:
    assert micro_ap(SWAPPED_TRUE, SWAPPED) == pytest.approx(0)
    assert vcsl(SWAPPED_TRUE, SWAPPED) == (0, 0)
    assert vcsl(SWAPPED_TRUE, SWAPPED).f1 == 0


def test_claims_of_other_pairs_lower_precision() -> None:
    true = [span(4, 14, 10, 18, query=1, clip=2)]
    claims = [
        span(4, 14, 10, 18, 3, query=2, clip=2),
        span(4, 14, 10, 18, 2, query=1, clip=1),
        span(4, 14, 10, 18, 1, query=1, clip=2),
    ]
    assert micro_ap(true, claims) == pytest.approx(1 / 3)
    rates = vcsl(true, claims)
    assert rates.precision == pytest.approx(1 / 9)  # a third on either axis
    assert rates.recall == 1


def test_vcsl_multiplies_both_axes() -> None:
    rates = vcsl([span(0, 10, 0, 10)], [span(0, 5, 0, 5)])
    assert rates == pytest.approx((1, 0.25))
    rates = vcsl([span(0, 10, 0, 10)], [span(0, 20, 0, 20)])
    assert rates == pytest.approx((0.25, 1))


def test_the_best_f1_leaves_out_claims_of_low_score() -> None:
    claims = [span(4, 14, 10, 18, 2), span(30, 90, 10, 80, 1)]
    assert vcsl(TRUE, claims).f1 < 0.5
    assert best_f1(TRUE, claims) == 1
    many = [span(30 + n, 90, 10, 80, n / 100) for n in range(100)]
    assert best_f1(TRUE, [*claims, *many]) == 1
    assert best_f1(TRUE, []) == 0


def test_nothing_true_and_nothing_claimed_agree() -> None:
    assert vcsl([], []) == (1, 1)
    assert vcsl([], TRUE) == (0, 0)


def test_a_span_played_backwards_is_as_long_as_forwards() -> None:
    backwards = span(0, 1000, 5000, 4000)
    assert backwards.speed == -1
    assert backwards.on("reference") == (4000, 5000)
    assert backwards.at(250) == 4750


def test_a_shot_is_found_when_half_of_it_is_claimed_at_its_place() -> None:
    shot = span(0, 1000, 5000, 6000)
    assert is_found(shot, [span(0, 500, 5000, 5500)])
    assert not is_found(shot, [span(0, 490, 5000, 5490)])
    assert is_found(shot, [span(0, 1000, 5900, 6900)])
    assert not is_found(shot, [span(0, 1000, 6100, 7100)])
    assert not is_found(shot, [span(0, 1000, 5000, 6000, clip=1)])


def test_errors_of_ends_in_query_and_reference() -> None:
    shot = span(1000, 2000, 5000, 6000)
    query, reference = boundary_errors(shot, [span(1040, 1980, 5050, 5990)])
    assert query == [40, 20]
    assert reference == pytest.approx([10, 10])
    assert boundary_errors(shot, [span(1040, 1980, 8050, 8990)]) == ([], [])


def test_false_time_is_what_is_claimed_where_nothing_is_true() -> None:
    assert false_ms([span(0, 1000, 0, 1000)], [span(500, 1500, 70, 1070, clip=3)]) == 500
    assert false_ms([], [span(0, 10, 0, 10), span(5, 20, 90, 105)]) == 20


def test_a_claim_is_right_when_half_of_it_shows_its_place() -> None:
    truth = [span(0, 1000, 5000, 6000)]
    assert is_right(span(0, 2000, 5000, 7000), truth)
    assert not is_right(span(0, 2100, 5000, 7100), truth)
    assert not is_right(span(0, 1000, 8000, 9000), truth)
