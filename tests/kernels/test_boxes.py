from __future__ import annotations

import numpy as np
import pytest

from mitate.kernels.borders import Rect
from mitate.kernels.boxes import find_boxes

HEIGHT, WIDTH = 216, 384


def scene(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return smooth blobs of all greys."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    luma = np.full((height, width), 128.0)
    for _ in range(12):
        cy, cx, size = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(15, 60)
        luma += rng.uniform(-90, 90) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * size**2))
    return luma.clip(0, 255).astype(np.float32)


def pasted(canvas: np.ndarray, rect: Rect, seed: int = 9) -> np.ndarray:
    canvas = canvas.astype(np.float32)
    canvas[rect.top : rect.bottom, rect.left : rect.right] = scene(seed, rect.height, rect.width)
    return canvas


def near(one: Rect, other: Rect) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 1


@pytest.mark.parametrize(
    "rect",
    [Rect(60, 20, 300, 155), Rect(0, 40, 384, 176), Rect(0, 54, 384, 216), Rect(96, 0, 288, 216)],
)
def test_a_picture_on_a_flat_page_is_the_most_plausible_box(rect: Rect) -> None:
    boxes = find_boxes(pasted(np.full((HEIGHT, WIDTH), 240), rect), 4)
    assert near(boxes[0].rect, rect)


def test_a_picture_in_another_picture_is_found() -> None:
    rect = Rect(120, 60, 360, 195)
    boxes = find_boxes(pasted(scene(2), rect, 22), 5)
    assert any(near(box.rect, rect) for box in boxes)


def test_a_scene_without_straight_edges_has_no_boxes() -> None:
    assert find_boxes(scene(4), 5) == []


def test_tiny_pictures_have_no_boxes() -> None:
    assert find_boxes(scene(1, 20, 30), 5) == []


def test_no_more_boxes_than_asked_for_and_none_twice() -> None:
    page = pasted(
        pasted(np.full((HEIGHT, WIDTH), 20), Rect(10, 10, 200, 120)), Rect(210, 90, 370, 200)
    )
    boxes = find_boxes(page, 3)
    assert len(boxes) <= 3
    assert len({box.rect for box in boxes}) == len(boxes)
