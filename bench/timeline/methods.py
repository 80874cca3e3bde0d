"""mitate and published ways, all given the same signatures, vectors and index.

What differs is only how hits become spans. Every other way is given both orientations, without
which none finds a mirrored shot; `top-1` without is what a client of a picture service can do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.timeline import aligners
from bench.timeline.indexed import Indexed, Scoped, name_of
from bench.timeline.pairs import Answered, Files, Pair
from bench.timeline.plan import Ask
from bench.timeline.spans import Span
from mitate.kernels.chunks import taken_apart
from mitate.kernels.quality import GATE
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive
from mitate.server.distances import squared_distances
from mitate.server.emissions import Likelihood
from mitate.server.records import Match
from mitate.server.scanner import Scanner
from mitate.server.search_clip import scan, search_clip

STEP_MS = 125
K = 32
MERGE_MS = 1000  # of top-1: in the reference, from where the segment would go on
PAUSE_MS = 500  # of top-1: in the query
PAIRS = 12  # references per query and orientation that are aligned with it
TOP_SHARE = 0.5  # of the distance that says nothing, up to which a nearest frame counts

Timeline = Callable[[Ask, Signature, Scoped], list[Span]]


def ours(ask: Ask, signature: Signature, scoped: Scoped) -> list[Span]:
    """Scan as the server does."""
    scanner = Scanner(
        lambda part: scan(part, scoped.find, name_of, find_windows=scoped.find_windows).segments
    )
    chunk, head = taken_apart(signature)
    return [
        _span(ask.number, match) for match in [*scanner.feed(chunk, head), *scanner.finish(head)]
    ]


def our_clip(ask: Ask, signature: Signature, scoped: Scoped) -> tuple[str, list[Span]]:
    """Answer a clip as the server does: verdict and matches."""
    answer = search_clip(signature, scoped.find, name_of, 5, find_windows=scoped.find_windows)
    return answer.verdict.value, [_span(ask.number, match) for match in answer.matches]


def our_pair(pair: Pair, files: Files, indexed: Indexed) -> Answered:
    """Answer a file as the server does a clip, where one of the others of its content is there."""
    scoped = indexed.with_files_without(files.left_out(pair))
    number = files.numbers[pair.query]
    answer = search_clip(
        files.signatures[number], scoped.find, name_of, 5, find_windows=scoped.find_windows
    )
    claims = [_span(number, match) for match in answer.matches]
    title = files.titles[pair.query]
    return Answered(pair, title, files.numbers[pair.reference], answer.verdict.value, claims)


def _span(number: int, match: Match) -> Span:
    probability = match.probability
    return Span(
        number,
        match.source_id,
        match.query_from_ms,
        match.query_to_ms,
        match.from_ms,
        match.to_ms,
        match.mirrored,
        match.similarity if probability is None else probability,
        probability,
    )


@dataclass(frozen=True, slots=True)
class _Sampled:
    times_ms: NDArray[np.int64]
    vectors: tuple[NDArray[np.int8], NDArray[np.int8]]  # plain, mirrored
    informative: NDArray[np.bool_]


def _sampled(signature: Signature) -> _Sampled:
    """Return frames every STEP_MS."""
    at = np.arange(0, signature.duration_ms, STEP_MS)
    frames = np.searchsorted(signature.times_ms, at + 0.5, side="right") - 1
    kept = signature.kept_of(frames.clip(0))
    return _Sampled(
        at,
        (derive(signature.layouts[kept]), derive(signature.mirrored[kept])),
        signature.quality[kept] >= GATE,
    )


def top_1(ask: Ask, signature: Signature, scoped: Scoped, mirrored: bool = True) -> list[Span]:
    """Join neighbouring frames whose nearest frames go on in one reference."""
    some = _sampled(signature)
    sides = (0, 1) if mirrored else (0,)
    found = [scoped.find(some.vectors[side], 1).neighbours for side in sides]
    distances = np.stack([one.distances[:, 0] for one in found])
    side = distances.argmin(axis=0)
    places = np.arange(len(side))
    rows = np.stack([one.rows[:, 0] for one in found])[side, places]
    numbers, kept = scoped.snapshot.locate(rows)
    limit = TOP_SHARE * Likelihood.for_rows(scoped.snapshot.n_rows).even
    good = some.informative & (distances[side, places] < limit) & (numbers >= 0)
    joined: list[list[tuple[int, int, bool, float, float]]] = []
    for place in np.flatnonzero(good):
        source = scoped.snapshot.sources[int(numbers[place])].signature
        at_ms = float(source.times_ms[source.kept_first[kept[place]]])
        near = 1 - float(distances[side, places][place]) / limit
        hit = (int(some.times_ms[place]), int(numbers[place]), bool(side[place]), at_ms, near)
        if joined and _goes_on(joined[-1][-1], hit):
            joined[-1].append(hit)
        else:
            joined.append([hit])
    return [_joined(ask, hits) for hits in joined]


def _goes_on(
    one: tuple[int, int, bool, float, float], other: tuple[int, int, bool, float, float]
) -> bool:
    passed = other[0] - one[0]
    same = one[1:3] == other[1:3] and passed <= PAUSE_MS
    return same and abs(other[3] - one[3] - passed) <= MERGE_MS


def _joined(ask: Ask, hits: list[tuple[int, int, bool, float, float]]) -> Span:
    begin, end = hits[0], hits[-1]
    score = sum(hit[4] for hit in hits)
    return Span(
        ask.number,
        begin[1],
        begin[0],
        end[0] + STEP_MS,
        begin[3],
        end[3] + STEP_MS,
        begin[2],
        score,
    )


def by_pairs(
    align: Callable[[aligners.Matrix], list[aligners.Box]],
    ask: Ask,
    signature: Signature,
    scoped: Scoped,
) -> list[Span]:
    """Align the query with every promising reference apart, in both orientations."""
    some = _sampled(signature)
    even = Likelihood.for_rows(scoped.snapshot.n_rows).even
    spans = []
    for side in (0, 1):
        vectors = some.vectors[side]
        hits = scoped.find(vectors[some.informative], K).neighbours
        numbers, _ = scoped.snapshot.locate(hits.rows)
        weights = (1 - hits.distances / even).clip(0) * (numbers >= 0)
        totals = np.bincount(numbers[numbers >= 0], weights[numbers >= 0])
        for number in np.argsort(-totals)[:PAIRS]:
            if totals[number] > 0:
                sims = _similarities(vectors, some.informative, int(number), scoped, even)
                spans += [_box(ask, int(number), bool(side), box) for box in align(sims)]
    return spans


def _similarities(
    vectors: NDArray[np.int8],
    informative: NDArray[np.bool_],
    number: int,
    scoped: Scoped,
    even: float,
) -> aligners.Matrix:
    source = scoped.snapshot.sources[number]
    at = np.arange(0, source.signature.duration_ms, STEP_MS)
    frames = np.searchsorted(source.signature.times_ms, at + 0.5, side="right") - 1
    theirs = source.vectors[source.signature.kept_of(frames.clip(0))]
    sims = np.zeros((len(vectors), len(theirs)), np.float32)
    for row in np.flatnonzero(informative):
        sims[row] = (1 - squared_distances(vectors[row], theirs) / even).clip(0)
    return sims


def _box(ask: Ask, number: int, mirrored: bool, box: aligners.Box) -> Span:
    query_from, query_to = box.query_from * STEP_MS, (box.query_to + 1) * STEP_MS
    score = box.score * (box.query_to - box.query_from + 1)
    return Span(
        ask.number,
        number,
        query_from,
        query_to,
        box.from_ * STEP_MS,
        (box.to + 1) * STEP_MS,
        mirrored,
        score,
    )


METHODS: dict[str, Timeline] = {
    "mitate": ours,
    "top-1, merged": partial(top_1, mirrored=False),
    "top-1, mirrored too": top_1,
    "Hough": partial(by_pairs, aligners.hough),
    "TN": partial(by_pairs, aligners.tn),
    "DP": partial(by_pairs, aligners.dp),
}
