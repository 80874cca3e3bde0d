"""How well claimed spans agree with true ones.

Segment precision, recall and F1 are those of VCSL (alipay/VCSL, vcsl/metric.py), micro-AP that of
the VSC matching track (facebookresearch/vsc2022, vsc/metrics.py). Both judge boxes in the plane of
query and reference, pair by pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import sqrt
from typing import NamedTuple

import numpy as np

from bench.timeline.spans import AXES, Axis, Interval, Span, common_length, length, shared

NEAR_MS = 1000.0  # reference error up to which a shot counts as found
COVERED = 0.5  # of a shot's span, from which on it counts as found
_THRESHOLDS = 60  # of scores that are tried
Pairs = dict[tuple[int, int], list[Span]]


class Rates(NamedTuple):
    """Precision and recall of segments."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def vcsl(truth: Iterable[Span], claims: Iterable[Span]) -> Rates:
    """Return VCSL's rates, lengths added up over all pairs that hold anything.

    A claim counts with what of its projections lies in boxes shared with true segments, a true
    segment with what lies in boxes shared with claims; both axes are multiplied.
    """
    true_of, claimed_of = _by_pair(truth), _by_pair(claims)
    precision = recall = 1.0
    for axis in AXES:
        right = claimed = found = true = 0.0
        for pair in true_of.keys() | claimed_of.keys():
            boxes, truths = claimed_of.get(pair, []), true_of.get(pair, [])
            right += sum(_covered(box, truths, axis) for box in boxes)
            found += sum(_covered(one, boxes, axis) for one in truths)
            claimed += sum(_long(box, axis) for box in boxes)
            true += sum(_long(one, axis) for one in truths)
        precision *= right / claimed if claimed else float(not true)
        recall *= found / true if true else float(not claimed)
    return Rates(precision, recall)


def best_f1(truth: Sequence[Span], claims: Sequence[Span]) -> float:
    """Return the best F1 that leaving out claims below some score can reach."""
    scores = np.unique([claim.score for claim in claims])
    if len(scores) > _THRESHOLDS:
        scores = np.quantile(scores, np.linspace(0, 1, _THRESHOLDS))
    rates = [vcsl(truth, [one for one in claims if one.score >= least]) for least in scores]
    return max((one.f1 for one in rates), default=0.0)


def micro_ap(truth: Sequence[Span], claims: Iterable[Span]) -> float:
    """Return VSC's micro-AP: the area under P(R) over all claims ranked by score."""
    if not truth:
        return float("nan")
    true_of = _by_pair(truth)
    totals = {axis: sum(length(_on(spans, axis)) for spans in true_of.values()) for axis in AXES}
    told: Pairs = defaultdict(list)
    hits, lengths = dict.fromkeys(AXES, 0.0), dict.fromkeys(AXES, 0.0)
    recall = area = 0.0
    ranked = sorted(claims, key=lambda claim: -claim.score)
    for _, group in groupby(ranked, key=lambda claim: claim.score):
        for claim in group:
            pair = (claim.query, claim.clip)
            before = _lengths(told[pair], true_of.get(pair, []))
            told[pair].append(claim)
            after = _lengths(told[pair], true_of.get(pair, []))
            for axis in AXES:
                hits[axis] += after[axis][0] - before[axis][0]
                lengths[axis] += after[axis][1] - before[axis][1]
        precisions = [hits[a] / lengths[a] if lengths[a] else 0.0 for a in AXES]
        recalls = [hits[a] / totals[a] for a in AXES]
        now = sqrt(max(0.0, recalls[0] * recalls[1]))
        area += sqrt(max(0.0, precisions[0] * precisions[1])) * (now - recall)
        recall = now
    return area


def is_found(shot: Span, claims: Iterable[Span]) -> bool:
    """Tell whether claims cover half of a shot and name its middle to within a second."""
    claimed = [
        claim
        for claim in _of_pair(shot, claims)
        if shared(shot.on("query"), claim.on("query")) > 0
        and abs(claim.at(_middle(shot, claim)) - shot.at(_middle(shot, claim))) <= NEAR_MS
    ]
    covered = common_length([shot.on("query")], [claim.on("query") for claim in claimed])
    return covered >= COVERED * (shot.query_to - shot.query_from)


def boundary_errors(shot: Span, claims: Iterable[Span]) -> tuple[list[float], list[float]]:
    """Return how far the ends of the best claim for a shot are off: query side, reference side.

    On the reference side it is the place that is judged, at both ends of what claim and shot share
    in the query; so an end that is cut short counts once.
    """
    claims = [claim for claim in _of_pair(shot, claims) if claim.meets(shot)]
    if not claims:
        return [], []
    best = max(claims, key=lambda claim: shared(shot.on("query"), claim.on("query")))
    begin, end = max(shot.query_from, best.query_from), min(shot.query_to, best.query_to)
    return (
        [abs(best.query_from - shot.query_from), abs(best.query_to - shot.query_to)],
        [abs(best.at(begin) - shot.at(begin)), abs(best.at(end) - shot.at(end))],
    )


def false_ms(truth: Iterable[Span], claims: Iterable[Span]) -> float:
    """Return for how long of the query something is claimed where nothing indexed is shown."""
    claimed, true = ([span.on("query") for span in spans] for spans in (list(claims), list(truth)))
    return length(claimed) - common_length(claimed, true)


def is_right(claim: Span, truth: Iterable[Span]) -> bool:
    """Tell whether a claim is of one true span, at least half of it, to within a second."""
    middle = (claim.query_from + claim.query_to) / 2
    return any(
        shared(claim.on("query"), one.on("query")) >= COVERED * _long(claim, "query")
        and abs(claim.at(middle) - one.at(middle)) <= NEAR_MS
        for one in _of_pair(claim, truth)
    )


def _middle(shot: Span, claim: Span) -> float:
    begin, end = max(shot.query_from, claim.query_from), min(shot.query_to, claim.query_to)
    return (begin + end) / 2


def _by_pair(spans: Iterable[Span]) -> Pairs:
    pairs: Pairs = defaultdict(list)
    for span in spans:
        pairs[span.query, span.clip].append(span)
    return pairs


def _of_pair(one: Span, others: Iterable[Span]) -> list[Span]:
    return [other for other in others if (other.query, other.clip) == (one.query, one.clip)]


def _on(spans: Iterable[Span], axis: Axis) -> list[Interval]:
    return [span.on(axis) for span in spans]


def _long(span: Span, axis: Axis) -> float:
    begin, end = span.on(axis)
    return end - begin


def _covered(span: Span, others: Iterable[Span], axis: Axis) -> float:
    """Return how much of a span lies, on an axis, in its boxes shared with others."""
    begin, end = span.on(axis)
    met = (other.on(axis) for other in others if other.meets(span))
    return length((max(begin, low), min(end, high)) for low, high in met)


def _lengths(claims: Sequence[Span], truth: Sequence[Span]) -> dict[Axis, tuple[float, float]]:
    """Return, by axis, how much of what is claimed is true, and how much is claimed."""
    touched = [one for one in truth if any(claim.meets(one) for claim in claims)]
    return {
        axis: (common_length(_on(claims, axis), _on(touched, axis)), length(_on(claims, axis)))
        for axis in AXES
    }
