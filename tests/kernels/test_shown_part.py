"""The part of a source that a shot shows is found from a few cells of both."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mitate.kernels.shown_part import resampled, shown_part
from mitate.kernels.signature import LUMA_COLS, LUMA_ROWS

SIDE = 320, 200  # pixels of the pictures that cells are the means of
Pixels = NDArray[np.float64]


def picture(seed: int) -> Pixels:
    """Smooth shapes of many sizes."""
    rng = np.random.default_rng(seed)
    total = np.zeros(SIDE[::-1])
    for cells, weight in ((5, 1.0), (9, 0.8), (17, 0.5)):
        coarse = rng.normal(0, weight, (cells, cells)).astype(np.float32)
        total += np.asarray(Image.fromarray(coarse).resize(SIDE, Image.Resampling.BICUBIC))
    return np.asarray(128 + 40 * total / total.std())


def cells_of(pixels: Pixels) -> Pixels:
    rows, cols = pixels.shape[0] // LUMA_ROWS, pixels.shape[1] // LUMA_COLS
    return np.asarray(pixels.reshape(LUMA_ROWS, rows, LUMA_COLS, cols).mean(axis=(1, 3)))


def crop(pixels: Pixels, part: tuple[float, float, float, float]) -> Pixels:
    (wide, high), (left, top, right, bottom) = SIDE, part
    box = left * wide, top * high, right * wide, bottom * high
    image = Image.fromarray(pixels.astype(np.float32))
    return np.asarray(image.resize(SIDE, Image.Resampling.BILINEAR, box), np.float64)


@given(seed=st.integers(0, 500), zoom=st.floats(1.05, 1.4), at=st.tuples(*[st.floats(0, 1)] * 2))
@settings(deadline=None, max_examples=40)
def test_a_zoomed_part_is_found(seed: int, zoom: float, at: tuple[float, float]) -> None:
    source, side = picture(seed), 1 / zoom
    left, top = (share * (1 - side) for share in at)
    part = (left, top, left + side, top + side)
    shown = shown_part(0.8 * cells_of(crop(source, part)) + 20, cells_of(source))
    assert np.abs(shown.part - part).max() <= 0.05
    assert shown.cells.all()


@pytest.mark.parametrize("seed", range(5))
def test_the_whole_is_shown_where_nothing_agrees_better(seed: int) -> None:
    source = cells_of(picture(seed))
    shown = shown_part(255 - 1.1 * (255 - source), source)
    assert shown.part.tolist() == [0, 0, 1, 1]
    assert shown.correlation > 0.99


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("within", "part"),
    [((40, 0, 280, 200), (-1 / 6, 0, 7 / 6, 1)), ((0, 30, 320, 170), (0, -3 / 14, 1, 17 / 14))],
)
def test_what_lies_between_bars_is_the_whole_source(
    seed: int, within: tuple[int, int, int, int], part: tuple[float, ...]
) -> None:
    source = picture(seed)
    shot = np.full_like(source, 3)
    size = within[2] - within[0], within[3] - within[1]
    small = Image.fromarray(source.astype(np.float32)).resize(size, Image.Resampling.BOX)
    shot[within[1] : within[3], within[0] : within[2]] = np.asarray(small)
    shown = shown_part(cells_of(shot), cells_of(source))
    assert np.abs(shown.part - part).max() <= 0.06
    bars = np.ones_like(source)
    bars[within[1] : within[3], within[0] : within[2]] = 0
    assert not shown.cells[cells_of(bars) == 1].any()


def test_cells_of_a_part_are_those_of_the_part() -> None:
    source, part = picture(7), (0.1, 0.05, 0.9, 0.85)
    whole = np.rint(cells_of(source)).astype(np.uint8)
    (found,) = resampled(whole[None], np.array(part))
    wanted = cells_of(crop(source, part))
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.95
    (same,) = resampled(whole[None], np.array([0.0, 0, 1, 1]))
    np.testing.assert_array_equal(same, whole)


def test_flat_pictures_show_the_whole() -> None:
    flat = np.full((LUMA_ROWS, LUMA_COLS), 16.0)
    assert shown_part(flat, flat).part.tolist() == [0, 0, 1, 1]
