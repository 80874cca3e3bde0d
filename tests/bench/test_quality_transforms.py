from __future__ import annotations

import numpy as np
import pytest

from bench.quality import edit_frames, edit_geometry, edit_overlays, edit_tone
from bench.quality.pictures import Pixels
from bench.quality.transforms import COMBINATIONS, FAMILIES, Cell, cells, recipe


@pytest.fixture(scope="module")
def picture() -> Pixels:
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (9, 16, 3)).astype(np.uint8)
    return np.kron(small, np.ones((20, 20, 1), np.uint8))


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: f"{cell.family}-{cell.strength}")
def test_every_recipe_gives_an_rgb_picture_and_the_same_for_the_same_seed(
    cell: Cell, picture: Pixels
) -> None:
    run = [picture, picture]
    edited = recipe(cell).apply(run, 7)
    assert edited.dtype == np.uint8
    assert edited.ndim == 3 and edited.shape[2] == 3
    assert max(edited.shape) <= 960
    assert np.array_equal(edited, recipe(cell).apply(run, 7))


@pytest.mark.parametrize("seed", range(6))
def test_every_edit_takes_upright_and_square_pictures(seed: int, picture: Pixels) -> None:
    upright = np.ascontiguousarray(picture[:, 60:200])
    square = np.ascontiguousarray(picture[:, :180])
    for cell in cells():
        if cell.family not in ("h264", "hevc", "vp9"):
            for small in (upright, square):
                assert recipe(cell).apply([small], seed).shape[2] == 3


def test_recipes_leave_their_input_alone(picture: Pixels) -> None:
    before = picture.copy()
    for cell in cells():
        if cell.family not in ("h264", "hevc", "vp9"):
            recipe(cell).apply([picture], 1)
    assert np.array_equal(picture, before)


def test_every_cell_is_named_once() -> None:
    assert len(set(cells())) == len(cells())
    assert len(cells()) == sum(map(len, FAMILIES.values())) + len(COMBINATIONS)


def test_crops_lie_off_any_grid(picture: Pixels) -> None:
    rng = np.random.default_rng(0)
    shapes = {edit_geometry.window(picture, rng, 0.6, 0.9).shape for _ in range(20)}
    assert len(shapes) > 15


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_a_crop_cuts_about_its_share_of_every_side(share: float, picture: Pixels) -> None:
    rng = np.random.default_rng(0)
    widths = [edit_geometry.crop(picture, rng, share).shape[1] for _ in range(100)]
    assert np.mean(widths) / picture.shape[1] == pytest.approx(1 - 2 * share, abs=0.02)


def test_a_letterbox_is_black_above_and_below_and_keeps_the_picture(picture: Pixels) -> None:
    boxed = edit_frames.letterbox(picture, np.random.default_rng(0), 0.125)
    bar = (boxed.shape[0] - picture.shape[0]) // 2
    assert bar / boxed.shape[0] == pytest.approx(0.125, abs=0.01)
    assert boxed[:bar].max() <= 16
    assert np.array_equal(boxed[bar : bar + picture.shape[0]], picture)


def test_mirroring_twice_changes_nothing(picture: Pixels) -> None:
    rng = np.random.default_rng(0)
    twice = edit_geometry.mirror(edit_geometry.mirror(picture, rng), rng)
    assert np.array_equal(twice, picture)


def test_without_saturation_a_picture_is_grey(picture: Pixels) -> None:
    grey = edit_tone.saturation(picture, np.random.default_rng(0), 0.0)
    assert np.ptp(grey, axis=2).max() <= 1


def test_a_turned_hue_keeps_brightness(picture: Pixels) -> None:
    soft = picture // 3 + 80
    turned = edit_tone.hue(soft, np.random.default_rng(0), 20)
    luma = [p @ [0.299, 0.587, 0.114] for p in (soft, turned)]
    assert np.abs(luma[0] - luma[1]).max() < 2


@pytest.mark.parametrize("area", [0.1, 0.25, 0.5])
def test_a_mosaic_covers_about_its_share(area: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (180, 320, 3)).astype(np.uint8)
    edited = edit_overlays.mosaic_region(noise, np.random.default_rng(1), area)
    assert (edited != noise).any(axis=2).mean() == pytest.approx(area, abs=0.06)
