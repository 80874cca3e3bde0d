"""Published aligners find what they were made to find."""

from __future__ import annotations

import numpy as np
import pytest

from bench.timeline import aligners

WAYS = {"hough": aligners.hough, "tn": aligners.tn, "dp": aligners.dp}


def planted(*parts: tuple[int, int, int]) -> aligners.Matrix:
    """Return noise with diagonals: first row, first column, length."""
    rng = np.random.default_rng(0)
    sims = rng.uniform(0, 0.15, (120, 200)).astype(np.float32)
    for row, column, length in parts:
        along = np.arange(length)
        sims[row + along, column + along] = 0.9
    return sims


@pytest.mark.parametrize("way", WAYS)
def test_one_planted_segment_is_found_to_the_step(way: str) -> None:
    (box,) = WAYS[way](planted((30, 100, 25)))
    assert (box.query_from, box.query_to) == (30, 54)
    assert (box.from_, box.to) == (100, 124)


@pytest.mark.parametrize("way", WAYS)
def test_two_reordered_segments_are_found(way: str) -> None:
    boxes = WAYS[way](planted((10, 150, 20), (60, 20, 30)))
    assert sorted(box[:4] for box in boxes) == [(10, 29, 150, 169), (60, 89, 20, 49)]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_found_in_noise(way: str) -> None:
    assert WAYS[way](planted()) == []
