from __future__ import annotations

import numpy as np

from bench.quality.pictures import Pixels
from bench.quality.same import Lookup, differing, is_flat, same


def thumb(seed: int) -> Pixels:
    small = np.random.default_rng(seed).integers(0, 256, (9, 16, 3)).astype(np.uint8)
    return np.kron(small, np.ones((4, 4, 1), np.uint8))


def test_codec_noise_leaves_a_picture_the_same() -> None:
    noise = np.random.default_rng(1).integers(-8, 9, (36, 64, 3))
    noisy = np.clip(thumb(0).astype(int) + noise, 0, 255).astype(np.uint8)
    assert same(thumb(0)[None], noisy)


def test_a_moved_figure_makes_another_picture() -> None:
    moved = thumb(0).copy()
    moved[8:16, 8:16] = 255 - moved[8:16, 8:16]
    assert not same(thumb(0)[None], moved)


def test_the_share_of_differing_cells_is_counted() -> None:
    other = thumb(0).copy()
    other[:4, :8] ^= 128
    assert differing(other[None], thumb(0))[0] == 4 * 8 / (36 * 64)


def test_lookup_finds_the_closest_frame_among_those_allowed() -> None:
    frames = np.stack([thumb(seed) for seed in range(5)])
    lookup = Lookup(frames)
    assert lookup.closest(thumb(3)) == (3, 0.0)
    assert lookup.closest(thumb(3), np.arange(5) != 3)[1] > 0.5


def test_one_colour_is_flat_and_a_drawing_is_not() -> None:
    assert is_flat(np.full((36, 64, 3), 40, np.uint8))
    assert not is_flat(thumb(0))


def test_another_grading_leaves_a_picture_the_same() -> None:
    soft = thumb(0) // 2 + 40
    assert same(soft[None], (soft * 1.2 + 20).clip(0, 255).astype(np.uint8))


def test_a_negative_picture_is_another_one() -> None:
    assert not same(thumb(0)[None], 255 - thumb(0))
