"""Search of pictures: their views in one batch, answers as moments of episodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.layout import Layouts
from mitate.kernels.vector import derive
from mitate.kernels.views import MIRRORED
from mitate.server.distances import Vectors
from mitate.server.index import MAX_K, Neighbours
from mitate.server.library import Snapshot
from mitate.server.moments import Moment, moments, picture_hits
from mitate.server.query_views import AllViews, Views, close_views, voting, wanted
from mitate.server.records import Answer, Match, Verdict
from mitate.server.search import (
    FIRST_K,
    RIVAL_PLACES,
    TIE_LENGTH,
    Find,
    NameOf,
    make_alternative,
    make_match,
    match_distance,
)
from mitate.server.search_close import Closer, close_matches, look_closely

FEWEST = 3  # moments listed where so many are stored
MOST_HOLDERS = 256  # moments among which others are sought where more than usual are as near


@dataclass(frozen=True, slots=True)
class _Picture:
    """One picture with the views that are searched first."""

    names: tuple[str, ...]
    layouts: Layouts
    vectors: Vectors
    informative: bool
    numbers: NDArray[np.int64]  # of these views among all
    looks: AllViews | None  # by which it can be looked at closely
    mirrored: bool  # whether mirrored views are searched


@dataclass(slots=True)
class _Result:
    moments: list[Moment] = field(default_factory=list)
    n_rows: int = 0
    exact: bool = True
    nearest: tuple[Neighbours, Snapshot] | None = None  # of the first search
    n_rivals: int = RIVAL_PLACES


def search_pictures(
    pictures: Sequence[Views],
    find: Find,
    name_of: NameOf,
    n_matches: int,
    *,
    mirrored: bool = True,
    kind: str = "image",
    closer: Closer | None = None,
) -> list[Answer]:
    """Answer each picture with the moments nearest to it.

    With a `closer`, pictures whose views have small pictures of their own are looked at closely:
    their matches have probabilities and are ordered by them.

    `exact` says that no moment that is nearer than the last one listed is stored. Views below the
    quality gate are left out; with none left the verdict is uninformative, and the nearest moments
    are listed all the same.
    """
    started = time.perf_counter()
    n_listed = max(n_matches, RIVAL_PLACES)
    prepared = [_prepared(views, mirrored) for views in pictures]
    n_needed = [n_listed if one.looks is None else n_matches for one in prepared]
    results = [_Result() for _ in prepared]
    search_s = 0.0
    waiting = list(range(len(prepared)))
    for k in (FIRST_K, MAX_K):
        if waiting:
            search_s += _search(prepared, results, waiting, find, k, n_listed)
            waiting = [i for i in waiting if _may_matter(results[i], n_needed[i])]
    crowded = [i for i, one in enumerate(prepared) if _crowded(one, results[i])]
    if crowded:
        search_s += _search(prepared, results, crowded, find, MAX_K, max(MOST_HOLDERS, n_matches))
    for i in crowded:
        results[i].n_rivals = MOST_HOLDERS
    answers = [
        _answer(picture, result, name_of, kind)
        if closer is None or picture.looks is None or not picture.informative
        else _close_answer(picture, picture.looks, result, name_of, kind, n_listed, closer)
        for picture, result in zip(prepared, results, strict=True)
    ]
    timings_ms = {
        "search": search_s * 1000,
        "match": (time.perf_counter() - started - search_s) * 1000,
    }
    return [
        replace(answer, matches=answer.matches[:n_matches], timings_ms=timings_ms)
        for answer in answers
    ]


def _prepared(views: Views, mirrored: bool) -> _Picture:
    votes = voting(views, mirrored)
    some = bool(votes.any())
    chosen = np.flatnonzero(votes if some else wanted(views, mirrored))
    layouts = views.layouts[chosen]
    names = tuple(views.names[i] for i in chosen)
    return _Picture(names, layouts, derive(layouts), some, chosen, close_views(views), mirrored)


def _may_matter(result: _Result, n_matches: int) -> bool:
    """Tell whether moments that are not listed yet could match."""
    if len(result.moments) >= n_matches:
        return False
    farthest = result.moments[-1].distance if result.moments else 0
    return len(result.moments) < FEWEST or farthest <= match_distance(result.n_rows)


def _crowded(picture: _Picture, result: _Result) -> bool:
    """Tell whether more moments of other episodes are as near as the best than are listed."""
    if picture.looks is not None or not picture.informative or not result.moments:
        return False
    listed, limit = result.moments[:RIVAL_PLACES], match_distance(result.n_rows)
    farthest = listed[-1].distance
    as_near = farthest <= _tie_distance(listed[0], limit)
    return as_near and len(listed) == RIVAL_PLACES and bool(_rivals(listed[0], listed, limit))


def _search(
    pictures: Sequence[_Picture],
    results: list[_Result],
    waiting: list[int],
    find: Find,
    k: int,
    n_matches: int,
) -> float:
    """Fill in the results of the waiting pictures; return the seconds that finding took."""
    started = time.perf_counter()
    found = find(np.concatenate([pictures[i].vectors for i in waiting]), k)
    seconds = time.perf_counter() - started
    first = 0
    for i in waiting:
        rows = slice(first, first + len(pictures[i].vectors))
        first = rows.stop
        mine = found.neighbours.part(rows, k)
        results[i].exact = bool(mine.exact.all())
        results[i].moments = _nearest(pictures[i], mine, found.snapshot, n_matches)
        results[i].n_rows = found.snapshot.n_rows
        results[i].nearest = results[i].nearest or (mine, found.snapshot)
    return seconds


def _nearest(
    picture: _Picture, neighbours: Neighbours, snapshot: Snapshot, n_matches: int
) -> list[Moment]:
    hits, complete_to = picture_hits(neighbours, snapshot, picture.layouts)
    found = moments(hits, snapshot, picture.vectors, n_matches)
    return [moment for moment in found if moment.distance <= complete_to]


def _answer(picture: _Picture, result: _Result, name_of: NameOf, kind: str) -> Answer:
    limit = match_distance(result.n_rows)
    matches = tuple(
        _match(picture, moment, result.moments[: result.n_rivals], limit, name_of)
        for moment in result.moments
    )
    verdict = matches[0].verdict if matches else Verdict.NO_MATCH
    if not picture.informative:
        verdict = Verdict.UNINFORMATIVE
    return Answer(kind, verdict, matches, exact=result.exact)


def _close_answer(
    picture: _Picture,
    looks: AllViews,
    result: _Result,
    name_of: NameOf,
    kind: str,
    n_matches: int,
    closer: Closer,
) -> Answer:
    if result.nearest is None:
        return _answer(picture, result, name_of, kind)
    frames, snapshot = result.nearest
    seen = look_closely(looks, picture.mirrored, picture.numbers, frames, snapshot, closer)
    farther = [(picture.names[moment.view], moment) for moment in result.moments]
    matches = close_matches(*seen, snapshot, farther, name_of, n_matches)
    verdict = matches[0].verdict if matches else Verdict.NO_MATCH
    return Answer(kind, verdict, matches, exact=result.exact)


def _match(
    picture: _Picture, moment: Moment, others: Sequence[Moment], limit: float, name_of: NameOf
) -> Match:
    believed = picture.informative and moment.distance <= limit
    rivals = _rivals(moment, others, limit) if believed else []
    name = picture.names[moment.view]
    return make_match(
        name_of(moment.source.source_id),
        query_range_ms=(0, 0),
        range_ms=(moment.from_ms, moment.to_ms),
        at_ms=moment.at_ms,
        mirrored=name.endswith(MIRRORED),
        speed=1.0,
        distance=float(moment.distance),
        verdict=_verdict(picture, moment, rivals, limit),
        view=name,
        alternatives=tuple(
            make_alternative(
                name_of(rival.source.source_id),
                (rival.from_ms, rival.to_ms),
                float(rival.distance),
            )
            for rival in rivals
        ),
    )


def _verdict(picture: _Picture, moment: Moment, rivals: Sequence[Moment], limit: float) -> Verdict:
    if not picture.informative:
        return Verdict.UNINFORMATIVE
    if moment.distance > limit:
        return Verdict.NO_MATCH
    return Verdict.AMBIGUOUS if rivals else Verdict.MATCH


def _rivals(moment: Moment, others: Sequence[Moment], limit: float) -> list[Moment]:
    """Return the best moment of each other episode that is as near."""
    near = _tie_distance(moment, limit)
    seen = {moment.source.episode_id}
    rivals = []
    for other in others:
        if other.source.episode_id not in seen and other.distance <= near:
            seen.add(other.source.episode_id)
            rivals.append(other)
    return rivals


def _tie_distance(moment: Moment, limit: float) -> float:
    """Return the distance up to which others are as near as a moment."""
    return min(limit, float(np.sqrt(moment.distance) + TIE_LENGTH) ** 2)
