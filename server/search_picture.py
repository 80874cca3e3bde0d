"""Search of pictures: their views in one batch, answers as moments of episodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.borders import Rect
from mitate.kernels.layout import Layouts, mirror_layouts
from mitate.kernels.quality import GATE, quality_of_layouts
from mitate.kernels.vector import derive
from mitate.server.candidates import Hits, candidates, frame_hits, near_windows
from mitate.server.emissions import Vectors
from mitate.server.index import MAX_K, Neighbours
from mitate.server.library import Snapshot
from mitate.server.moments import Moment, moments, picture_hits
from mitate.server.recognise import Looks, Recognition, recognise
from mitate.server.records import Answer, Match, Verdict
from mitate.server.search import (
    RIVAL_PLACES,
    TIE_LENGTH,
    Find,
    NameOf,
    make_alternative,
    make_match,
    match_distance,
)
from mitate.server.search_close import Closer, close_matches

FIRST_K = 128  # neighbours of each view; MAX_K when more moments could match
FEWEST = 3  # moments listed where so many are stored
MIRRORED = "-mirrored"  # how the names of mirrored views end


class Views(Protocol):
    """A picture as it is searched: as it is, mirrored, within its border."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the views; those of mirrored ones end in MIRRORED."""

    @property
    def layouts(self) -> Layouts:
        """Descriptors, (v, 33)."""

    @property
    def quality(self) -> NDArray[np.uint8]:
        """Quality, (v,)."""


class AllViews(Views, Looks, Protocol):
    """A picture with views by which it can be looked at closely."""

    @property
    def rects(self) -> tuple[Rect, ...]:
        """The part of the picture that each view shows."""

    @property
    def later(self) -> NDArray[np.bool_]:
        """Whether a view is for when the others leave it undecided, (v,)."""

    @property
    def windows(self) -> NDArray[np.int64]:
        """The only window a view is looked for in, or ANY_WINDOW, (v,)."""


@dataclass(frozen=True, slots=True)
class SomeViews:
    """Views made from descriptors."""

    names: tuple[str, ...]
    layouts: Layouts
    quality: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Picture:
    """One picture with the views that are searched first."""

    names: tuple[str, ...]
    layouts: Layouts
    vectors: Vectors
    informative: bool
    numbers: NDArray[np.int64]  # of these views among all
    looks: AllViews | None  # by which it can be looked at closely
    later: NDArray[np.int64]  # numbers of the views for when these leave it undecided


@dataclass(slots=True)
class _Result:
    moments: list[Moment] = field(default_factory=list)
    n_rows: int = 0
    nearest: tuple[Neighbours, Snapshot] | None = None  # of the first search


def views_of_layouts(
    layouts: Layouts,  # (n, 33)
) -> list[Views]:
    """Return plain and mirrored views of each descriptor.

    Mirroring a descriptor is right to within 1 per coefficient.
    """
    both = np.stack([layouts, mirror_layouts(layouts)], axis=1)
    names = ("full", "full" + MIRRORED)
    qualities = quality_of_layouts(both.reshape(-1, both.shape[2])).reshape(-1, 2)
    return [SomeViews(names, *pair) for pair in zip(both, qualities, strict=True)]


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

    `exact` is true: no moment that is nearer than the last one listed is stored. Views below the
    quality gate are left out; with none left the verdict is uninformative, and the nearest moments
    are listed all the same.
    """
    started = time.perf_counter()
    n_listed = max(n_matches, RIVAL_PLACES)
    prepared = [_prepared(views, mirrored) for views in pictures]
    results = [_Result() for _ in prepared]
    search_s = 0.0
    waiting = list(range(len(prepared)))
    for k in (FIRST_K, MAX_K):
        if waiting:
            search_s += _search(prepared, results, waiting, find, k, n_listed)
            waiting = [i for i in waiting if _may_matter(results[i], n_listed)]
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
    wanted = np.array([mirrored or not name.endswith(MIRRORED) for name in views.names])
    informative = wanted & (views.quality >= GATE)
    looks = cast(AllViews, views) if hasattr(views, "grids") else None
    first = wanted if looks is None else wanted & ~looks.later
    some = bool((informative & first).any())
    chosen = np.flatnonzero(informative & first if some else first)
    layouts = views.layouts[chosen]
    names = tuple(views.names[i] for i in chosen)
    later = np.flatnonzero(informative & ~first)
    return _Picture(names, layouts, derive(layouts), some, chosen, looks, later)


def _may_matter(result: _Result, n_matches: int) -> bool:
    """Tell whether moments that are not listed yet could match."""
    if len(result.moments) >= n_matches:
        return False
    farthest = result.moments[-1].distance if result.moments else 0
    return len(result.moments) < FEWEST or farthest <= match_distance(result.n_rows)


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
        mine = Neighbours(found.neighbours.distances[rows], found.neighbours.rows[rows])
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
        _match(picture, moment, result.moments[:RIVAL_PLACES], limit, name_of)
        for moment in result.moments
    )
    verdict = matches[0].verdict if matches else Verdict.NO_MATCH
    if not picture.informative:
        verdict = Verdict.UNINFORMATIVE
    return Answer(kind, verdict, matches, exact=True)


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
    recognition = _recognised(picture, looks, frames, snapshot, closer)
    farther = [(picture.names[moment.view], moment) for moment in result.moments]
    matches = close_matches(
        recognition, looks.names, derive(looks.layouts), snapshot, farther, name_of, n_matches
    )
    verdict = matches[0].verdict if matches else Verdict.NO_MATCH
    return Answer(kind, verdict, matches, exact=True)


def _recognised(
    picture: _Picture, looks: AllViews, frames: Neighbours, snapshot: Snapshot, closer: Closer
) -> Recognition:
    """Look closely at what is near the first views, and where that decides nothing, at the rest."""

    def near(numbers: NDArray[np.int64]) -> list[Hits]:
        vectors, only = derive(looks.layouts[numbers]), looks.windows[numbers]
        return near_windows(vectors, numbers, only, closer.find_windows, FIRST_K)

    accepted = closer.calibration, closer.false_alarm_rate
    hits = [frame_hits(frames, picture.numbers, snapshot), *near(picture.numbers)]
    found = recognise(candidates(hits, snapshot), looks, *accepted)
    if (found.scored and found.believed(found.scored[0].score)) or not len(picture.later):
        return found
    more = candidates(near(picture.later), snapshot)
    return recognise(more, looks, *accepted, found.scored)


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
    near = min(limit, (np.sqrt(moment.distance) + TIE_LENGTH) ** 2)
    seen = {moment.source.episode_id}
    rivals = []
    for other in others:
        if other.source.episode_id not in seen and other.distance <= near:
            seen.add(other.source.episode_id)
            rivals.append(other)
    return rivals
