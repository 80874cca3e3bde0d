"""Pictures looked at closely: matches from candidates that were scored, with probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.vector import N_DIMS, derive
from mitate.kernels.views import MIRRORED
from mitate.kernels.windows import WINDOWS
from mitate.server.calibration import Calibration
from mitate.server.candidates import (
    WHOLE,
    FindWindows,
    Hits,
    candidates,
    frame_hits,
    near_windows,
)
from mitate.server.holders import tied, with_all_holders
from mitate.server.index import Neighbours
from mitate.server.library import Snapshot
from mitate.server.moments import Moment, PictureHits, moments
from mitate.server.query_views import AllViews, Views, voting
from mitate.server.recognise import TIE_SCORE, Recognition, recognise, unseen_score
from mitate.server.records import Match, Verdict
from mitate.server.search import FIRST_K, RIVAL_PLACES, NameOf, make_alternative, make_match


@dataclass(frozen=True, slots=True)
class Closer:
    """What looking closely needs."""

    find_windows: FindWindows
    calibration: Calibration
    false_alarm_rate: float


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A moment, what was seen of it, and how well it explains the picture."""

    moment: Moment
    view: str
    mirrored: bool
    distance: float
    score: float


def look_closely(
    looks: AllViews,
    mirrored: bool,  # whether mirrored views are looked for
    first: NDArray[np.int64],  # numbers of the views that are looked for first
    frames: Neighbours,  # of these
    snapshot: Snapshot,
    closer: Closer,
) -> tuple[Recognition, AllViews]:
    """Look at what is near the first views, and where that decides nothing, near all the others.

    Returns the candidates and all views that were cut.
    """

    def near(views: AllViews, numbers: NDArray[np.int64]) -> list[Hits]:
        vectors, only = derive(views.layouts[numbers]), views.windows[numbers]
        return near_windows(vectors, numbers, only, closer.find_windows, FIRST_K)

    def all_of(found: Recognition, views: AllViews) -> tuple[Recognition, AllViews]:
        return with_all_holders(found, views, snapshot, closer.find_windows), views

    accepted = closer.calibration, closer.false_alarm_rate
    hits = [frame_hits(frames, first, snapshot), *near(looks, first)]
    found = recognise(candidates(hits, snapshot), looks, *accepted)
    if found.scored and found.believed(found.scored[0].score):
        return all_of(found, looks)
    every = looks.more()
    votes = np.flatnonzero(voting(every, mirrored))
    later = votes[votes >= every.n_first]
    if not len(later):
        return found, looks
    more = candidates(near(every, later), snapshot)
    return all_of(recognise(more, every, *accepted, found.scored), every)


def close_matches(
    recognition: Recognition,
    views: Views,
    snapshot: Snapshot,
    farther: Sequence[tuple[str, Moment]],  # and its view; listed after what was looked at
    name_of: NameOf,
    n_matches: int,
) -> tuple[Match, ...]:
    """Return the matches of a picture, the most probable first."""
    n_rivals = max(RIVAL_PLACES, len(tied(recognition)))
    seen = _sightings(recognition, views, snapshot, max(n_matches, n_rivals))
    known = [sighting.moment for sighting in seen]
    rest = [
        _far(*moment, recognition.background) for moment in farther if not _shown(moment[1], known)
    ]
    every = sorted([*seen, *rest], key=lambda sighting: -sighting.score)
    rivals = every[:n_rivals]
    return tuple(_match(one, rivals, recognition, name_of) for one in every[:n_matches])


def _sightings(
    recognition: Recognition, views: Views, snapshot: Snapshot, n_moments: int
) -> list[_Sighting]:
    scored, vectors = recognition.scored, derive(views.layouts)
    found = moments(
        _hits(recognition, len(vectors)),
        snapshot,
        np.concatenate([vectors, _window_vectors(recognition)]),
        n_moments,
    )
    sightings = []
    for moment in found:
        candidate, score = scored[moment.place]
        name = views.names[candidate.view]
        view = name if candidate.window == WHOLE else f"{name} in {WINDOWS[candidate.window].name}"
        mirrored = name.endswith(MIRRORED)
        sightings.append(_Sighting(moment, view, mirrored, candidate.distance, score))
    return sightings


def _hits(recognition: Recognition, n_views: int) -> PictureHits:
    """Return the candidates as hits; one through a window has the frame itself for its view."""
    found = [one.candidate for one in recognition.scored]
    windowed = np.array([candidate.window != WHOLE for candidate in found], np.bool_)
    own_view = n_views + np.cumsum(windowed) - 1
    views = np.array([candidate.view for candidate in found], np.int64)
    distances = np.array([candidate.distance for candidate in found], np.int32)
    return PictureHits(
        np.array([candidate.source.source_id for candidate in found], np.int64),
        np.array([candidate.kept for candidate in found], np.int64),
        np.where(windowed, own_view, views),
        np.where(windowed, 0, distances).astype(np.int32),
        windowed,
    )


def _window_vectors(recognition: Recognition) -> NDArray[np.int8]:
    found = [one.candidate for one in recognition.scored if one.candidate.window != WHOLE]
    vectors = [candidate.source.vectors[candidate.kept] for candidate in found]
    return np.stack(vectors) if vectors else np.zeros((0, N_DIMS), np.int8)


def _far(view: str, moment: Moment, chance: float) -> _Sighting:
    """Return a moment that was not looked at; where it could have been, others are nearer."""
    score = unseen_score(moment.distance)
    if len(moment.source.signature.run_first):
        score = min(score, chance)
    return _Sighting(moment, view, view.endswith(MIRRORED), moment.distance, score)


def _shown(moment: Moment, known: Sequence[Moment]) -> bool:
    return any(
        moment.source.episode_id == other.source.episode_id
        and (
            moment.source.source_id != other.source.source_id
            or (moment.from_ms < other.to_ms and other.from_ms < moment.to_ms)
        )
        for other in known
    )


def _match(
    sighting: _Sighting, others: Sequence[_Sighting], recognition: Recognition, name_of: NameOf
) -> Match:
    believed = recognition.believed(sighting.score)
    rivals = _rivals(sighting, others) if believed else []
    verdict = Verdict.AMBIGUOUS if rivals else Verdict.MATCH
    moment = sighting.moment
    return make_match(
        name_of(moment.source.source_id),
        query_range_ms=(0, 0),
        range_ms=(moment.from_ms, moment.to_ms),
        at_ms=moment.at_ms,
        mirrored=sighting.mirrored,
        speed=1.0,
        distance=float(sighting.distance),
        verdict=verdict if believed else Verdict.NO_MATCH,
        view=sighting.view,
        alternatives=tuple(
            make_alternative(
                name_of(rival.moment.source.source_id),
                (rival.moment.from_ms, rival.moment.to_ms),
                float(rival.distance),
            )
            for rival in rivals
        ),
        probability=recognition.probability(sighting.score),
    )


def _rivals(sighting: _Sighting, others: Sequence[_Sighting]) -> list[_Sighting]:
    """Return the best sighting in each other episode that explains the picture as well."""
    seen = {sighting.moment.source.episode_id}
    rivals = []
    for other in others:
        episode_id = other.moment.source.episode_id
        if episode_id not in seen and other.score >= sighting.score - TIE_SCORE:
            seen.add(episode_id)
            rivals.append(other)
    return rivals
