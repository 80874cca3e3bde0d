from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_boxes import pasted, scene

from mitate.kernels.borders import Rect
from mitate.kernels.canvas import GRID_COLS, GRID_ROWS
from mitate.kernels.grids import FINE_CELLS
from mitate.kernels.quality import GATE
from mitate.kernels.vector import derive
from mitate.kernels.view_cuts import LEVELS, Level
from mitate.kernels.views import PictureViews, picture_views
from mitate.kernels.windows import ANY_WINDOW, WINDOWS


def views(luma: np.ndarray, level: Level = "normal") -> PictureViews:
    file = io.BytesIO()
    Image.fromarray(luma.astype(np.uint8)).convert("RGB").save(file, "PNG")
    return picture_views(file.getvalue(), level=level).more()


def test_every_view_has_its_descriptor_rect_and_small_picture() -> None:
    found = views(pasted(np.full((216, 384), 240), Rect(60, 20, 300, 155)))
    n = len(found.names)
    assert len(set(found.names)) == n
    assert found.layouts.shape == (n, 33)
    assert found.grids.shape == (len(found.aspects), GRID_ROWS, GRID_COLS)
    assert len(found.rects) == len(found.quality) == n
    assert set(found.bases.tolist()) == set(range(len(found.grids)))
    assert found.parts.shape == (n, 4)


def test_mirrored_views_follow_theirs_and_show_the_same_part_mirrored() -> None:
    found = views(scene(3))
    for plain in range(0, len(found.names), 2):
        mirrored = plain + 1
        assert found.names[mirrored] == found.names[plain] + "-mirrored"
        assert found.rects[mirrored] == found.rects[plain]
        one, other = (found.grids[found.bases[number]] for number in (plain, mirrored))
        np.testing.assert_array_equal(other, one[:, ::-1])


def test_higher_levels_have_more_views() -> None:
    page = pasted(scene(2), Rect(120, 60, 360, 195), 22)
    counts = [len(views(page, level).names) for level in LEVELS]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_parts_are_looked_for_later_in_the_window_that_shows_the_same() -> None:
    found = views(scene(4))
    parted = np.flatnonzero(found.windows != ANY_WINDOW)
    assert (parted >= found.n_first).all()
    for number in parted:
        name, rect = WINDOWS[found.windows[number]]
        assert np.allclose(found.parts[number], np.array(rect) / FINE_CELLS)
        if not found.names[number].endswith("-mirrored"):
            assert found.names[number].endswith(name)
    left = found.names.index("full left half-mirrored")
    assert WINDOWS[found.windows[left]].name == "right half"


def test_a_part_is_described_like_the_window_of_a_reference() -> None:
    picture = scene(6)
    found = views(picture)
    for number in np.flatnonzero((found.windows != ANY_WINDOW) & (found.bases == 0)):
        left, top, right, bottom = (found.parts[number] * np.array([384, 216, 384, 216])).round()
        cut = views(picture[int(top) : int(bottom), int(left) : int(right)], "fast")
        apart = derive(found.layouts[[number]]).astype(int) - derive(cut.layouts[:1])
        assert (apart**2).sum() < 645  # nearer than another run


@pytest.mark.parametrize("degrees", [-15, -5, 10])
def test_a_turned_picture_has_a_view_that_is_nearly_upright(degrees: float) -> None:
    picture = scene(9)
    image = Image.fromarray(picture.astype(np.uint8)).rotate(degrees, Image.Resampling.BICUBIC)
    found = views(np.asarray(image, np.float64))
    upright = views(picture)
    number = found.names.index(f"turned {degrees:g}")
    left, top, right, bottom = found.rects[number]
    cut = views(picture[top:bottom, left:right], "fast")
    apart = derive(found.layouts[[number]]).astype(int) - derive(cut.layouts[:1])
    plain = derive(found.layouts[:1]).astype(int) - derive(upright.layouts[:1])
    assert (apart**2).sum() < min(1500, (plain**2).sum())


def test_a_box_is_described_like_the_picture_in_it() -> None:
    rect = Rect(120, 60, 360, 195)
    found = views(pasted(scene(2), rect, 22))
    alone = views(scene(22, rect.height, rect.width), "fast")
    boxes = [i for i, name in enumerate(found.names) if name.startswith("box")]
    distances = ((derive(found.layouts[boxes]).astype(int) - derive(alone.layouts[:1])) ** 2).sum(1)
    assert distances.min() < 400


def card(lines: int, dark: bool) -> Image.Image:
    """Return lines of text in the middle of one colour."""
    image = Image.new("RGB", (640, 360), "black" if dark else "white")
    text = "\n".join(["The Night Train"] * lines)
    fill = "white" if dark else "black"
    ImageDraw.Draw(image).text((320, 180), text, fill, font_size=40, anchor="mm", align="center")
    return image


@pytest.mark.parametrize("quality", [30, 90])
@pytest.mark.parametrize(
    "image",
    [
        *(Image.new("RGB", (640, 360), colour) for colour in ("black", "white", "teal", "#060402")),
        Image.linear_gradient("L").point(lambda level: 120 + level // 32).resize((640, 360)),
        *(card(lines, dark) for lines in (1, 2) for dark in (False, True)),
    ],
)
def test_flat_and_faded_pictures_and_title_cards_have_no_view_that_votes(
    image: Image.Image, quality: int
) -> None:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=quality)
    assert (picture_views(file.getvalue()).quality < GATE).all()


@pytest.mark.parametrize("size", [(1600, 24), (24, 1600), (40, 90)])
def test_long_pictures_have_views(size: tuple[int, int]) -> None:
    found = views(np.random.default_rng(3).integers(0, 256, size[::-1]).astype(np.float64))
    assert np.isfinite(found.grids).all()
    assert all(rect.width > 0 and rect.height > 0 for rect in found.rects)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (1, 500), (900, 1)])
def test_tiny_and_narrow_pictures_have_views(size: tuple[int, int]) -> None:
    found = views(np.full(size[::-1], 77.0))
    assert np.isfinite(found.grids).all()
    assert found.names[0] == "full"


def test_views_for_later_follow_the_first_ones_and_are_cut_only_when_asked_for() -> None:
    file = io.BytesIO()
    Image.fromarray(scene(5).astype(np.uint8)).convert("RGB").save(file, "PNG")
    first = picture_views(file.getvalue())
    every = first.more()
    n = first.n_first
    assert len(first.names) == n == every.n_first < len(every.names)
    assert every.names[:n] == first.names
    np.testing.assert_array_equal(every.layouts[:n], first.layouts)
    np.testing.assert_array_equal(every.grids[: len(first.grids)], first.grids)
    assert not any(name.startswith("turned") for name in first.names)
    assert every.more() is every
