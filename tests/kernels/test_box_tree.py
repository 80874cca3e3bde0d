"""Nodes hold the boxes of their tile, orders are permutations, emptied boxes are forgotten."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitate.kernels import box_tree
from mitate.kernels.box_tree import CHUNK_BOXES, BoxTree, near_order

Bytes = NDArray[np.uint8]


def some_boxes(rng: np.random.Generator, n: int) -> tuple[Bytes, Bytes]:
    ends = np.sort(rng.integers(0, 256, (2, n, 32)), axis=0).astype(np.uint8)
    return ends[0], ends[1]


def node(tree: BoxTree, number: int) -> tuple[Bytes, Bytes]:
    words = tree._nodes[0][number // 16, :, number % 16 * 4 : number % 16 * 4 + 4]
    return words[:8].reshape(-1), words[8:].reshape(-1)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=4), seed=st.integers(0, 2**32 - 1))
def test_nodes_are_the_boxes_around_what_is_not_emptied(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree, lows, highs = BoxTree(), [], []
    for n in sizes:
        low, high = some_boxes(rng, n)
        order = tree.append(low, high)
        assert sorted(order.tolist()) == list(range(n))
        lows.append(low[order])
        highs.append(high[order])
    low, high = np.concatenate(lows), np.concatenate(highs)
    for box in range(len(low)):
        its_low, its_high = tree.sides(box)
        np.testing.assert_array_equal(its_low, low[box])
        np.testing.assert_array_equal(its_high, high[box])
    emptied = np.flatnonzero(rng.random(len(low)) < 0.3)
    tree.empty(emptied)
    low[emptied], high[emptied] = 255, 0
    for number in range(-(-len(low) // 16)):
        its_low, its_high = node(tree, number)
        boxes = slice(16 * number, 16 * number + 16)
        np.testing.assert_array_equal(its_low, low[boxes].min(axis=0))
        np.testing.assert_array_equal(its_high, high[boxes].max(axis=0))


def test_boxes_may_cross_into_the_next_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, tree = np.random.default_rng(1), BoxTree()
    point = np.zeros((CHUNK_BOXES - 5, 32), np.uint8)
    monkeypatch.setattr(box_tree, "near_order", lambda lows, highs, place: np.arange(len(lows)))
    tree.append(point, point)
    low, high = some_boxes(rng, 40)
    tree.append(low, high)
    for box in range(40):
        its_low, its_high = tree.sides(CHUNK_BOXES - 5 + box)
        np.testing.assert_array_equal(its_low, low[box])
        np.testing.assert_array_equal(its_high, high[box])


@pytest.mark.parametrize("place", [0, 5])
def test_near_boxes_share_tiles(place: int) -> None:
    """Clusters of sixteen, shuffled, are found again."""
    rng = np.random.default_rng(place)
    clusters = rng.integers(0, 2, (64, 32)).astype(np.uint8) * 200
    numbers = rng.permutation(np.repeat(np.arange(64), 16))
    points = clusters[numbers] + rng.integers(0, 3, (1024, 32)).astype(np.uint8)
    order = near_order(points, points, place)
    tiles = (place + np.arange(1024)) // 16
    held = [len(set(numbers[order[tiles == tile]])) for tile in range(64)]
    assert np.mean(held) < 4
