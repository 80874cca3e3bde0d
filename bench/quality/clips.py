"""Clips of a few seconds: mitate, frames voted on one by one, and FFmpeg's `signature` filter.

The filter compares two videos and has no index, so each clip is looked for in a few references, the
same for every method. Clips, their edits and the first two methods are those of `bench.timeline`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.quality import signature_filter
from bench.quality.cache import key_of
from bench.quality.figures import CLAIMS
from bench.quality.method import Answer, Reference
from bench.quality.metrics import Outcomes, recall
from bench.quality.mpeg7 import installed
from bench.quality.protocol import Ask as Picture
from bench.quality.protocol import Protocol
from bench.quality.protocol import Survey as Frames
from bench.quality.titles import Media
from bench.quality.transforms import Cell, cells
from bench.timeline import methods
from bench.timeline.clips import clip, negative
from bench.timeline.figures import upper_bound
from bench.timeline.indexed import Indexed, Scoped
from bench.timeline.plan import Ask, Planner, Survey
from bench.timeline.spans import Span
from bench.timeline.work import Workshop, repeated
from mitate.kernels.signature import Signature

EDITS = (
    Cell("codec", "CRF 32"),
    *(Cell(family, "medium") for family in ("resize", "crop", "letterbox", "subtitles")),
    Cell("mirror", "-"),
    Cell("speed", "1.25"),
    Cell("reverse", "-"),
)
N_REFERENCES = 8  # that each clip is looked for in
FILTER = "ffmpeg signature"
_SHAPE = 16 / 9  # of no consequence for clips


class Named(NamedTuple):
    """The best that a method says about a clip."""

    clip: int  # -1 for nothing
    query_ms: float  # shows what the clip named shows at `ms`
    ms: float
    score: float
    claimed: bool  # that it is the same, at the method's own operating point


NOTHING = Named(-1, 0.0, 0.0, float("-inf"), False)


class Plan:
    """Draws clips and what each is looked for in."""

    def __init__(self, media: Media, frames: Sequence[Frames], seed: int) -> None:
        """Leave out clips much of which an earlier one shows too."""
        self.surveys = [
            Survey(one.times_ms, one.thumbs, its.title, _SHAPE)
            for one, its in zip(frames, media.clips, strict=True)
        ]
        twice = repeated(self.surveys)
        kept = [None if n in twice else survey for n, survey in enumerate(self.surveys)]
        self._planner, self._seed = Planner(kept, seed), seed
        self.numbers = [n for n, survey in enumerate(kept) if survey is not None]

    def asks(self, n_per_edit: int) -> list[Ask]:
        """Return clips of every edit, and as many of titles that are left out."""
        edits = [edit for edit in EDITS for _ in range(n_per_edit)]
        make = (clip, negative)
        return [f(self._planner, self._seed, n, e) for f in make for n, e in enumerate(edits)]

    def references(self, ask: Ask) -> tuple[int, ...]:
        """Return the clip that the query is from, unless it is left out, and others at random."""
        rng = np.random.default_rng((self._seed, 7, ask.number, ask.kind == "negative"))
        own = [] if ask.kind == "negative" else [ask.shots[0].clip]
        others = [n for n in self.numbers if n not in ask.left_out and n not in own]
        drawn = rng.choice(others, min(len(others), N_REFERENCES - len(own)), replace=False)
        return tuple(sorted([*own, *map(int, drawn)]))


def measure(
    plan: Plan, protocol: Protocol, shop: Workshop, references: Sequence[Reference], n_per_edit: int
) -> dict[str, Any]:
    """Return the figures of every method; the references are the signatures of all clips."""
    asks = plan.asks(n_per_edit)
    signatures = shop.signatures(asks, plan.surveys)
    indexed = Indexed({n: references[n].data for n in plan.numbers}, ())
    said: dict[str, list[Named]] = {"mitate": [], "top-1, merged": []}
    for ask, signature in zip(asks, signatures, strict=True):
        out = frozenset(plan.numbers).difference(plan.references(ask))
        for name, answer in (("mitate", _ours), ("top-1, merged", _top_1)):
            said[name].append(answer(ask, signature, indexed.without(out)))
    if installed():
        said[FILTER] = _filtered(plan, shop, asks)
    return {
        "references_per_clip": N_REFERENCES,
        "methods": {name: figures(protocol, asks, answers) for name, answers in said.items()},
    }


def figures(protocol: Protocol, asks: Sequence[Ask], answers: Sequence[Named]) -> dict[str, Any]:
    """Return what share of clips is named rightly, start errors, and false alarms."""
    negative = np.array([ask.kind == "negative" for ask in asks])
    right = np.array([is_right(protocol, *pair) for pair in zip(asks, answers, strict=True)])
    claimed = np.array([answer.claimed for answer in answers])
    titles = [protocol.media.clips[ask.shots[0].clip].title for ask in asks]
    numbers = np.unique(titles, return_inverse=True)[1].astype(np.int64)
    scores = np.array([answer.score for answer in answers], np.float64)
    safe = recall(Outcomes(scores, right, negative, numbers), 0.0)
    errors = [
        abs(answer.ms - ask.truth()[0].at(answer.query_ms))
        for ask, answer in zip(asks, answers, strict=True)
        if ask.truth() and answer.clip == ask.truth()[0].clip
    ]
    alarms = int(claimed[negative].sum())
    rows: dict[str, list[int]] = {}
    for place in np.flatnonzero(~negative):
        rows.setdefault(" ".join(asks[int(place)].cell), []).append(int(place))
    shares = {"right": right, "claimed_right": right & claimed, "safe": safe}
    groups = {"all": np.flatnonzero(~negative).tolist(), **rows}
    return {
        "clips": {
            name: {"n": len(places)} | {k: _percent(v[places].mean()) for k, v in shares.items()}
            for name, places in groups.items()
        },
        "claimed_wrong": _percent((claimed & ~right)[~negative].mean()),
        "start_error_ms": np.quantile(errors, [0.5, 0.9]).round(1).tolist() if errors else None,
        "negatives": {
            "n": int(negative.sum()),
            "answered": alarms,
            "at_most_95": _percent(upper_bound(alarms, int(negative.sum()))),
        },
    }


def is_right(protocol: Protocol, ask: Ask, answer: Named) -> bool:
    """Tell whether the clip named shows at the time named what the query does, within a second."""
    if ask.kind == "negative" or answer.clip < 0:
        return False
    truth = ask.truth()[0]
    frame = protocol.frame_at(truth.clip, round(truth.at(answer.query_ms)))
    asked = Picture("positive", truth.clip, frame, cells()[0], 0)
    at_ms = round(answer.ms)
    return protocol.right(asked, Answer(answer.clip, at_ms, at_ms, answer.score, "match", None))


def best_of(ask: Ask, found: Mapping[int, signature_filter.Found | None], plan: Plan) -> Named:
    """Return the reference with which the filter says that most frames match."""
    matches = {number: one for number, one in found.items() if one is not None}
    if not matches:
        return NOTHING
    number = max(matches, key=lambda n: matches[n].n_frames)
    best, times_ms = matches[number], plan.surveys[number].times_ms
    at_ms = float(times_ms[min(best.second, len(times_ms) - 1)])
    return Named(number, ask.ms(best.first), at_ms, float(best.n_frames), True)


def _ours(ask: Ask, signature: Signature, scoped: Scoped) -> Named:
    verdict, spans = methods.our_clip(ask, signature, scoped)
    return _named(spans[0], verdict in CLAIMS) if spans else NOTHING


def _top_1(ask: Ask, signature: Signature, scoped: Scoped) -> Named:
    spans = methods.top_1(ask, signature, scoped, mirrored=False)
    return _named(max(spans, key=lambda span: span.score), True) if spans else NOTHING


def _named(span: Span, claimed: bool) -> Named:
    return Named(span.clip, span.query_from, span.from_ms, span.score, claimed)


def _filtered(plan: Plan, shop: Workshop, asks: Sequence[Ask]) -> list[Named]:
    """Compare every query with its references, several at a time."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(shop.jobs) as pool:
        compare = partial(_compared, plan, shop, Path(folder))
        needed = sorted({number for ask in asks for number in plan.references(ask)})
        missing = [ask for ask in asks if not shop.cache.has(*_kept(plan, shop, ask))]
        if missing:
            list(pool.map(partial(_reduced, shop.media, Path(folder)), needed))
        return list(pool.map(compare, asks))


def _reduced(media: Media, folder: Path, number: int) -> None:
    signature_filter.reduce(media.clips[number].path, folder / f"{number}")


def _compared(plan: Plan, shop: Workshop, folder: Path, ask: Ask) -> Named:
    def compare() -> dict[int, signature_filter.Found | None]:
        query = folder / f"{ask.kind}-{ask.number}"
        signature_filter.reduce(shop.video(ask, plan.surveys), query)
        found = {n: signature_filter.compare(query, folder / f"{n}") for n in plan.references(ask)}
        query.unlink()
        return found

    return best_of(ask, shop.cache.of(compare, *_kept(plan, shop, ask)), plan)


def _kept(plan: Plan, shop: Workshop, ask: Ask) -> tuple[str, ...]:
    """Return the name in the cache of what the filter says about a query."""
    paths = [shop.media.clips[number].path for number in plan.references(ask)]
    files = [(path.name, path.stat().st_size) for path in paths]
    video = shop.video(ask, plan.surveys).stem
    return "filtered", signature_filter.VERSION, f"{video}-{key_of(files, plan.references(ask))}"


def _percent(share: Any) -> float:
    return round(100 * float(share), 2)
