from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pictures import jpeg, scene
from PIL import Image

from mitate.kernels.borders import Border, Rect, Side, common_rect, find_border, measure

COLOURS = {"black": (0, 0, 0), "white": (255, 255, 255), "blue": (20, 40, 160)}


def luma(picture: Image.Image) -> npt.NDArray[Any]:
    return np.asarray(picture.convert("L"))


def framed(picture: Image.Image, rect: Rect, size: tuple[int, int], colour: str) -> Image.Image:
    canvas = Image.new("RGB", size, COLOURS[colour])
    canvas.paste(picture.resize((rect.width, rect.height)), rect[:2])
    return canvas


def sides(*depths: int, sharp: bool = True) -> Border:
    return Border(*(Side(depth, sharp and depth > 0) for depth in depths))


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("quality", [40, 75, 95])
@pytest.mark.parametrize(
    "rect", [Rect(0, 45, 480, 315), Rect(60, 0, 420, 360), Rect(49, 30, 413, 331)]
)
def test_bars_of_one_colour_are_found(rect: Rect, colour: str, quality: int) -> None:
    for seed in (0, 1, 4):
        picture = jpeg(framed(scene(seed), rect, (480, 360), colour), quality)
        difference = np.subtract(find_border(luma(picture)), rect)
        assert np.abs(difference).max() <= 2, (seed, difference)


def test_bars_are_found_after_scaling() -> None:
    picture = framed(scene(1), Rect(0, 90, 960, 630), (960, 720), "black").resize((427, 320))
    found = find_border(luma(jpeg(picture, 75)))
    assert np.abs(np.subtract(found, Rect(0, 40, 427, 280))).max() <= 1


@pytest.mark.parametrize("seed", range(10))
def test_pictures_without_a_border_are_left_whole(seed: int) -> None:
    assert find_border(luma(jpeg(scene(seed), 75))) == Rect(0, 0, 320, 180)


def test_a_flat_sky_over_hills_is_no_border() -> None:
    y, x = np.mgrid[:180, :320]
    ground = y > 90 + 60 * np.cos(x / 320 * 2 * np.pi)
    picture = np.where(ground, 40 + (x * 7 + y * 13) % 90, 220).astype(np.uint8)
    assert find_border(picture) == Rect(0, 0, 320, 180)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (31, 400), (32, 32)])
def test_tiny_and_flat_pictures_are_left_whole(shape: tuple[int, int]) -> None:
    whole = Rect(0, 0, shape[1], shape[0])
    rng = np.random.default_rng(0)
    for picture in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape).astype(np.uint8)):
        assert find_border(picture) == whole


def test_a_picture_that_is_nearly_all_border_does_not_tell() -> None:
    picture = np.zeros((180, 320), np.uint8)
    picture[80:100, 140:180] = 200
    assert measure(picture) is None
    assert find_border(picture) == Rect(0, 0, 320, 180)


def test_trimming_what_is_left_changes_nothing() -> None:
    rect = Rect(0, 45, 480, 315)
    picture = framed(scene(2), rect, (480, 360), "black").crop(rect)
    assert find_border(luma(picture)) == Rect(0, 0, 480, 270)


def test_dark_flat_and_captioned_frames_do_not_decide_for_a_video() -> None:
    dark = Border(Side(0, False), Side(70, False), Side(0, False), Side(100, True))
    captioned = sides(0, 40, 0, 12, sharp=False)
    frames = [*[sides(0, 40, 0, 40)] * 10, dark, captioned, None, None]
    assert common_rect(frames, 640, 360) == Rect(0, 40, 640, 320)


def test_content_in_the_border_of_many_frames_keeps_the_whole_frame() -> None:
    frames = [sides(0, 40, 0, 40)] * 8 + [sides(0, 0, 0, 0)] * 2
    assert common_rect(frames, 640, 360) == Rect(0, 0, 640, 360)


def test_an_edge_that_few_frames_show_is_not_believed() -> None:
    frames = [sides(0, 40, 0, 40)] * 2 + [sides(0, 60, 0, 60, sharp=False)] * 8
    assert common_rect(frames, 640, 360) == Rect(0, 0, 640, 360)


def test_no_frame_that_tells_keeps_the_whole_frame() -> None:
    assert common_rect([None, None], 640, 360) == Rect(0, 0, 640, 360)
    assert common_rect([], 640, 360) == Rect(0, 0, 640, 360)


def test_edges_of_a_video_are_even_or_those_of_the_frame() -> None:
    assert common_rect([sides(3, 0, 4, 7)], 641, 361) == Rect(4, 0, 636, 354)
    assert common_rect([sides(0, 41, 0, 41)], 641, 361) == Rect(0, 42, 641, 320)
