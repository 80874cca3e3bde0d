"""Figures of timelines and of clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.quality.metrics import calibration_error
from bench.timeline.metrics import (
    best_f1,
    boundary_errors,
    false_ms,
    is_found,
    is_right,
    micro_ap,
    vcsl,
)
from bench.timeline.plan import Ask, Shot, Survey
from bench.timeline.spans import Span

LENGTHS_MS = ((300, 500), (500, 700), (700, 1000), (1000, 2000), (2000, 3100))
Claims = Mapping[int, list[Span]]  # by number of the query
_ZOOM = 1.1
EDITS: Mapping[str, Callable[[Shot], bool]] = {
    "mirrored": lambda shot: shot.mirrored,
    "at another speed": lambda shot: shot.speed != 1,
    f"zoomed by over {_ZOOM}": lambda shot: max(shot.look.zoom) > _ZOOM,
    "colours changed": lambda shot: (shot.look.gamma, shot.look.saturation) != (1, 1),
    "under a subtitle": lambda shot: shot.look.subtitle is not None,
    "between bars": lambda shot: shot.look.bars,
    "faded into, or from black": lambda shot: bool(shot.fade_frames or shot.look.from_black_ms),
    "none of these": lambda shot: not any(has(shot) for has in list(EDITS.values())[:-1]),
}


def of_timelines(asks: Sequence[Ask], claims: Claims, surveys: Sequence[Survey]) -> dict[str, Any]:
    """Return the figures of AMVs that show indexed titles."""
    truth = [span for ask in asks for span in ask.truth()]
    told = [span for ask in asks for span in claims[ask.number]]
    rates = vcsl(truth, told)
    return {
        "precision": rates.precision,
        "recall": rates.recall,
        "f1": rates.f1,
        "best_f1": best_f1(truth, told),
        "micro_ap": micro_ap(truth, told),
        "shots": len(truth),
        "shot_recall": _recall_by_length(truth, claims),
        "shot_recall_by_edit": _recall_by_edit(asks, claims),
        "boundary": _boundaries(asks, claims, surveys),
        "false_s_per_min": _false_rate(asks, claims),
        "calibration_error": _calibration(truth, told),
    }


def of_unseen(asks: Sequence[Ask], claims: Claims) -> dict[str, Any]:
    """Return the figures of AMVs of which nothing is indexed."""
    return {"minutes": minutes(asks), "false_s_per_min": _false_rate(asks, claims)}


def of_clips(
    asks: Sequence[Ask], answers: Mapping[int, tuple[str, list[Span]]], surveys: Sequence[Survey]
) -> dict[str, Any]:
    """Return the figures of clips by edit: source, start, speed and orientation of the best."""
    rows: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    for ask in asks:
        rows[" ".join(ask.cell)].append(_judged(ask, *answers[ask.number], surveys))
    every = [row for some in rows.values() for row in some]
    return {"all": _means(every)} | {name: _means(some) for name, some in rows.items()}


def upper_bound(hits: int, n: int) -> float:
    """Return the largest rate that is compatible with so few hits at 95 % (Clopper-Pearson)."""
    low, high = hits / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        terms = [_binomial(k, n, middle) for k in range(hits + 1)]
        low, high = (middle, high) if sum(terms) > 0.05 else (low, middle)
    return high


def _binomial(k: int, n: int, rate: float) -> float:
    from math import exp, lgamma, log

    if rate <= 0 or rate >= 1:
        return float((rate <= 0 and k == 0) or (rate >= 1 and k == n))
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return exp(ways + k * log(rate) + (n - k) * log(1 - rate))


def _recall_by_length(truth: Sequence[Span], claims: Claims) -> dict[str, Any]:
    found = [
        (shot.query_to - shot.query_from, is_found(shot, claims[shot.query])) for shot in truth
    ]
    bins: dict[str, tuple[float, float]] = {
        f"{low}-{high} ms": (low, high) for low, high in LENGTHS_MS
    }
    bins |= {"300-700 ms": (300, 700), "over 700 ms": (700, 1e9), "all": (0, 1e9)}
    recalls = {}
    for name, (low, high) in bins.items():
        mine = [hit for length, hit in found if low - 25 <= length < high - 25]
        recalls[name] = _share(mine)
    return recalls


def _recall_by_edit(asks: Sequence[Ask], claims: Claims) -> dict[str, Any]:
    """Return the share of shots found by what an editor did to them; a shot may count for many."""
    found: dict[str, list[bool]] = {name: [] for name in EDITS}
    for ask in asks:
        shown = [shot for shot in ask.shots if shot.clip not in ask.left_out]
        for shot, span in zip(shown, ask.truth(), strict=True):
            for name, has in EDITS.items():
                if has(shot):
                    found[name].append(is_found(span, claims[ask.number]))
    return {name: _share(hits) for name, hits in found.items()}


def _share(hits: Sequence[bool]) -> dict[str, Any]:
    return {"n": len(hits), "recall": float(np.mean(hits)) if hits else None}


def _boundaries(
    asks: Sequence[Ask], claims: Claims, surveys: Sequence[Survey]
) -> dict[str, dict[str, float]]:
    """Return errors of ends in frames of the query, and of the reference."""
    query: list[float] = []
    reference: list[float] = []
    for ask in asks:
        for shot in ask.truth():
            ours, theirs = boundary_errors(shot, claims[ask.number])
            query += [error * float(ask.rate) / 1000 for error in ours]
            step_ms = float(np.median(np.diff(surveys[shot.clip].times_ms)))
            reference += [error / step_ms for error in theirs]
    return {"query_frames": _spread(query), "reference_frames": _spread(reference)}


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {"n": 0}
    median, high = np.quantile(values, [0.5, 0.9])
    return {"n": len(values), "median": float(median), "p90": float(high)}


def minutes(asks: Sequence[Ask]) -> float:
    """Return how long queries are together."""
    return sum(ask.ms(ask.shots[-1].stop) for ask in asks) / 60_000


def _false_rate(asks: Sequence[Ask], claims: Claims) -> float:
    total_ms = sum(false_ms(ask.truth(), claims[ask.number]) for ask in asks)
    return total_ms / 1000 / max(minutes(asks), 1e-9)


def _calibration(truth: Sequence[Span], told: Sequence[Span]) -> float | None:
    given = [span for span in told if span.probability is not None]
    if not given:
        return None
    right = np.array([is_right(span, truth) for span in given])
    return calibration_error(np.array([span.probability for span in given], np.float64), right)


def _judged(
    ask: Ask, verdict: str, matches: Sequence[Span], surveys: Sequence[Survey]
) -> dict[str, float]:
    """Return what is right about the best match of a clip."""
    truth = ask.truth()
    believed = float(verdict in ("match", "ambiguous"))
    if not matches:
        return {"source": 0.0, "believed": believed}
    best = matches[0]
    same = [one for one in truth if one.clip == best.clip and one.meets(best)]
    if not same:
        return {"source": 0.0, "believed": believed}
    shot = max(same, key=lambda one: one.query_to - one.query_from)
    step_ms = float(np.median(np.diff(surveys[shot.clip].times_ms)))
    begin = max(best.query_from, shot.query_from)
    moving = shot.speed != 0
    return {
        "source": 1.0,
        "believed": believed,
        "start_frames": abs(best.at(begin) - shot.at(begin)) / step_ms,
        "query_start_frames": abs(best.query_from - shot.query_from) * float(ask.rate) / 1000,
        "speed": float(abs(best.speed / shot.speed - 1) <= 0.02) if moving else 1.0,
        "orientation": float(best.mirrored == shot.mirrored),
    }


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    means: dict[str, float] = {"n": len(rows)}
    for name in ("source", "believed", "speed", "orientation"):
        values = [row[name] for row in rows if name in row]
        means[name] = float(np.mean(values)) if values else 0.0
    for name in ("start_frames", "query_start_frames"):
        values = [row[name] for row in rows if name in row]
        if values:
            means[name], means[f"{name}_p90"] = np.quantile(values, [0.5, 0.9]).tolist()
    return means
