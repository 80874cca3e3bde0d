"""Fits the probability of segments on AMVs that the bench does not ask; writes segments.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from bench.quality.method import ROOT
from bench.timeline import methods
from bench.timeline.metrics import is_right
from bench.timeline.run import QUICK, Options, make
from mitate.server import search_clip, segments
from mitate.server.stretches import Stretch

Floats = NDArray[np.float64]
SEEDS = (2,)
_RIDGE = 0.02  # keeps weights small that few segments speak for


def calibrate(media: Path, jobs: int, seeds: Sequence[int] = SEEDS) -> None:
    """Fit and keep the calibration."""
    pairs = [pair for seed in seeds for pair in _segments(media, jobs, seed)]
    found: dict[str, object] = {"n_segments": len(pairs)}
    for kind, names in segments.NAMES.items():
        known = [(_features(stretch, names), right) for stretch, right in pairs]
        some = [(values, right) for values, right in known if values is not None]
        weights, offset = fit(*(np.array(column) for column in zip(*some, strict=True)))
        named = dict(zip(names, (round(float(weight), 3) for weight in weights), strict=True))
        found[kind] = {"weights": named, "offset": round(offset, 3)}
    path = ROOT / "server" / segments.NAME
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{path}\n{path.read_text()}")


def _features(stretch: Stretch, names: Sequence[str]) -> tuple[float, ...] | None:
    if segments.LIKENESS not in names:
        return segments.features(stretch)
    if stretch.likeness is None:
        return None
    return (*segments.features(stretch), stretch.likeness)


def fit(values: Floats, right: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Return weights and offset of a logistic regression, by Newton's method."""
    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    rows = np.column_stack([(values - middle) / spread, np.ones(len(values))])
    penalty = np.full(rows.shape[1], _RIDGE * len(rows))
    penalty[-1] = 0
    found = np.zeros(rows.shape[1])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (chances - right) + penalty * found
        curve = (rows * (chances * (1 - chances))[:, None]).T @ rows + np.diag(penalty)
        found -= np.linalg.solve(curve, slope)
    weights = found[:-1] / spread
    return weights, float(found[-1] - weights @ middle)


def _segments(media: Path, jobs: int, seed: int) -> list[tuple[Stretch, bool]]:
    """Return every stretch that a scan considers, and whether it is right."""
    sizes = replace(QUICK, amvs=8, unseen=4, clips_per_edit=0, negatives=0, pairs=0)
    made = make(Options(media, sizes, jobs=jobs, seed=seed))
    pairs: list[tuple[Stretch, bool]] = []
    for ask in [*made.asks["amv"], *made.asks["unseen"]]:
        noting = _Noting([])
        with mock.patch.object(search_clip, "segment_calibration", partial(_same, noting)):
            scoped = made.indexed.without(ask.left_out)
            claims = methods.ours(ask, made.signatures[ask.kind, ask.number], scoped)
        times_ms = made.signatures[ask.kind, ask.number].times_ms
        by_begin = {int(times_ms[one.first]): one for one in noting.seen}
        for claim in claims:
            stretch = by_begin.get(int(claim.query_from))
            if stretch is not None:
                pairs.append((stretch, is_right(claim, ask.truth())))
    return pairs


def _same(noting: _Noting) -> _Noting:
    return noting


@dataclass(frozen=True, slots=True)
class _Noting:
    """Believes every stretch and notes it."""

    seen: list[Stretch]

    def probability(self, stretch: Stretch) -> float:
        self.seen.append(stretch)
        return 1.0
