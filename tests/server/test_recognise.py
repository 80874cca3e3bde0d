from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from signatures import random_layouts, signature

from mitate.kernels.borders import Rect
from mitate.kernels.canvas import GRID_COLS, GRID_ROWS
from mitate.kernels.errors import CorruptData
from mitate.kernels.grids import FINE_CELLS
from mitate.kernels.layout import mirror_layouts
from mitate.kernels.signature import N_WINDOWS, THUMB_COLS, THUMB_ROWS, Signature
from mitate.kernels.windows import ANY_WINDOW, WINDOWS
from mitate.server import search_close
from mitate.server.calibration import default_calibration, parse
from mitate.server.candidates import WHOLE, Candidate
from mitate.server.engine import Found
from mitate.server.index import make_index
from mitate.server.library import Library, NewSource, Scope
from mitate.server.recognise import SAME_FRAME_DISTANCE, Scored, nearest_first
from mitate.server.records import Answer, Names
from mitate.server.search_close import Closer
from mitate.server.search_picture import search_pictures

N_RUNS = 12


@dataclass(frozen=True)
class Views:
    names: tuple[str, ...]
    layouts: np.ndarray
    quality: np.ndarray
    rects: tuple[Rect, ...]
    grids: np.ndarray
    aspects: np.ndarray
    bases: np.ndarray
    parts: np.ndarray
    windows: np.ndarray
    n_first: int = 2
    later: Views | None = None

    def more(self) -> Views:
        return self.later or self


def film(seed: int) -> Signature:
    """Return a film of pictures held a second each, all runs of their own."""
    rng = np.random.default_rng(seed)
    layouts = random_layouts(rng, N_RUNS)
    plain = signature(np.repeat(layouts, 24, axis=0), fps=24)
    coarse = rng.integers(0, 256, (N_RUNS, THUMB_ROWS // 4, THUMB_COLS // 4))
    return replace(
        plain,
        run_first=np.arange(N_RUNS, dtype=np.uint32),
        windows=random_layouts(rng, N_RUNS * N_WINDOWS).reshape(N_RUNS, N_WINDOWS, 33),
        thumbnails=coarse.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8),
    )


FILMS = [film(seed) for seed in range(6)]


def query(source: Signature, run: int, layout: np.ndarray | None = None) -> Views:
    """Return the views of a picture of a run, described by `layout` or as the run is."""
    layout = source.layouts[run] if layout is None else layout
    y = np.arange(GRID_ROWS) * THUMB_ROWS // GRID_ROWS
    x = np.arange(GRID_COLS) * THUMB_COLS // GRID_COLS
    grid = source.thumbnails[run][np.ix_(y, x)].astype(np.float32)
    return Views(
        ("full", "full-mirrored"),
        np.stack([layout, mirror_layouts(layout[None])[0]]),
        np.array([200, 200], np.uint8),
        (Rect(0, 0, 320, 180),) * 2,
        np.stack([grid, grid[:, ::-1]]),
        np.full(2, 16 / 9),
        np.arange(2),
        np.tile([0.0, 0.0, 1.0, 1.0], (2, 1)),
        np.full(2, ANY_WINDOW),
    )


def with_part(views: Views, window: int, layout: np.ndarray) -> Views:
    """Return views with one more for later: a part that is looked for in one window."""
    more = replace(
        views,
        names=(*views.names, f"full {WINDOWS[window].name}"),
        layouts=np.concatenate([views.layouts, layout[None]]),
        quality=np.append(views.quality, np.uint8(200)),
        rects=(*views.rects, Rect(0, 0, 160, 180)),
        bases=np.append(views.bases, 0),
        parts=np.concatenate([views.parts, np.array(WINDOWS[window].rect)[None] / FINE_CELLS]),
        windows=np.append(views.windows, window),
    )
    return replace(views, later=more)


def answer(views: Views, films: list[Signature], k: int = 3) -> Answer:
    library = Library(lambda: make_index("numpy"))
    library.add(*(NewSource(i + 1, i + 1, i + 1, one) for i, one in enumerate(films)))
    snapshot = library.snapshot()

    def find_windows(queries: np.ndarray, k: int, window: int = ANY_WINDOW) -> Found:
        allowed = snapshot.allowed(Scope(window=window), windows=True)
        return Found(library.windows.search(queries, k, allowed), snapshot, 0.0, 1)

    closer = Closer(find_windows, default_calibration(), 0.001)
    return search_pictures(
        [views],
        lambda q, k: Found(library.index.search(q, k), snapshot, 0.0, 1),
        lambda i: Names(f"film {i}", i, "", i, i),
        k,
        closer=closer,
    )[0]


def test_a_stored_picture_is_a_match_with_its_range_and_a_probability() -> None:
    found = answer(query(FILMS[2], 5), FILMS)
    best = found.matches[0]
    assert (found.verdict, best.source_id, best.view) == ("match", 3, "full")
    assert (best.from_ms, best.to_ms) == (5000, 6000)
    assert best.probability is not None and best.probability > 0.95
    others = [match.probability for match in found.matches[1:]]
    assert all(one is not None and one < best.probability for one in others)


def test_a_cut_picture_is_found_by_the_window_that_it_shows() -> None:
    views = query(FILMS[1], 7, FILMS[1].windows[7, 3])
    best = answer(views, FILMS).matches[0]
    assert (best.source_id, best.from_ms, best.view) == (2, 7000, "full in centre 0.6")


def test_a_picture_with_one_part_left_is_found_by_that_part() -> None:
    half, rng = 12, np.random.default_rng(8)
    covered = query(FILMS[3], 4, random_layouts(rng, 1)[0])
    noise = rng.integers(0, 256, covered.grids[0].shape).astype(np.float32)
    grid = np.where(np.arange(GRID_COLS) < GRID_COLS // 2, covered.grids[0], noise)
    covered = replace(covered, grids=np.stack([grid, grid[:, ::-1]]))
    views = with_part(covered, half, FILMS[3].windows[4, half])
    best = answer(views, FILMS).matches[0]
    assert (best.source_id, best.from_ms) == (4, 4000)
    assert best.view == "full left half in left half"


def test_a_part_is_looked_for_in_its_window_alone() -> None:
    views = with_part(query(film(99), 3), 12, FILMS[1].windows[7, 3])
    assert answer(views, FILMS).matches[0].distance > 0


def test_a_picture_of_nothing_stored_is_no_match() -> None:
    found = answer(query(film(99), 3), FILMS)
    assert found.verdict == "no_match"
    assert found.matches[0].probability is not None and found.matches[0].probability < 0.5


def test_a_mirrored_picture_is_found_mirrored() -> None:
    plain = query(FILMS[0], 2)
    turned = replace(plain, layouts=plain.layouts[::-1], grids=plain.grids[::-1])
    best = answer(turned, FILMS).matches[0]
    assert (best.source_id, best.mirrored, best.view) == (1, True, "full-mirrored")


def test_a_moment_that_two_episodes_hold_is_ambiguous_and_names_both() -> None:
    found = answer(query(FILMS[2], 5), [*FILMS, FILMS[2]])
    assert found.verdict == "ambiguous"
    assert {found.matches[0].source_id, found.matches[0].alternatives[0].source_id} == {3, 7}


def with_opening(n_episodes: int, opening: Signature) -> list[Signature]:
    """Return films that begin with the same three shots."""

    def begun(own: np.ndarray, shared: np.ndarray) -> np.ndarray:
        return np.concatenate([shared[:3], own[3:]])

    return [
        replace(
            own,
            layouts=begun(own.layouts, opening.layouts),
            mirrored=begun(own.mirrored, opening.mirrored),
            windows=begun(own.windows, opening.windows),
            thumbnails=begun(own.thumbnails, opening.thumbnails),
        )
        for own in (film(200 + number) for number in range(n_episodes))
    ]


def cut(source: Signature, run: int, window: int) -> Views:
    """Return the views of a picture that shows just a window of a run."""
    left, top, right, bottom = WINDOWS[window].rect
    y = (np.linspace(top, bottom, GRID_ROWS, endpoint=False) * THUMB_ROWS / FINE_CELLS).astype(int)
    x = (np.linspace(left, right, GRID_COLS, endpoint=False) * THUMB_COLS / FINE_CELLS).astype(int)
    grid = source.thumbnails[run][np.ix_(y, x)].astype(np.float32)
    return replace(
        query(source, run, source.windows[run, window]), grids=np.stack([grid, grid[:, ::-1]])
    )


@pytest.mark.parametrize("window", [None, 3])
def test_an_opening_is_named_in_every_episode_of_a_long_series(window: int | None) -> None:
    opening = film(99)
    films = [*with_opening(50, opening), *FILMS]
    found = answer(query(opening, 1) if window is None else cut(opening, 1, window), films)
    assert (found.verdict, len(found.matches)) == ("ambiguous", 3)
    named = {found.matches[0].source_id, *(one.source_id for one in found.matches[0].alternatives)}
    assert named == set(range(1, 51))
    assert all(one.to_ms - one.from_ms == 1000 for one in found.matches[0].alternatives)


def test_naming_the_others_changes_neither_the_best_nor_its_probability(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opening = film(99)
    films = [*with_opening(20, opening), *FILMS]
    best = answer(query(opening, 1), films).matches[0]
    monkeypatch.setattr(search_close, "with_all_holders", lambda found, *_: found)
    before = answer(query(opening, 1), films).matches[0]
    assert replace(best, alternatives=()) == replace(before, alternatives=())
    assert len(best.alternatives) > len(before.alternatives)


def test_sources_without_runs_are_found_by_their_descriptors() -> None:
    older = [
        replace(
            one,
            run_first=one.run_first[:0],
            windows=one.windows[:0],
            thumbnails=one.thumbnails[:0],
        )
        for one in FILMS
    ]
    found = answer(query(FILMS[2], 5), older)
    assert (found.verdict, found.matches[0].source_id) == ("match", 3)


def test_as_many_matches_as_asked_for_are_listed() -> None:
    assert len(answer(query(FILMS[0], 0), FILMS, k=20).matches) == 20


def test_fewer_false_alarms_need_more_evidence() -> None:
    calibration = default_calibration()
    thresholds = [calibration.threshold(rate) for rate in (0.05, 0.01, 0.001, 0.0001)]
    assert thresholds == sorted(thresholds)
    assert calibration.probability(thresholds[2]) > 0.5


def test_a_calibration_with_a_hole_is_refused() -> None:
    with pytest.raises(CorruptData, match="calibration without 'version'"):
        parse({})


def test_of_frames_that_agree_alike_the_one_with_the_nearest_descriptor_is_first() -> None:
    source, rng = film(7), np.random.default_rng(3)
    layouts, thumbnails = source.layouts.copy(), source.thumbnails.copy()
    layouts[5] = layouts[2]
    layouts[5, 3] ^= 1
    thumbnails[5] = thumbnails[2]
    noise = rng.normal(0, 19, thumbnails[2].shape)
    thumbnails[2] = np.clip(thumbnails[2] + noise, 0, 255).astype(np.uint8)
    still = replace(source, layouts=layouts, thumbnails=thumbnails)
    views = replace(query(still, 2), grids=query(still, 5).grids)
    best = answer(views, [*FILMS, still]).matches[0]
    assert (best.from_ms, best.distance) == (2000, 0)


def test_putting_the_nearest_frame_first_raises_no_evidence() -> None:
    def scored(score: float, distance: int, window: int = WHOLE) -> Scored:
        source = SimpleNamespace(episode_id=1)
        return Scored(Candidate(source, 0, window, 0, distance), score)  # type: ignore[arg-type]

    near, part, far = scored(0.88, 20), scored(0.9, 5, 3), scored(0.89, SAME_FRAME_DISTANCE)
    assert [one.candidate.distance for one in nearest_first([part, far, near])] == [20, 5, 200]
    assert nearest_first([part, far, near])[0].score == pytest.approx(0.9, abs=1e-12)
    assert nearest_first([part, far]) == [part, far]
    assert nearest_first([part, scored(0.8, 0)])[0] is part
    assert nearest_first([]) == []
