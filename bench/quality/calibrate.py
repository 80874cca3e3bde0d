"""`python -m bench calibrate`: fit what evidence is worth, and write the server's calibration.

Probability is a logistic function of evidence, fitted on edited frames of titles that are indexed
and of titles that are left out. The threshold for an accepted rate of false alarms extends the tail
of the unrelated queries as an exponential. Every title weighs the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.quality.cache import Cache, default_folder
from bench.quality.method import Answer
from bench.quality.ours import Mitate
from bench.quality.protocol import QUICK, Ask, Looks, Protocol, Sizes, as_edited
from bench.quality.run import answer, grouped
from bench.quality.titles import find
from bench.quality.work import Workshop
from mitate.server.calibration import NAME, Calibration, default_calibration

Floats = NDArray[np.float64]

TARGET = Path(__file__).resolve().parents[2] / "server" / NAME
TAIL_RATE = 0.05  # of unrelated queries from which the tail is fitted
# Widens the fitted tail: the titles at hand are few.
TAIL_MARGIN = 1.1
_ROUNDS = 50


class Outcomes(NamedTuple):
    """What came of queries."""

    evidence: Floats  # (n,)
    right: NDArray[np.bool_]  # (n,)
    unrelated: NDArray[np.bool_]  # (n,) from a title that was left out
    titles: NDArray[np.str_]  # (n,)


def calibrate(media_folder: Path, sizes: Sizes = QUICK, seed: int = 7, jobs: int = 1) -> None:
    """Ask mitate the queries of the bench, fit, and write the calibration."""
    method, media = Mitate(), find(media_folder)
    shop = Workshop(Cache(default_folder()), media, seed, jobs)
    surveys = shop.surveys()
    protocol = Protocol(media, surveys, sizes, seed)
    pool = shop.pool([len(survey.times_ms) for survey in surveys])
    chunks, of_chunks = shop.chunk_references([method], pool, sizes.distractors)
    of_clips = shop.clip_references([method])
    looks, asks = Looks(), protocol.asks()
    queries = shop.queries([looks, method], asks)
    asks = as_edited(asks, queries[looks.name])
    groups = grouped(protocol, asks, [chunk.titles for chunk in chunks], len(surveys))
    references = list(enumerate([*of_clips[method.name], *of_chunks[method.name]]))
    answers, _ = answer(method.searcher(references), queries[method.name], groups)
    fitted = fit(_outcomes(protocol, asks, answers), default_calibration())
    TARGET.write_text(json.dumps(asdict(fitted), indent=2) + "\n", "utf-8")


def fit(outcomes: Outcomes, current: Calibration) -> Calibration:
    """Return the calibration that explains the outcomes best."""
    weights = _weights(outcomes.titles)
    slope, offset = _logistic(outcomes.evidence, outcomes.right, weights)
    unrelated = outcomes.evidence[outcomes.unrelated]
    start = float(np.quantile(unrelated, 1 - TAIL_RATE))
    above = unrelated[unrelated > start]
    scale = TAIL_MARGIN * float(np.mean(above - start))
    return Calibration(
        version=str(int(current.version) + 1),
        n_titles=len(np.unique(outcomes.titles)),
        slope=round(slope, 3),
        offset=round(offset, 3),
        background=current.background,
        tail_rate=TAIL_RATE,
        tail_start=round(start, 4),
        tail_scale=round(scale, 4),
    )


def _outcomes(protocol: Protocol, asks: Sequence[Ask], answers: Sequence[Answer]) -> Outcomes:
    current = default_calibration()
    kept = [
        (ask, found)
        for ask, found in zip(asks, answers, strict=True)
        if found.probability is not None and ask.kind in ("positive", "unrelated", "series")
    ]
    share = np.array([found.probability for _, found in kept])
    return Outcomes(
        (np.log(share / (1 - share)) - current.offset) / current.slope,
        np.array([protocol.right(ask, found) for ask, found in kept]),
        np.array([ask.kind == "unrelated" for ask, _ in kept]),
        np.array([protocol.title(ask) for ask, _ in kept]),
    )


def _weights(titles: NDArray[np.str_]) -> Floats:
    _, of_title, counts = np.unique(titles, return_inverse=True, return_counts=True)
    return np.asarray(len(titles) / len(counts) / counts[of_title])


def _logistic(evidence: Floats, right: NDArray[np.bool_], weights: Floats) -> tuple[float, float]:
    """Fit slope and offset by Newton's method."""
    inputs = np.stack([evidence, np.ones(len(evidence))], axis=1)
    found = np.array([10.0, -4.0])
    for _ in range(_ROUNDS):
        share = 1 / (1 + np.exp(-(inputs @ found).clip(-30, 30)))
        gradient = inputs.T @ (weights * (right - share))
        curve = (inputs * (weights * share * (1 - share))[:, None]).T @ inputs
        step = np.linalg.solve(curve + 1e-3 * np.eye(2), gradient - 1e-3 * found)
        found = found + step
        if np.abs(step).max() < 1e-6:
            break
    return float(found[0]), float(found[1])
