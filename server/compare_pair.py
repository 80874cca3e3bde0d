"""The best pair of a query's view and a reference's window, and what a search thinks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from mitate.kernels.distance import squared_l2
from mitate.kernels.fit import Fit, fit
from mitate.kernels.windows import ANY_WINDOW
from mitate.server.calibration import Calibration
from mitate.server.candidates import MOST, PLACES, WHOLE, Candidate
from mitate.server.compare_query import Query, Round
from mitate.server.library import LoadedSource
from mitate.server.query_views import AllViews
from mitate.server.recognise import TIE_SCORE, Recognition, Scored, around, recognise
from mitate.server.records import Verdict
from mitate.server.search import TIE_LENGTH, match_distance

NOT_INDEXED = 1 << 62  # in place of the ids of a file that is compared


class Sight(NamedTuple):
    """What is found near the views of one round."""

    own: Sequence[Candidate]  # of the reference, nearest first; of the first round at least one
    others: Sequence[Candidate]  # of everything that is indexed, nearest first
    n_rows: int  # frames indexed


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The best pair, and how it stands among everything that is indexed."""

    best: Candidate
    verdict: Verdict
    place: int  # of its distance among all candidates, from 1 on
    reach: int | None  # distance beyond which nothing is looked at; None where all of it is
    score: float | None  # None without the second stage
    recognition: Recognition | None
    fit: Fit | None
    limit: float  # distance below which descriptors alone are believed
    rivals: tuple[Candidate, ...]  # the best of each other episode that shows it as well
    n_rounds: int  # that were taken

    @property
    def probability(self) -> float | None:
        """Probability that the pair shows the same; None without the second stage."""
        if self.recognition is None or self.score is None:
            return None
        return self.recognition.probability(self.score)


class _Pair(NamedTuple):
    """The best pair of a round."""

    best: Candidate
    score: float
    near: bool  # enough for a search to look at it
    place: int
    reach: int | None


def candidates_at(source: LoadedSource, kept: int, views: Round) -> list[Candidate]:
    """Return one frame and its windows as candidates of every view, nearest first."""
    run = int(source.signature.run_of(kept))
    parts = source.vectors[kept][None]
    if run >= 0:
        windows = source.window_vectors[run :: len(source.signature.run_first)]
        parts = np.concatenate((parts, windows))
    distances = squared_l2(views.vectors[:, None], parts)
    windows = np.arange(len(parts)) - 1
    meant = (views.only[:, None] == ANY_WINDOW) | (views.only[:, None] == windows)
    meant &= np.where(windows == WHOLE, views.frames, views.windows)
    at = np.flatnonzero(meant)
    order = at[np.argsort(distances.ravel()[at], kind="stable")][:MOST]
    found = zip(*(axis.tolist() for axis in np.unravel_index(order, distances.shape)), strict=True)
    return [
        Candidate(
            source,
            kept,
            part - 1 if part else WHOLE,
            int(views.numbers[view]),
            int(distances[view, part]),
        )
        for view, part in found
    ]


def judge(
    query: Query,
    sights: Iterable[Sight],  # of the query's rounds
    calibration: Calibration,
    false_alarm_rate: float,
) -> Judged:
    """Choose the best pair of the reference and judge it as a search would.

    As in a search, a round is taken only where those before it decide nothing.
    """
    taken = iter(sights)
    first = next(taken)
    if query.looks is None:
        return _judged_by_distance(query, first)
    look = partial(
        recognise, looks=query.looks, calibration=calibration, false_alarm_rate=false_alarm_rate
    )
    pairs, recognition = [], look(())
    for sight in chain([first], taken):
        pair = _best_pair(sight, look)
        rest = [one for one in sight.others if pair is None or not _same(one, pair.best)]
        fresh = [pair.best, *rest] if pair is not None and pair.near else rest
        recognition = look(fresh, known=recognition.scored)
        pairs.append(pair)
        if recognition.scored and recognition.believed(recognition.scored[0].score):
            break
    pair = max((one for one in pairs if one is not None), key=lambda one: (one.near, one.score))
    believed = query.informative and pair.near and recognition.believed(pair.score)
    rivals = _rivals(pair.best, pair.score, recognition.scored) if believed else ()
    return Judged(
        pair.best,
        _verdict(query, pair.best, believed, rivals),
        pair.place,
        pair.reach,
        pair.score,
        recognition,
        _fit(query.looks, pair.best),
        match_distance(first.n_rows),
        rivals,
        len(pairs),
    )


def _best_pair(sight: Sight, look: Callable[[Sequence[Candidate]], Recognition]) -> _Pair | None:
    """Return the best pair of a round; None where nothing of the reference can be met."""
    if not sight.own:
        return None
    reach = sight.others[MOST - 1].distance if len(sight.others) >= MOST else None
    near = [one for one in sight.own if reach is None or one.distance <= reach]
    best, score = look(near or sight.own).scored[0]
    nearer = sum(one.distance < best.distance for one in sight.others if not _same(one, best))
    return _Pair(best, score, bool(near), 1 + nearer, reach)


def _judged_by_distance(query: Query, sight: Sight) -> Judged:
    best, others = sight.own[0], sight.others
    limit = match_distance(sight.n_rows)
    believed = query.informative and best.distance <= limit
    near = min(limit, (np.sqrt(best.distance) + TIE_LENGTH) ** 2)
    nearest = {
        candidate.source.episode_id: candidate
        for candidate in reversed(others)
        if candidate.distance <= near and candidate.source.episode_id != best.source.episode_id
    }
    rivals = tuple(reversed(nearest.values())) if believed else ()
    place = 1 + sum(candidate.distance < best.distance for candidate in others)
    verdict = _verdict(query, best, believed, rivals)
    return Judged(best, verdict, place, None, None, None, None, limit, rivals, 1)


def _verdict(query: Query, best: Candidate, believed: bool, rivals: Sequence[Candidate]) -> Verdict:
    if not query.informative:
        return Verdict.UNINFORMATIVE
    if not believed:
        return Verdict.NO_MATCH
    indexed = best.source.source_id != NOT_INDEXED
    return Verdict.AMBIGUOUS if rivals and indexed else Verdict.MATCH


def _same(one: Candidate, other: Candidate) -> bool:
    """Tell whether two candidates stand for the same pair of a view and a part of a run."""
    if (one.source.source_id, one.window, one.view) != (
        other.source.source_id,
        other.window,
        other.view,
    ):
        return False
    return one.run == other.run if one.run >= 0 else one.kept == other.kept


def _rivals(best: Candidate, score: float, scored: Sequence[Scored]) -> tuple[Candidate, ...]:
    """Return the best candidate of each other episode that explains the query as well."""
    seen, rivals = {best.source.episode_id}, []
    for candidate, other in scored:
        if candidate.source.episode_id not in seen and other >= score - TIE_SCORE:
            seen.add(candidate.source.episode_id)
            rivals.append(candidate)
    return tuple(rivals)


def _fit(looks: AllViews, best: Candidate) -> Fit | None:
    if best.run < 0:
        return None
    base = looks.bases[best.view]
    thumbnail = best.source.signature.thumbnails[best.run]
    (place,) = around(PLACES[[best.window]], looks.parts[[best.view]])
    return fit(looks.grids[base], float(looks.aspects[base]), np.asarray(thumbnail), place)
