from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mitate.kernels import fine
from mitate.kernels.canvas import GRID_COLS, GRID_ROWS
from mitate.kernels.fine import agreements

WHOLE = (0.0, 0.0, 1.0, 1.0)
HIGH, WIDE = 20 * 16, 40 * 16


def scene(seed: int) -> np.ndarray:
    """Return blobs of all sizes, (HIGH, WIDE)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    luma = np.full((HIGH, WIDE), 120.0)
    for _ in range(40):
        cy, cx, size = rng.uniform(0, HIGH), rng.uniform(0, WIDE), rng.uniform(8, 60)
        luma += rng.uniform(-70, 70) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * size**2))
    return luma.clip(0, 255)


def cells(luma: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """Return the means of rows x cols cells."""
    y = np.linspace(0, luma.shape[0], rows + 1).astype(int)
    x = np.linspace(0, luma.shape[1], cols + 1).astype(int)
    return np.array([[luma[a:b, c:d].mean() for c, d in pairwise(x)] for a, b in pairwise(y)])


def thumbnail(luma: np.ndarray) -> np.ndarray:
    return cells(luma, 20, 40).round().astype(np.uint8)


def agreement(
    query: np.ndarray, *references: np.ndarray, window: tuple[float, ...] = WHOLE
) -> np.ndarray:
    grid = cells(query, GRID_ROWS, GRID_COLS).astype(np.float32)
    n = len(references)
    return agreements(
        grid[None],
        np.array([query.shape[1] / query.shape[0]]),
        np.zeros(n, np.int64),
        np.stack([thumbnail(reference) for reference in references]),
        np.tile(np.array(window), (n, 1)),
    )


def test_a_picture_agrees_with_itself_and_not_with_another() -> None:
    same, other = agreement(scene(1), scene(1), scene(2))
    assert same > 0.95
    assert other < 0.5


@pytest.mark.parametrize("gain, offset", [(0.5, 0), (1.0, 60), (0.7, 40)])
def test_brightness_and_contrast_hardly_matter(gain: float, offset: float) -> None:
    assert agreement(np.clip(scene(3) * gain + offset, 0, 255), scene(3))[0] > 0.9


def test_a_cut_picture_is_moved_to_its_place() -> None:
    cut = scene(4)[20:300, 50:600]
    placed = agreement(cut, scene(4))[0]
    assert placed > 0.85
    assert placed > agreement(cut, scene(5))[0] + 0.3


def test_a_window_says_where_to_begin() -> None:
    cut = scene(6)[: HIGH * 8 // 10, : WIDE * 8 // 10]
    assert agreement(cut, scene(6), window=(0, 0, 0.8, 0.8))[0] > 0.9


def test_an_overlay_over_a_part_costs_little() -> None:
    covered = scene(7)
    covered[HIGH // 2 :, : WIDE // 3] = 255
    assert agreement(covered, scene(7))[0] > 0.65 > agreement(covered, scene(8))[0] + 0.2


def test_flat_pictures_agree_with_nothing() -> None:
    flat = np.full((HIGH, WIDE), 90.0)
    assert agreement(flat, scene(9), flat).max() < 0.3


def test_a_small_part_agrees_better_softened_as_its_thumbnail_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    picture = scene(21) + 30 * np.sin(x / 3) * np.sin(y / 3)
    part = picture[HIGH // 4 : 3 * HIGH // 4, WIDE // 4 : 3 * WIDE // 4]
    window = (0.25, 0.25, 0.75, 0.75)
    (softened,) = agreement(part, thumbnail(picture), window=window)
    monkeypatch.setattr(fine, "_SOFT_AREA", 0.0)
    (sharp,) = agreement(part, thumbnail(picture), window=window)
    assert softened > sharp + 0.01


def test_candidates_far_behind_the_best_cost_no_fine_alignment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = [thumbnail(scene(seed)) for seed in range(5, 12)]
    before = agreement(scene(5), *seen)
    monkeypatch.setattr(fine, "_FAR_BEHIND", 9.0)
    after = agreement(scene(5), *seen)
    assert before[0] == after[0]
    assert (before[1:] <= after[1:]).all()
    assert (before[1:] < after[1:]).any()
