"""The best pair of a query's view and a reference's window, and what a search thinks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.distance import squared_l2
from mitate.kernels.fit import Fit, fit
from mitate.kernels.layout import Layouts
from mitate.kernels.quality import GATE
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive
from mitate.kernels.windows import ANY_WINDOW
from mitate.server.calibration import Calibration
from mitate.server.candidates import MOST, PLACES, WHOLE, Candidate
from mitate.server.emissions import Vectors
from mitate.server.library import LoadedSource
from mitate.server.query_views import AllViews, Views, close_views
from mitate.server.recognise import TIE_SCORE, Recognition, Scored, around, recognise
from mitate.server.records import Verdict
from mitate.server.search import TIE_LENGTH, match_distance

NOT_INDEXED = 1 << 62  # in place of the ids of a file that is compared
MOST_FRAMES = 128  # of a query without a time, among which the nearest is sought


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """The views of a query that a search looks for."""

    views: Views
    numbers: NDArray[np.int64]  # of these views among all
    informative: bool
    vectors: Vectors  # (v, 32)
    only: NDArray[np.int64]  # (v,) the only window each is looked for in, or ANY_WINDOW
    looks: AllViews | None  # None where only descriptors are known

    def name(self, candidate: Candidate) -> str:
        """Return the name of the view that a candidate is near."""
        name: str = self.views.names[candidate.view]
        return name

    def layout(self, candidate: Candidate) -> Layouts:
        """Return the descriptor of that view, (33,)."""
        layout: Layouts = self.views.layouts[candidate.view]
        return layout


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

    @property
    def probability(self) -> float | None:
        """Probability that the pair shows the same; None without the second stage."""
        if self.recognition is None or self.score is None:
            return None
        return self.recognition.probability(self.score)


def query_of(views: Views) -> Query:
    """Return the views that vote, or all where none does."""
    votes = views.quality >= GATE
    numbers = np.flatnonzero(votes if votes.any() else np.ones(len(votes), np.bool_))
    looks = close_views(views)
    only = looks.windows[numbers] if looks else np.full(len(numbers), ANY_WINDOW)
    return Query(views, numbers, bool(votes.any()), derive(views.layouts[numbers]), only, looks)


def candidates_at(
    source: LoadedSource,
    kept: int,
    vectors: Vectors,  # (v, 32) of the views
    views: NDArray[np.int64],  # (v,) their numbers
    only: NDArray[np.int64],  # (v,) the only window each is looked for in, or ANY_WINDOW
) -> list[Candidate]:
    """Return one frame and its windows as candidates of every view, nearest first."""
    run = int(source.signature.run_of(kept))
    parts = source.vectors[kept][None]
    if run >= 0:
        windows = source.window_vectors[run :: len(source.signature.run_first)]
        parts = np.concatenate((parts, windows))
    distances = squared_l2(vectors[:, None], parts)
    windows = np.arange(len(parts)) - 1
    meant = (only[:, None] == ANY_WINDOW) | (only[:, None] == windows)
    at = np.flatnonzero(meant)
    order = at[np.argsort(distances.ravel()[at], kind="stable")][:MOST]
    found = zip(*(axis.tolist() for axis in np.unravel_index(order, distances.shape)), strict=True)
    return [
        Candidate(
            source,
            kept,
            part - 1 if part else WHOLE,
            int(views[view]),
            int(distances[view, part]),
        )
        for view, part in found
    ]


def some_frames(
    signature: Signature,
) -> tuple[NDArray[np.int64], Vectors]:
    """Return kept frames that may be compared, and vectors of them and of their mirrors.

    At most MOST_FRAMES that vote, spread evenly; all count where none votes.
    """
    votes = np.flatnonzero(signature.quality >= GATE)
    kept = votes if len(votes) else np.arange(signature.n_kept)
    if len(kept) > MOST_FRAMES:
        kept = kept[np.linspace(0, len(kept) - 1, MOST_FRAMES).astype(np.int64)]
    both = np.concatenate((signature.layouts[kept], signature.mirrored[kept]))
    return np.concatenate((kept, kept)), derive(both)


def judge(
    query: Query,
    own: Sequence[Candidate],  # of the reference, nearest first; at least one
    others: Sequence[Candidate],  # of everything that is indexed, nearest first
    n_rows: int,  # frames indexed
    calibration: Calibration,
    false_alarm_rate: float,
) -> Judged:
    """Choose the best pair of the reference and judge it as a search would."""
    if query.looks is None:
        return _judged_by_distance(query, own[0], others, n_rows)

    def look(found: Sequence[Candidate]) -> Recognition:
        return recognise(found, looks, calibration, false_alarm_rate)

    looks = query.looks
    reach = others[MOST - 1].distance if len(others) >= MOST else None
    near = [one for one in own if reach is None or one.distance <= reach]
    best, score = look(near or own).scored[0]
    rest = [candidate for candidate in others if not _same(candidate, best)]
    recognition = look([best, *rest])
    place = 1 + sum(candidate.distance < best.distance for candidate in rest)
    believed = query.informative and bool(near) and recognition.believed(score)
    rivals = _rivals(best, score, recognition.scored) if believed else ()
    return Judged(
        best,
        _verdict(query, best, believed, rivals),
        place,
        reach,
        score,
        recognition,
        _fit(looks, best),
        match_distance(n_rows),
        rivals,
    )


def _judged_by_distance(
    query: Query, best: Candidate, others: Sequence[Candidate], n_rows: int
) -> Judged:
    limit = match_distance(n_rows)
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
    return Judged(best, verdict, place, None, None, None, None, limit, rivals)


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
