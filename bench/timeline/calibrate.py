"""Fits probabilities on AMVs and clips that the bench does not ask.

Those of segments of timelines go to segments.json, those of answers to clips to clips.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from bench.quality.method import ROOT
from bench.timeline import methods
from bench.timeline.metrics import is_right
from bench.timeline.plan import Ask
from bench.timeline.run import FULL, QUICK, Made, Options, Sizes, make
from bench.timeline.spans import Span
from mitate.kernels.signature import Signature
from mitate.server import search_clip, segments
from mitate.server.records import Timeline
from mitate.server.second_look import look_again
from mitate.server.stretches import Stretch

Floats = NDArray[np.float64]
What = Literal["timelines", "clips"]
SEEDS = (2, 4)
_BEST = 3  # stretches of a clip, of which all but one are wrong
_PART_MS = (400, 3000)
_DISTRACTORS = (QUICK.distractors, FULL.distractors)  # evidence is worth less among more


class Pair(NamedTuple):
    """A stretch, and whether it is right."""

    stretch: Stretch
    more: tuple[float, ...]  # that is known of it
    right: bool
    by_pictures: bool = False  # it was found by them, and says nothing where there are none


def calibrate(media: Path, jobs: int, what: What, seeds: Sequence[int] = SEEDS) -> None:
    """Fit and keep the calibration of timelines or of clips."""
    file, collected, ridge = _COLLECTED[what]
    found = fitted(file, [pair for seed in seeds for pair in collected(media, jobs, seed)], ridge)
    path = ROOT / "server" / file
    path.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{path}\n{path.read_text()}")


def fitted(file: str, pairs: Sequence[Pair], ridge: float) -> dict[str, object]:
    """Return a calibration as it is kept."""
    found: dict[str, object] = {"n_segments": len(pairs)}
    for kind in (segments.PLAIN, segments.PICTURED):
        names = segments.names_of(file, kind)
        fit_on = [one for one in pairs if kind == segments.PICTURED or not one.by_pictures]
        known = [(_features(one.stretch, one.more, names), one.right) for one in fit_on]
        some = [(values, right) for values, right in known if values is not None]
        values, right = (np.array(column) for column in zip(*some, strict=True))
        weights, offset = fit(values, right, ridge)
        named = dict(zip(names, (round(float(weight), 3) for weight in weights), strict=True))
        found[kind] = {"weights": named, "offset": round(offset, 3)}
    return found


def _features(
    stretch: Stretch, more: tuple[float, ...], names: Sequence[str]
) -> tuple[float, ...] | None:
    values = (*segments.features(stretch), *more)
    if segments.LIKENESS not in names:
        return values
    return None if stretch.likeness is None else (*values, stretch.likeness)


def fit(
    values: Floats,
    right: NDArray[np.bool_],
    ridge: float,  # keeps weights small that few segments speak for
) -> tuple[Floats, float]:
    """Return weights and offset of a logistic regression, by Newton's method."""
    middle, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    rows = np.column_stack([(values - middle) / spread, np.ones(len(values))])
    penalty = np.full(rows.shape[1], ridge * len(rows))
    penalty[-1] = 0
    found = np.zeros(rows.shape[1])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (chances - right) + penalty * found
        curve = (rows * (chances * (1 - chances))[:, None]).T @ rows + np.diag(penalty)
        found -= np.linalg.solve(curve, slope)
    weights = found[:-1] / spread
    return weights, float(found[-1] - weights @ middle)


def _segments(media: Path, jobs: int, seed: int) -> list[Pair]:
    """Return every stretch that scans among a million weigh, and whether it is right."""
    sizes = replace(FULL, amvs=8, unseen=4, clips_per_edit=0, negatives=0, pairs=0, cost=0)
    made = make(Options(media, sizes, jobs=jobs, seed=seed))
    pairs: list[Pair] = []
    for ask in [*made.asks["amv"], *made.asks["unseen"]]:
        noting = _Noting([], segments.segment_calibration().probability)
        scan = partial(_noted, noting, ask, pairs)
        with (
            mock.patch.object(search_clip, "segment_calibration", partial(_same, noting)),
            mock.patch.object(methods, "scan", scan),
        ):
            scoped = made.indexed.without(ask.left_out)
            methods.ours(ask, made.signatures[ask.kind, ask.number], scoped)
    return pairs


def _noted(
    noting: _Noting, ask: Ask, pairs: list[Pair], part: Signature, *args: Any, **options: Any
) -> Timeline:
    """Scan a part of a video, and keep what was weighed."""
    n_before, n_first = len(noting.seen), 0

    def again(*of: Any) -> list[list[Stretch]]:
        nonlocal n_first
        n_first = len(noting.seen)
        return look_again(*of)

    with mock.patch.object(search_clip, "look_again", again):
        found = search_clip.scan(part, *args, **options)
    for number, (stretch, more) in enumerate(noting.seen[n_before:], n_before):
        right = is_right(_claim(ask, part, stretch), ask.truth())
        pairs.append(Pair(stretch, more, right, by_pictures=number >= n_first))
    return found


def _clips(media: Path, jobs: int, seed: int) -> list[Pair]:
    """Return the best stretches of clips and of a short part of each; are they right?"""
    pairs: list[Pair] = []
    for distractors in _DISTRACTORS:
        sizes = Sizes(0, 0, 0, clips_per_edit=2, negatives=200, distractors=distractors, pairs=0)
        made = make(Options(media, sizes, jobs=jobs, seed=seed))
        rng = np.random.default_rng((seed, 5))
        for ask in [*made.asks["clip"], *made.asks["negative"]]:
            whole = made.signatures[ask.kind, ask.number]
            for signature in (whole, _short_part(whole, rng)):
                pairs += _answers(made, ask, signature)
    return pairs


def _answers(made: Made, ask: Ask, signature: Signature) -> list[Pair]:
    noting = _Noting([], lambda _: 0.0)
    with mock.patch.object(search_clip, "clip_calibration", partial(_same, noting)):
        methods.our_clip(ask, signature, made.indexed.without(ask.left_out))
    return [
        Pair(stretch, more, is_right(_claim(ask, signature, stretch), ask.truth()))
        for stretch, more in noting.seen[:_BEST]
    ]


def _short_part(whole: Signature, rng: np.random.Generator) -> Signature:
    long_ms = float(rng.uniform(*_PART_MS))
    from_ms = rng.uniform(0, max(0.0, whole.duration_ms - long_ms))
    first, stop = np.searchsorted(whole.times_ms, [from_ms, from_ms + long_ms])
    first = min(first, whole.n_frames - 2)
    return whole.part(int(first), max(int(stop), int(first) + 2), with_runs=True)


def _claim(ask: Ask, signature: Signature, stretch: Stretch) -> Span:
    ends = np.append(signature.times_ms, signature.duration_ms)[[stretch.first, stretch.stop]]
    (begin, end), (from_ms, to_ms) = ends.tolist(), stretch.line.at(ends).tolist()
    source_id = stretch.line.source_id
    return Span(ask.number, source_id, begin, end, from_ms, to_ms, stretch.line.mirrored)


def _same(noting: _Noting) -> _Noting:
    return noting


@dataclass(frozen=True, slots=True)
class _Noting:
    """Gives every stretch a probability and notes it."""

    seen: list[tuple[Stretch, tuple[float, ...]]]
    given: Callable[[Stretch], float]

    def probability(self, stretch: Stretch, *more: float) -> float:
        self.seen.append((stretch, more))
        return self.given(stretch)


_COLLECTED: dict[What, tuple[str, Callable[[Path, int, int], list[Pair]], float]] = {
    "timelines": (segments.NAME, _segments, 0.002),
    "clips": (segments.CLIPS, _clips, 0.002),
}
