from __future__ import annotations

import numpy as np
from test_grids import padded

from mitate.kernels.borders import Rect
from mitate.kernels.colour import Colour
from mitate.kernels.decode import Picture
from mitate.kernels.grids import CELLS, FINE_CELLS, Grids
from mitate.kernels.layout import describe
from mitate.kernels.signature import N_WINDOWS, THUMB_COLS, THUMB_ROWS
from mitate.kernels.thumbnails import thumbnails
from mitate.kernels.windows import WINDOWS, mirrored_window, window_layouts


def grey(samples: np.ndarray, rotation: int = 0) -> Picture:
    height, width = samples.shape
    return Picture((padded(samples),), Colour("grey"), width, height, 0, rotation)


def grids_of(*pictures: Picture) -> Grids:
    grids = Grids(len(pictures))
    for picture in pictures:
        grids.add(picture, Rect(0, 0, picture.width, picture.height))
    return grids


def drawing(height: int = 240, width: int = 320) -> np.ndarray:
    samples = np.random.default_rng(5).integers(0, 256, (height // 20, width // 20))
    return np.repeat(np.repeat(samples, 20, axis=0), 20, axis=1).astype(np.uint8)


def test_signatures_have_a_place_for_every_window() -> None:
    assert len(WINDOWS) == N_WINDOWS
    assert len({window.name for window in WINDOWS}) == N_WINDOWS


def test_windows_lie_in_the_grid_and_divide_into_blocks() -> None:
    for _, rect in WINDOWS:
        assert 0 <= rect.left < rect.right <= FINE_CELLS
        assert 0 <= rect.top < rect.bottom <= FINE_CELLS
        assert rect.width % CELLS == rect.height % CELLS == 0


def test_a_mirrored_window_is_its_own_mirror() -> None:
    for number, (_, rect) in enumerate(WINDOWS):
        mirrored = mirrored_window(number)
        assert WINDOWS[mirrored].rect.left == FINE_CELLS - rect.right
        assert mirrored_window(mirrored) == number


def test_a_window_has_the_descriptor_of_the_picture_cut_to_it() -> None:
    samples = drawing()
    layouts = window_layouts(grids_of(grey(samples)), np.array([0]))[0]
    for (name, rect), layout in zip(WINDOWS, layouts, strict=True):
        part = samples[rect.top * 3 : rect.bottom * 3, rect.left * 4 : rect.right * 4]
        cut = grids_of(grey(np.ascontiguousarray(part)))
        np.testing.assert_array_equal(layout, describe(cut.rgb_means())[0], name)


def test_windows_of_a_turned_picture_are_upright() -> None:
    upright = drawing()
    turned = np.ascontiguousarray(np.rot90(upright, -1))
    grids = grids_of(grey(upright), grey(turned, rotation=90))
    one, other = window_layouts(grids, np.arange(2))
    np.testing.assert_array_equal(one, other)


def test_only_chosen_pictures_have_windows() -> None:
    grids = grids_of(*(grey(np.full((80, 80), level, np.uint8)) for level in (10, 90, 200)))
    assert window_layouts(grids, np.zeros(0, np.int64)).shape == (0, N_WINDOWS, 33)
    chosen = window_layouts(grids, np.array([0, 2]))
    np.testing.assert_array_equal(chosen[1], window_layouts(grids, np.array([2]))[0])


def test_a_thumbnail_is_the_luma_of_the_picture() -> None:
    samples = drawing()
    (thumbnail,) = thumbnails(grids_of(grey(samples)), np.array([0]))
    cells = samples.reshape(thumbnail.shape[0], -1, thumbnail.shape[1], 320 // thumbnail.shape[1])
    np.testing.assert_allclose(thumbnail, cells.mean(axis=(1, 3)), atol=0.51)


def test_a_thumbnail_of_a_picture_with_fewer_samples_than_cells_has_no_holes() -> None:
    ramp = np.linspace(40, 200, 30)
    samples = np.add.outer(np.zeros(12), ramp).astype(np.uint8)
    (thumbnail,) = thumbnails(grids_of(grey(samples)), np.array([0]))
    wanted = np.interp(np.linspace(0, 29, thumbnail.shape[1]), np.arange(30), ramp)
    np.testing.assert_allclose(thumbnail, np.broadcast_to(wanted, thumbnail.shape), atol=12)


def test_of_no_pictures_there_are_no_thumbnails() -> None:
    grids = grids_of(grey(drawing()))
    assert thumbnails(grids, np.zeros(0, np.int64)).shape == (0, THUMB_ROWS, THUMB_COLS)
