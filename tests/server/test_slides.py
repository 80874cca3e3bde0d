"""A line is slid to where it fits best, and stays where no other place is clearly nearer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from signatures import moving_layouts, random_layouts, signature
from test_search_picture import Shelf

from mitate.kernels.crops import cropped
from mitate.kernels.shown_part import resampled
from mitate.kernels.signature import N_WINDOWS
from mitate.kernels.vector import derive
from mitate.server.emissions import Frames, Line, Moving, Reference
from mitate.server.search_clip import scan
from mitate.server.slides import _WHOLE, REACH_MS, _Around, slide_line

FPS = 24
LONG = 30 * FPS
PLAIN = Line(1, False, 1.0, 10_000.0)
Layouts = NDArray[np.uint8]
Lumas = NDArray[np.uint8]


def times(n: int) -> NDArray[np.int64]:
    return np.rint(np.arange(n) * 1000 / FPS).astype(np.int64)


def slow(seed: int) -> Layouts:
    """Half a minute in which the picture drifts a little all the time."""
    return moving_layouts(np.random.default_rng(seed), LONG, LONG, held_frames=1)


def reference(layouts: Layouts) -> Reference:
    every = np.arange(len(layouts), dtype=np.uint32)
    return Reference(times(len(layouts)), every, derive(layouts), round(1000 * len(layouts) / FPS))


def shot(layouts: Layouts, at_ms: float, n: int, speed: float = 1.0) -> Frames:
    """Frames of a query that shows the source from a time on."""
    numbers = np.floor((at_ms + speed * np.arange(n) * 1000 / FPS) * FPS / 1000 + 1e-6).astype(int)
    vectors = derive(layouts[numbers])
    return Frames(times(n), vectors, vectors, np.ones(n, np.bool_))


@pytest.mark.parametrize("error_ms", [-5000, -1200, 0, 300, 4000])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_line_slides_along_a_slow_scene_to_its_place(seed: int, error_ms: int) -> None:
    film = slow(seed)
    query = shot(film, 12_000, 2 * FPS)
    line = PLAIN._replace(offset_ms=12_000.0 + error_ms)
    found = slide_line(line, query, 0, len(query), reference(film))
    assert found.speed == 1
    assert abs(found.offset_ms - 12_000) <= 200


@pytest.mark.parametrize("speed", [0.5, 1.25, 2.0])
def test_another_speed_is_found_with_the_place(speed: float) -> None:
    film = moving_layouts(np.random.default_rng(3), LONG, 240, held_frames=1)
    query = shot(film, 10_100, 3 * FPS, speed)
    found = slide_line(PLAIN, query, 0, len(query), reference(film))
    assert found.speed == speed
    assert abs(found.offset_ms - 10_100) <= 60


def test_a_line_stays_where_all_places_are_alike_or_it_runs_backwards() -> None:
    still = np.repeat(slow(1)[:1], LONG, axis=0)
    query = shot(still, 12_000, 2 * FPS)
    assert slide_line(PLAIN, query, 0, len(query), reference(still)) is PLAIN
    backwards = PLAIN._replace(speed=-1.0)
    assert slide_line(backwards, query, 0, len(query), reference(still)) is backwards


def test_a_line_at_the_end_of_its_source_is_slid_within_it() -> None:
    film = slow(4)
    query = shot(film, 28_000, 2 * FPS - 2)
    line = PLAIN._replace(offset_ms=28_000.0 + REACH_MS / 2)
    found = slide_line(line, query, 0, len(query), reference(film))
    assert abs(found.offset_ms - 28_000) <= 200


def test_a_part_of_a_source_is_what_its_runs_stored_and_how_that_changes() -> None:
    film = slow(7)
    query = shot(film, 12_000, FPS)
    bare = _Around(PLAIN, query, reference(film), FPS)
    vectors = derive(film)
    shown = vectors[bare._numbers]
    np.testing.assert_array_equal(bare._vectors_of(_WHOLE), shown)
    np.testing.assert_array_equal(bare._vectors_of(2), cropped(shown, 2))
    runs = np.arange(0, LONG, 5, dtype=np.uint32)
    windows = derive(random_layouts(np.random.default_rng(8), N_WINDOWS * len(runs)))
    stored = replace(reference(film), run_first=runs, windows=windows)
    run = bare._numbers // 5
    for part in (0, 3):
        changed = cropped(shown, part) - cropped(vectors[5 * run], part)
        found = _Around(PLAIN, query, stored, FPS)._vectors_of(part)
        np.testing.assert_allclose(found, windows[part * len(runs) + run] + changed, atol=1e-3)


def still_but_for_a_spot(seed: int) -> Lumas:
    """Half a minute in which a spot of light wanders over a picture."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 1, (4, 5)).astype(np.float32)
    scene = np.asarray(Image.fromarray(coarse).resize((16, 10), Image.Resampling.BICUBIC))
    walk = np.cumsum(rng.normal(0, 0.25, (LONG, 2)), axis=0) % (10, 16)
    apart = np.indices((10, 16)).transpose(1, 2, 0) - walk[:, None, None]
    spots = 12 * np.exp(-np.square(apart).sum(axis=3) / 3)
    lumas = np.rint(110 + 30 * scene / scene.std() + spots).clip(0, 255)
    return np.asarray(lumas, np.uint8)


def with_lumas(lumas: Lumas) -> Reference:
    """A source whose descriptors are all the same."""
    one = np.repeat(slow(1)[:1], LONG, axis=0)
    every = np.arange(LONG, dtype=np.uint32)
    return replace(reference(one), luma_first=every, lumas=lumas)


def shot_of(lumas: Lumas, at_ms: float, n: int, speed: float = 1.0) -> Frames:
    numbers = np.floor((at_ms + speed * np.arange(n) * 1000 / FPS) * FPS / 1000 + 1e-6).astype(int)
    vectors = derive(np.repeat(slow(1)[:1], n, axis=0))
    return replace(
        Frames(times(n), vectors, vectors, np.ones(n, np.bool_)),
        moving=Moving(lumas[numbers], np.arange(n)),
    )


@pytest.mark.parametrize("error_ms", [-5000, -700, 300, 4000])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_descriptors_are_all_the_same_luma_grids_name_the_place(
    seed: int, error_ms: int
) -> None:
    film = still_but_for_a_spot(seed)
    query = shot_of(film, 12_000, FPS)
    line = PLAIN._replace(offset_ms=12_000.0 + error_ms)
    found = slide_line(line, query, 0, len(query), with_lumas(film))
    assert found.speed == 1
    assert abs(found.offset_ms - 12_000) <= 45


@pytest.mark.parametrize("speed", [0.5, 1.25, 2.0])
def test_luma_grids_tell_the_speed_too(speed: float) -> None:
    film = still_but_for_a_spot(4)
    query = shot_of(film, 12_000, 2 * FPS, speed)
    found = slide_line(PLAIN, query, 0, len(query), with_lumas(film))
    assert found.speed == speed
    assert abs(found.offset_ms - 12_000) <= 45


def test_mirrored_and_zoomed_shots_are_placed_by_the_part_that_they_show() -> None:
    film = still_but_for_a_spot(5)
    part = np.array([0.12, 0.05, 0.92, 0.85])
    seen = np.rint(resampled(film, part)).astype(np.uint8)[:, :, ::-1]
    query = shot_of(seen, 12_000, 2 * FPS)
    line = PLAIN._replace(mirrored=True, offset_ms=13_000.0)
    found = slide_line(line, query, 0, len(query), with_lumas(film))
    assert abs(found.offset_ms - 12_000) <= 45


def test_sources_and_queries_without_luma_grids_are_slid_by_descriptors_alone() -> None:
    film = still_but_for_a_spot(6)
    query, source = shot_of(film, 12_000, FPS), with_lumas(film)
    assert slide_line(PLAIN, replace(query, moving=None), 0, FPS, source) is PLAIN
    assert slide_line(PLAIN, query, 0, FPS, replace(source, lumas=None)) is PLAIN


def test_a_scan_names_the_place_in_a_slow_scene() -> None:
    film = slow(5)
    shelf = Shelf((0, film), (1, slow(6)))
    (segment,) = scan(signature(film[400:448]), shelf.find, shelf.name_of).segments
    assert abs(segment.from_ms - 400_000 / FPS) <= 200
