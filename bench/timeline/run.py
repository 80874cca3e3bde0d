"""The whole bench: plan, make, ask every method the same, count."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench.measure import machine
from bench.quality.cache import Cache, default_folder
from bench.quality.titles import find
from bench.timeline import aligners, clips, cost, figures, methods, pairs
from bench.timeline.asking import answers
from bench.timeline.cost import Sources
from bench.timeline.indexed import Indexed
from bench.timeline.pairs import Files, Pair
from bench.timeline.plan import Ask, Planner, Survey
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
    pairs: int = 1  # 0: real pairs are not asked
    cost: int = 0  # descriptors of the largest index in which a scan is measured


_CLIP, _PAIR = "clip", "pair"  # beside the names of methods
Told = tuple[Any, Any, float]  # question, answer, CPU seconds

QUICK = Sizes(
    amvs=6,
    unseen=3,
    seconds=30,
    clips_per_edit=1,
    negatives=20,
    distractors=20_000,
    cost=100_000,
)
FULL = Sizes(
    amvs=30,
    unseen=10,
    seconds=45,
    clips_per_edit=8,
    negatives=500,
    distractors=1_000_000,
    cost=10_000_000,
)
_COSTED = 1000  # number of the AMV whose scan is measured


@dataclass(frozen=True, slots=True)
class Options:
    """What is run."""

    media: Path
    sizes: Sizes = FULL
    methods: tuple[str, ...] = tuple(methods.METHODS)
    cache: Path | None = None
    seed: int = 1
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Made:
    """Everything that methods are given, and what is true."""

    surveys: list[Survey]
    indexed: Indexed
    asks: dict[str, list[Ask]]  # by kind
    signatures: dict[tuple[str, int], Signature]  # by kind and number
    files: Files
    costed: Costed | None
    sources: Sources  # for the index in which a scan is measured


class Costed(NamedTuple):
    """The AMV whose scan is measured, and the clips that it shows."""

    path: Path
    clips: tuple[int, ...]


def make(options: Options) -> Made:
    """Plan and make what is asked and what is searched."""
    media, cache = find(options.media), Cache(options.cache or default_folder())
    shop = Workshop(cache, media, options.seed, options.jobs)
    surveys = shop.surveys()
    twice = repeated(surveys)
    planner = Planner([None if n in twice else s for n, s in enumerate(surveys)], options.seed)
    asks = _asks(planner, options)
    costed = _costed(shop, planner, surveys) if options.sizes.cost else None
    listed = [ask for some in asks.values() for ask in some]
    signatures = shop.signatures(listed, surveys)
    every_file = media.with_others()
    signed = Workshop(cache, every_file, options.seed, options.jobs).references()
    once = {n for n in range(len(media.clips)) if n not in twice}
    distractors = shop.distractors(surveys, options.sizes.distractors)
    indexed = Indexed(
        {n: signed[n] for n in once},
        distractors,
        {n: one for n, one in signed.items() if n not in once},
    )
    made: dict[tuple[str, int], Signature] = {
        (a.kind, a.number): one for a, one in zip(listed, signatures, strict=True)
    }
    clips_first = [*(costed.clips if costed else ()), *sorted(once)]
    sources = Sources([signed[n] for n in dict.fromkeys(clips_first)], distractors)
    return Made(surveys, indexed, asks, made, Files.of(every_file, signed), costed, sources)


def _costed(shop: Workshop, planner: Planner, surveys: Sequence[Survey]) -> Costed:
    """Draw and make the AMV whose scan is measured."""
    ask = planner.amv(_COSTED, cost.SECONDS)
    shop.signatures([ask], surveys)
    return Costed(shop.video(ask, surveys), tuple(dict.fromkeys(shot.clip for shot in ask.shots)))


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
    told = ask(made, options)
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
        "timelines": {name: _timelines(made, told[name]) for name in options.methods},
    }
    if told[_CLIP]:
        found["clips"] = _clips(made, told[_CLIP])
    if told[_PAIR]:
        found["pairs"] = pairs.figures([answer for _, answer, _ in told[_PAIR]])
    if made.costed:
        found["cost"] = cost.measure(made.costed.path, made.sources, options.sizes.cost)
    return found


def ask(made: Made, options: Options) -> dict[str, list[Told]]:
    """Ask every method all AMVs, and mitate all clips and pairs of files."""
    amvs = [*made.asks["amv"], *made.asks["unseen"]]
    questions: list[tuple[str, Ask | Pair]] = [(n, one) for n in options.methods for one in amvs]
    questions += [(_CLIP, one) for one in [*made.asks["clip"], *made.asks["negative"]]]
    if options.sizes.pairs:
        questions += [(_PAIR, pair) for pair in made.files.pairs]
    told: defaultdict[str, list[Told]] = defaultdict(list)
    given = answers(partial(_answer, made), questions, options.jobs)
    for (way, question), (answer, cpu_s) in zip(questions, given, strict=True):
        told[way].append((question, answer, cpu_s))
    return told


def _answer(made: Made, asked: tuple[str, Ask | Pair]) -> Any:
    way, question = asked
    if isinstance(question, Pair):
        return methods.our_pair(question, made.files, made.indexed)
    scoped = made.indexed.without(question.left_out)
    answer = methods.our_clip if way == _CLIP else methods.METHODS[way]
    return answer(question, made.signatures[question.kind, question.number], scoped)


def _timelines(made: Made, told: Sequence[Told]) -> dict[str, Any]:
    asks, unseen = made.asks["amv"], made.asks["unseen"]
    claims = {(one.kind, one.number): spans for one, spans, _ in told}
    seen = {one.number: claims["amv", one.number] for one in asks}
    result = figures.of_timelines(asks, seen, made.surveys)
    cpu_s = sum(cpu_s for one, _, cpu_s in told if one.kind == "amv")
    result["cpu_s_per_minute"] = cpu_s / figures.minutes(asks)
    if unseen:
        hidden = {one.number: claims["unseen", one.number] for one in unseen}
        result["unseen"] = figures.of_unseen(unseen, hidden)
    return result


def _clips(made: Made, told: Sequence[Told]) -> dict[str, Any]:
    positive = {one.number: answer for one, answer, _ in told if one.kind == "clip"}
    result = figures.of_clips(made.asks["clip"], positive, made.surveys)
    verdicts = [answer[0] for one, answer, _ in told if one.kind == "negative"]
    if verdicts:
        alarms = sum(verdict in pairs.CLAIMS for verdict in verdicts)
        bound = figures.upper_bound(alarms, len(verdicts))
        result["negatives"] = {"n": len(verdicts), "answered": alarms, "at_most_95": bound}
    return result
