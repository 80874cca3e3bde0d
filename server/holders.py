"""Every episode that holds a moment, where several do.

A close look takes few candidates, and an opening is in dozens of episodes. Once two are known to
hold a moment, the others are found by what is stored of it, however the query was edited.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from mitate.kernels.distance import squared_l2
from mitate.kernels.vector import derive
from mitate.server.candidates import WHOLE, Candidate, FindWindows, window_hits
from mitate.server.index import MAX_K
from mitate.server.library import Snapshot
from mitate.server.query_views import AllViews
from mitate.server.recognise import TIE_SCORE, Recognition, Scored, scores

# Squared distance of the windows of two runs that may show the same moment.
_ALIKE = 1600
_TOGETHER = 8  # few enough that every one of them is aligned


def with_all_holders(
    recognition: Recognition, views: AllViews, snapshot: Snapshot, find_windows: FindWindows
) -> Recognition:
    """Return the candidates with, where several episodes hold the best, one of each that does.

    The best stays first, and what is chance stays what it was.
    """
    held_by = {one.candidate.source.episode_id for one in tied(recognition)}
    if len(held_by) < 2:
        return recognition
    found = _alike(recognition.scored[0].candidate, views, snapshot, find_windows, held_by)
    most = recognition.scored[0].score
    fresh = [
        Scored(candidate, min(score, most))
        for first in range(0, len(found), _TOGETHER)
        for part in [found[first : first + _TOGETHER]]
        for candidate, score in zip(part, scores(part, views).tolist(), strict=True)
    ]
    every = sorted([*recognition.scored, *fresh], key=lambda one: -one.score)
    return replace(recognition, scored=tuple(every))


def tied(recognition: Recognition) -> tuple[Scored, ...]:
    """Return the candidates that explain a picture as well as the best, if that is believed."""
    scored = recognition.scored
    if not scored or not recognition.believed(scored[0].score):
        return ()
    return tuple(one for one in scored if one.score >= scored[0].score - TIE_SCORE)


def _alike(
    best: Candidate,
    views: AllViews,
    snapshot: Snapshot,
    find_windows: FindWindows,
    held_by: Collection[int],
) -> list[Candidate]:
    """Return the moment of each other episode of which most like this is stored."""
    if best.run < 0:
        return []
    window, n_runs = max(best.window, 0), len(best.source.signature.run_first)
    stored = best.source.window_vectors[[window * n_runs + best.run]]
    near = find_windows(stored, MAX_K, window)
    hits = window_hits(near.neighbours, np.array([best.view]), near.snapshot)
    vector = derive(views.layouts[[best.view]])[0]
    found: dict[int, Candidate] = {}
    for source_id, kept, distance in zip(hits.source_ids, hits.kept, hits.distances, strict=True):
        source = snapshot.sources.get(int(source_id))
        if source is None or distance > _ALIKE or source.episode_id in {*held_by, *found}:
            continue
        run = int(source.signature.run_of(int(kept)))
        if best.window == WHOLE:
            of_run = source.signature.kept_of_run(run)
            distances = squared_l2(source.vectors[of_run.start : of_run.stop], vector)
            place = int(distances.argmin())
            own = Candidate(source, of_run[place], WHOLE, best.view, int(distances[place]))
        else:
            row = window * len(source.signature.run_first) + run
            apart = int(squared_l2(source.window_vectors[row], vector))
            own = Candidate(source, int(kept), window, best.view, apart)
        found[source.episode_id] = own
    return list(found.values())
