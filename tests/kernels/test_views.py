from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from test_boxes import pasted, scene

from mitate.kernels.borders import Rect
from mitate.kernels.vector import derive
from mitate.kernels.views import GRID_COLS, GRID_ROWS, LEVELS, Level, PictureViews, picture_views


def views(luma: np.ndarray, level: Level = "normal") -> PictureViews:
    file = io.BytesIO()
    Image.fromarray(luma.astype(np.uint8)).convert("RGB").save(file, "PNG")
    return picture_views(file.getvalue(), level=level)


def test_every_view_has_its_descriptor_rect_and_small_picture() -> None:
    found = views(pasted(np.full((216, 384), 240), Rect(60, 20, 300, 155)))
    n = len(found.names)
    assert len(set(found.names)) == n
    assert found.layouts.shape == (n, 33)
    assert found.grids.shape == (n, GRID_ROWS, GRID_COLS)
    assert len(found.rects) == len(found.quality) == n


def test_mirrored_views_follow_theirs_and_show_the_same_part_mirrored() -> None:
    found = views(scene(3))
    for plain in range(0, len(found.names), 2):
        mirrored = plain + 1
        assert found.names[mirrored] == found.names[plain] + "-mirrored"
        assert found.rects[mirrored] == found.rects[plain]
        np.testing.assert_array_equal(found.grids[mirrored], found.grids[plain][:, ::-1])


def test_higher_levels_have_more_views() -> None:
    page = pasted(scene(2), Rect(120, 60, 360, 195), 22)
    counts = [len(views(page, level).names) for level in LEVELS]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_a_box_is_described_like_the_picture_in_it() -> None:
    rect = Rect(120, 60, 360, 195)
    found = views(pasted(scene(2), rect, 22))
    alone = views(scene(22, rect.height, rect.width), "fast")
    boxes = [i for i, name in enumerate(found.names) if name.startswith("box")]
    distances = ((derive(found.layouts[boxes]).astype(int) - derive(alone.layouts[:1])) ** 2).sum(1)
    assert distances.min() < 400


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (1, 500), (900, 1)])
def test_tiny_and_narrow_pictures_have_views(size: tuple[int, int]) -> None:
    found = views(np.full(size[::-1], 77.0))
    assert np.isfinite(found.grids).all()
    assert found.names[0] == "full"
