"""The best pair of a view and a window, and what a search thinks of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from signatures import random_layouts
from test_recognise import FILMS, answer, film, query, with_part

from mitate.kernels.canvas import GRID_COLS
from mitate.kernels.distance import squared_l2
from mitate.kernels.layout import LARGEST
from mitate.kernels.quality import GATE
from mitate.kernels.signature import N_WINDOWS, Signature
from mitate.kernels.vector import derive
from mitate.kernels.windows import ANY_WINDOW, WINDOWS
from mitate.server.calibration import default_calibration
from mitate.server.candidates import MOST, WHOLE, Candidate, candidates, frame_hits, near_windows
from mitate.server.compare_pair import NOT_INDEXED, Judged, Sight, candidates_at, judge
from mitate.server.compare_query import MOST_FRAMES, Query, Round, query_of, some_frames
from mitate.server.compare_sides import library_of
from mitate.server.engine import Found
from mitate.server.index import make_index
from mitate.server.library import Library, LoadedSource, NewSource, Scope
from mitate.server.query_views import SomeViews
from mitate.server.search import FIRST_K, match_distance

LEFT_HALF = [window.name for window in WINDOWS].index("left half")


def library(films: list[Signature] = FILMS) -> Library:
    made = Library(lambda: make_index("numpy"))
    made.add(*(NewSource(i + 1, i + 1, i + 1, one) for i, one in enumerate(films)))
    return made


def source(number: int, films: list[Signature] = FILMS) -> LoadedSource:
    return library(films).snapshot().sources[number]


def indexed(part: Round, films: list[Signature] = FILMS) -> list[Candidate]:
    made = library(films)
    snapshot = made.snapshot()

    def find(queries: np.ndarray, k: int, window: int = ANY_WINDOW) -> Found:
        allowed = snapshot.allowed(Scope(window=window), windows=True)
        return Found(made.windows.search(queries, k, allowed), snapshot, 0.0, 1)

    hits = near_windows(part.vectors, part.numbers, part.only, find, FIRST_K)
    if part.frames:
        frames = made.index.search(part.vectors, FIRST_K)
        hits.insert(0, frame_hits(frames, part.numbers, snapshot))
    return candidates(hits, snapshot)


def judged(
    views: Query, reference: LoadedSource, kept: int, films: list[Signature] = FILMS
) -> Judged:
    n_rows = sum(one.n_kept for one in films)
    sights = (
        Sight(candidates_at(reference, kept, part), indexed(part, films), n_rows)
        for part in views.rounds
    )
    return judge(views, sights, default_calibration(), 0.001)


def test_all_pairs_of_a_frame_and_the_views_are_candidates_nearest_first() -> None:
    (views,) = query_of(query(FILMS[2], 5)).rounds
    found = candidates_at(source(3), 5, views)
    assert len(found) == min(MOST, len(views.vectors) * (1 + N_WINDOWS))
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    for one in found:
        layout = FILMS[2].layouts[5] if one.window == WHOLE else FILMS[2].windows[5][one.window]
        expected = squared_l2(views.vectors[one.view], derive(layout[None])[0])
        assert one.distance == expected


def test_a_source_without_runs_is_met_by_its_whole_frames_only() -> None:
    bare = FILMS[0].part(0, FILMS[0].n_frames)
    found = candidates_at(source(1, [bare]), 2, query_of(query(FILMS[0], 2)).rounds[0])
    assert {one.window for one in found} == {WHOLE}


@pytest.mark.parametrize("run", [0, 5, 11])
def test_verdict_and_probability_are_those_of_the_search(run: int) -> None:
    views = query(FILMS[2], run)
    best = answer(views, FILMS).matches[0]
    found = judged(query_of(views), source(best.source_id), run)
    assert found.verdict == best.verdict == "match"
    assert found.probability == pytest.approx(best.probability)
    assert found.best.distance == best.distance
    assert found.fit is not None and found.fit.agreement > 0.9


def test_a_part_that_is_like_many_others_crowds_nothing_out() -> None:
    common = FILMS[0].windows[0, LEFT_HALF]
    window = np.arange(N_WINDOWS)[:, None]
    films = [
        replace(one, windows=np.where(window == LEFT_HALF, common, one.windows)) for one in FILMS
    ]
    noise = np.random.default_rng(1).integers(-1, 2, 33)
    layout = np.clip(films[2].layouts[5].astype(int) + noise, 0, LARGEST).astype(np.uint8)
    views = with_part(query(films[2], 5, layout), LEFT_HALF, common)
    best = answer(views, films).matches[0]
    found = judged(query_of(views.more()), source(3, films), 5, films)
    assert (found.verdict, found.n_rounds) == (best.verdict, 1) == ("match", 1)
    assert found.probability == pytest.approx(best.probability)


def test_a_picture_with_one_part_left_is_judged_by_that_part_as_in_a_search() -> None:
    covered = query(FILMS[3], 4, random_layouts(np.random.default_rng(8), 1)[0])
    noise = np.random.default_rng(8).integers(0, 256, covered.grids[0].shape)
    grid = np.where(np.arange(GRID_COLS) < GRID_COLS // 2, covered.grids[0], noise)
    covered = replace(covered, grids=np.stack([grid, grid[:, ::-1]]).astype(np.float32))
    views = with_part(covered, LEFT_HALF, FILMS[3].windows[4, LEFT_HALF])
    best = answer(views, FILMS).matches[0]
    found = judged(query_of(views.more()), source(4), 4)
    assert (best.source_id, found.n_rounds, found.best.window) == (4, 2, LEFT_HALF)
    assert found.verdict == best.verdict
    assert found.probability == pytest.approx(best.probability, abs=0.02)


def test_views_for_later_are_looked_for_among_windows_alone() -> None:
    layouts = FILMS[2].layouts[[5]]
    later = with_part(query(film(99), 3), LEFT_HALF, layouts[0]).more()
    later = replace(later, windows=np.full(3, ANY_WINDOW))
    first, second = query_of(later).rounds
    assert (first.numbers.tolist(), second.numbers.tolist()) == ([0, 1], [2])
    assert WHOLE not in {one.window for one in candidates_at(source(3), 5, second)}
    assert WHOLE in {one.window for one in candidates_at(source(3), 5, first)}


def test_a_picture_is_uninformative_whatever_its_parts_show() -> None:
    flat = replace(query(FILMS[2], 5), quality=np.zeros(2, np.uint8))
    views = with_part(flat, LEFT_HALF, FILMS[2].windows[5, LEFT_HALF])
    assert answer(views, FILMS).verdict == "uninformative"
    assert judged(query_of(views.more()), source(3), 5).verdict == "uninformative"


def test_an_unrelated_picture_is_no_match() -> None:
    found = judged(query_of(query(film(99), 3)), source(3), 5)
    assert found.verdict == "no_match"
    assert found.probability is not None and found.probability < 0.5


def test_a_moment_of_two_episodes_is_ambiguous_and_the_other_is_the_rival() -> None:
    films = [*FILMS, FILMS[2]]
    found = judged(query_of(query(FILMS[2], 5)), source(3, films), 5, films)
    assert found.verdict == "ambiguous"
    assert [rival.source.source_id for rival in found.rivals] == [7]


def test_a_file_matches_though_an_episode_shows_the_same() -> None:
    reference = library_of(FILMS[2]).snapshot().sources[NOT_INDEXED]
    found = judged(query_of(query(FILMS[2], 5)), reference, 5)
    assert found.verdict == "match"
    assert [rival.source.source_id for rival in found.rivals] == [3]


def test_what_64_others_are_nearer_than_is_not_believed() -> None:
    crowd = [FILMS[2]] * 70
    views = query_of(query(FILMS[2], 5))
    other = library_of(film(50)).snapshot().sources[NOT_INDEXED]
    found = judged(views, other, 5, crowd)
    assert found.reach is not None and found.best.distance > found.reach
    assert (found.verdict, found.place) == ("no_match", MOST + 1)


def test_a_flat_query_is_uninformative_whatever_it_is_compared_with() -> None:
    views = replace(query(FILMS[2], 5), quality=np.array([GATE - 1, 0], np.uint8))
    assert judged(query_of(views), source(3), 5).verdict == "uninformative"


def test_only_views_that_show_enough_are_compared() -> None:
    views = replace(query(FILMS[2], 5), quality=np.array([0, GATE], np.uint8))
    found = query_of(views)
    (part,) = found.rounds
    assert part.numbers.tolist() == [1]
    assert found.name(candidates_at(source(3), 5, part)[0]) == "full-mirrored"


@pytest.mark.parametrize("share, verdict", [(0.9, "match"), (1.1, "no_match")])
def test_descriptors_alone_are_judged_by_the_distance_of_the_search(
    share: float, verdict: str
) -> None:
    plain = query(FILMS[2], 5)
    views = query_of(SomeViews(plain.names, plain.layouts, plain.quality))
    own = candidates_at(source(3), 5, views.rounds[0])[:1]
    limit = match_distance(100)
    moved = [own[0]._replace(distance=int(share * limit))]
    found = judge(views, [Sight(moved, [], 100)], default_calibration(), 0.001)
    assert (found.verdict, found.probability, found.fit) == (verdict, None, None)
    assert found.limit == limit


def test_descriptors_that_two_episodes_hold_are_ambiguous() -> None:
    films = [*FILMS, FILMS[2]]
    plain = query(FILMS[2], 5)
    views = query_of(SomeViews(plain.names, plain.layouts, plain.quality))
    found = judged(views, source(3, films), 5, films)
    assert found.verdict == "ambiguous"
    assert [rival.source.source_id for rival in found.rivals] == [7]


def test_some_frames_are_few_vote_and_come_with_their_mirrors() -> None:
    long = film(3)
    many = replace(
        FILMS[0].part(0, FILMS[0].n_frames),
        times_ms=np.arange(1000) * 40,
        duration_ms=40_000,
        kept_first=np.arange(1000, dtype=np.uint32),
        layouts=np.resize(long.layouts, (1000, 33)),
        mirrored=np.resize(long.mirrored, (1000, 33)),
        quality=np.where(np.arange(1000) % 2, 200, 0).astype(np.uint8),
    )
    kept, vectors = some_frames(many)
    assert len(kept) == len(vectors) == 2 * MOST_FRAMES
    assert (kept % 2 == 1).all()
    assert np.array_equal(vectors[0], derive(many.layouts[kept[:1]])[0])
    assert np.array_equal(vectors[MOST_FRAMES], derive(many.mirrored[kept[:1]])[0])
