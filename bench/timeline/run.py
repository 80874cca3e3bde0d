"""The whole bench: plan, make, ask every method the same, count."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.measure import machine
from bench.quality.cache import Cache, default_folder
from bench.quality.titles import find
from bench.timeline import aligners, clips, figures, methods
from bench.timeline.indexed import Indexed
from bench.timeline.plan import Ask, Planner, Survey
from bench.timeline.spans import Span
from bench.timeline.work import Workshop, repeated
from mitate.kernels.signature import Signature


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is asked."""

    amvs: int
    unseen: int
    seconds: float  # of each
    clips_per_edit: int
    negatives: int
    distractors: int


QUICK = Sizes(amvs=6, unseen=3, seconds=30, clips_per_edit=1, negatives=20, distractors=20_000)
FULL = Sizes(amvs=30, unseen=10, seconds=45, clips_per_edit=8, negatives=500, distractors=1_000_000)


@dataclass(frozen=True, slots=True)
class Options:
    """What is run."""

    media: Path
    sizes: Sizes = FULL
    methods: tuple[str, ...] = tuple(methods.METHODS)
    cache: Path | None = None
    seed: int = 1
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Made:
    """Everything that methods are given, and what is true."""

    surveys: list[Survey]
    indexed: Indexed
    asks: dict[str, list[Ask]]  # by kind
    signatures: dict[tuple[str, int], Signature]  # by kind and number


def make(options: Options) -> Made:
    """Plan and make what is asked and what is searched."""
    shop = Workshop(
        Cache(options.cache or default_folder()), find(options.media), options.seed, options.jobs
    )
    surveys = shop.surveys()
    twice = repeated(surveys)
    planner = Planner([None if n in twice else s for n, s in enumerate(surveys)], options.seed)
    asks = _asks(planner, options)
    listed = [ask for some in asks.values() for ask in some]
    signatures = shop.signatures(listed, surveys)
    references = {n: one for n, one in shop.references().items() if n not in twice}
    indexed = Indexed(references, shop.distractors(surveys, options.sizes.distractors))
    made: dict[tuple[str, int], Signature] = {
        (a.kind, a.number): one for a, one in zip(listed, signatures, strict=True)
    }
    return Made(surveys, indexed, asks, made)


def _asks(planner: Planner, options: Options) -> dict[str, list[Ask]]:
    sizes, seed = options.sizes, options.seed
    edits = [cell for cell in clips.cells() for _ in range(sizes.clips_per_edit)]
    others = clips.cells()
    return {
        "amv": [planner.amv(n, sizes.seconds) for n in range(sizes.amvs)],
        "unseen": [planner.amv(n, sizes.seconds, unseen=True) for n in range(sizes.unseen)],
        "clip": [clips.clip(planner, seed, n, cell) for n, cell in enumerate(edits)],
        "negative": [
            clips.negative(planner, seed, n, others[n % len(others)])
            for n in range(sizes.negatives)
        ],
    }


def measure(options: Options) -> dict[str, Any]:
    """Return every figure of every method."""
    made = make(options)
    found: dict[str, Any] = {
        "machine": machine(),
        "seed": options.seed,
        "sizes": asdict(options.sizes),
        "descriptors": made.indexed.n_descriptors,
        "parameters": {
            **aligners.PARAMETERS,
            "top-1": {
                "merge_ms": methods.MERGE_MS,
                "pause_ms": methods.PAUSE_MS,
                "share": methods.TOP_SHARE,
            },
        },
        "timelines": {},
    }
    for name in options.methods:
        found["timelines"][name] = _timelines(made, name)
        print(f"{name} is done", file=sys.stderr, flush=True)
    if options.sizes.clips_per_edit:
        found["clips"] = _clips(made)
    return found


def _timelines(made: Made, name: str) -> dict[str, Any]:
    asks = made.asks["amv"]
    claims, seconds = asked(made, name, asks)
    result = figures.of_timelines(asks, claims, made.surveys)
    result["cpu_s_per_minute"] = seconds / sum(ask.ms(ask.shots[-1].stop) / 60_000 for ask in asks)
    unseen = made.asks["unseen"]
    if unseen:
        result["unseen"] = figures.of_unseen(unseen, asked(made, name, unseen)[0])
    return result


def asked(made: Made, name: str, asks: Sequence[Ask]) -> tuple[Mapping[int, list[Span]], float]:
    """Return what a method claims about each query, and the CPU seconds it took."""
    claims = {}
    started = time.process_time()
    for ask in asks:
        scoped = made.indexed.without(ask.left_out)
        claims[ask.number] = methods.METHODS[name](
            ask, made.signatures[ask.kind, ask.number], scoped
        )
    return claims, time.process_time() - started


def _clips(made: Made) -> dict[str, Any]:
    answers = {
        (ask.kind, ask.number): methods.our_clip(
            ask, made.signatures[ask.kind, ask.number], made.indexed.without(ask.left_out)
        )
        for ask in [*made.asks["clip"], *made.asks["negative"]]
    }
    positive = {number: answer for (kind, number), answer in answers.items() if kind == "clip"}
    result = figures.of_clips(made.asks["clip"], positive, made.surveys)
    verdicts = [verdict for (kind, _), (verdict, _) in answers.items() if kind == "negative"]
    if verdicts:
        alarms = sum(verdict in ("match", "ambiguous") for verdict in verdicts)
        bound = figures.upper_bound(alarms, len(verdicts))
        result["negatives"] = {"n": len(verdicts), "answered": alarms, "at_most_95": bound}
    return result
