"""The figures of one method, from its answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.quality.method import Answer
from bench.quality.metrics import (
    Bools,
    Floats,
    Ints,
    Outcomes,
    bootstrap,
    calibration_error,
    given,
    mean_by,
    recall,
)
from bench.quality.protocol import Ask, Protocol
from bench.quality.transforms import NOT_IN_MEAN, cells

RATES = {"r1": None, "r1_at_1_percent": 0.01, "r1_at_0.1_percent": 0.001}
N_DRAWS = 200
NEGATIVE_KINDS = ("unrelated", "series", "shared")
CLAIMS = ("match", "ambiguous")


class Judged:
    """Queries and answers of one method as arrays."""

    def __init__(self, protocol: Protocol, asks: Sequence[Ask], answers: Sequence[Answer]) -> None:
        self.asks, self.answers = asks, answers
        self.kinds = np.array([ask.kind for ask in asks])
        self.right: Bools = np.array(
            [
                ask.kind == "positive" and protocol.right(ask, answer)
                for ask, answer in zip(asks, answers, strict=True)
            ]
        )
        self.names = sorted({protocol.title(ask) for ask in asks})
        self.titles: Ints = np.array([self.names.index(protocol.title(ask)) for ask in asks])
        order = {cell: number for number, cell in enumerate(cells())}
        self.cells: Ints = np.array([order[ask.cell] for ask in asks])
        self.scores: Floats = np.array([answer.score for answer in answers], np.float64)
        self.claimed: Bools = np.array([answer.verdict in CLAIMS for answer in answers])
        self.matched: Bools = np.array([answer.verdict == "match" for answer in answers])
        self.scored = np.flatnonzero(self.kinds != "flat")
        self.positive: Bools = self.kinds[self.scored] == "positive"

    def outcomes(self) -> Outcomes:
        """Return all queries but the flat ones; those of shared pictures are no negatives."""
        negative = (self.kinds == "unrelated") | (self.kinds == "series")
        return Outcomes(self.scores, self.right, negative, self.titles).take(self.scored)

    def figures(self, seed: int) -> dict[str, Any]:
        """Return every figure as plain values, shares in percent."""
        outcomes = self.outcomes()
        recalls = {name: recall(outcomes, rate) for name, rate in RATES.items()}
        return {
            "mean": {
                name: self._mean(name, outcomes, values, seed) for name, values in recalls.items()
            },
            "cells": self._cells(recalls),
            "false_alarms": self._false_alarms(outcomes),
            "verdicts": self._verdicts(),
            "calibration_error": self._calibration(),
        }

    def _mean(self, name: str, outcomes: Outcomes, values: Floats, seed: int) -> dict[str, float]:
        """Return the mean over families and its interval over titles."""
        cell_of = self.cells[self.scored]

        def statistic(rows: Ints) -> float:
            some = outcomes.take(rows)
            return family_mean(recall(some, RATES[name]), cell_of[rows], self.positive[rows])

        low, high = bootstrap(outcomes.titles, statistic, N_DRAWS, seed)
        mean = family_mean(values, cell_of, self.positive)
        return {"mean": _percent(mean), "low": _percent(low), "high": _percent(high)}

    def _cells(self, recalls: dict[str, Floats]) -> list[dict[str, Any]]:
        positive = self.positive
        groups = self.cells[self.scored][positive]
        counts = np.bincount(groups, minlength=len(cells()))
        means = {k: mean_by(v[positive], groups, len(cells())) for k, v in recalls.items()}
        return [
            {"family": cell.family, "strength": cell.strength, "n": int(counts[number])}
            | {name: _percent(values[number]) for name, values in means.items()}
            for number, cell in enumerate(cells())
        ]

    def _false_alarms(self, outcomes: Outcomes) -> dict[str, Any]:
        """Return the share of negatives answered: at fitted thresholds, at the method's own."""
        kinds, claimed = self.kinds[self.scored], self.claimed[self.scored]
        found: dict[str, Any] = {}
        for kind in NEGATIVE_KINDS:
            mine = kinds == kind
            if not mine.any():
                continue
            found[kind] = {"n": int(mine.sum()), "own": _percent(claimed[mine].mean())}
            found[kind]["own_match"] = _percent(self.matched[self.scored][mine].mean())
            for name, rate in RATES.items():
                if rate is not None:
                    found[kind][name] = _percent(given(outcomes, rate)[mine].mean())
        return found

    def _verdicts(self) -> dict[str, float]:
        """Return how often the verdict at the method's own operating point is right."""
        positive, flat = self.kinds == "positive", self.kinds == "flat"
        negative = (self.kinds == "unrelated") | (self.kinds == "series")
        return {
            "positive": _percent((self.claimed & self.right)[positive].mean()),
            "positive_named_wrong": _percent((self.claimed & ~self.right)[positive].mean()),
            "negative": _percent((~self.claimed)[negative].mean()),
            "flat": _percent((~self.claimed)[flat].mean()) if flat.any() else float("nan"),
            "flat_match": _percent(self.matched[flat].mean()) if flat.any() else float("nan"),
        }

    def _calibration(self) -> float | None:
        pairs = [
            (answer.probability, right)
            for answer, right, kind in zip(self.answers, self.right, self.kinds, strict=True)
            if answer.probability is not None and kind not in ("flat", "shared")
        ]
        if not pairs:
            return None
        probabilities, right = (np.array(column) for column in zip(*pairs, strict=True))
        return round(calibration_error(probabilities, right.astype(np.bool_)), 4)


def family_mean(values: Floats, cell_of: Ints, positive: Bools) -> float:
    """Return the mean over families of the mean over strengths, of positives."""
    means = mean_by(values[positive], cell_of[positive], len(cells()))
    families: defaultdict[str, list[float]] = defaultdict(list)
    for cell, mean in zip(cells(), means, strict=True):
        if cell.family not in NOT_IN_MEAN and not np.isnan(mean):
            families[cell.family].append(float(mean))
    return float(np.mean([np.mean(figures) for figures in families.values()]))


def _percent(share: float) -> float:
    return round(100 * float(share), 2)
