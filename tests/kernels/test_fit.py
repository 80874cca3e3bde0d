from __future__ import annotations

import numpy as np
import pytest
from test_fine import WHOLE, agreement, cells, scene, thumbnail

from mitate.kernels.agreement import PARTS
from mitate.kernels.canvas import GRID_COLS, GRID_ROWS
from mitate.kernels.fit import Fit, fit


def fitted(query: np.ndarray, reference: np.ndarray, window: tuple[float, ...] = WHOLE) -> Fit:
    grid = cells(query, GRID_ROWS, GRID_COLS).astype(np.float32)
    aspect = query.shape[1] / query.shape[0]
    return fit(grid, aspect, thumbnail(reference), np.array(window))


@pytest.mark.parametrize("seed", range(4))
def test_a_fit_has_the_agreement_of_the_search(seed: int) -> None:
    cut = scene(seed)[20:300, 50:600]
    for reference in (scene(seed), scene(seed + 10)):
        assert fitted(cut, reference).agreement == agreement(cut, reference)[0]


def test_parts_of_equal_pictures_are_near_1_and_the_whole_view_lies_within() -> None:
    found = fitted(scene(1), scene(1))
    assert len(found.parts) == len(PARTS)
    assert min(found.parts) > 0.9
    assert found.overlap > 0.95
    assert found.shown.shape == found.there.shape == (GRID_ROWS, GRID_COLS)


def test_the_place_of_a_cut_picture_is_where_it_was_cut() -> None:
    left, top, right, bottom = 64, 32, 576, 288
    x, y, width, height, angle = fitted(scene(4)[top:bottom, left:right], scene(4)).place
    assert x == pytest.approx((left + right) / 2 / 640, abs=0.03)
    assert y == pytest.approx((top + bottom) / 2 / 320, abs=0.03)
    assert (width, height) == pytest.approx((0.8, 0.8), abs=0.05)
    assert abs(angle) < 0.05


def test_corners_are_those_of_the_cut() -> None:
    left, top, right, bottom = 64, 32, 576, 288
    corners = fitted(scene(4)[top:bottom, left:right], scene(4)).corners
    expected = [(left, top), (right, top), (right, bottom), (left, bottom)]
    assert corners == pytest.approx(np.array(expected) / (640, 320), abs=0.05)


def test_corners_of_a_turned_view_keep_its_shape() -> None:
    found = fitted(scene(4), scene(4))._replace(place=np.array([0.5, 0.5, 0.4, 0.4, 0.3]))
    a, b, c, d = found.corners * (640, 320)
    assert np.linalg.norm(b - a) == pytest.approx(0.4 * 640)
    assert np.linalg.norm(c - b) == pytest.approx(0.4 * 320)
    assert (b - a) @ (c - b) == pytest.approx(0, abs=1e-6)
    assert np.arctan2(*(b - a)[::-1]) == pytest.approx(0.3)
    assert (a + c) / 2 == pytest.approx((b + d) / 2)


def test_what_is_shown_is_the_reference_as_it_lies_on_the_view() -> None:
    found = fitted(scene(2), scene(2))
    difference = (found.shown - cells(scene(2), GRID_ROWS, GRID_COLS))[found.there]
    assert np.abs(difference).mean() < 8
