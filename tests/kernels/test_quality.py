from __future__ import annotations

import numpy as np
from pictures import jpeg, means_of, scene
from PIL import Image

from mitate.kernels.layout import describe
from mitate.kernels.quality import GATE, is_textured, quality, quality_of_layouts


def test_flat_pictures_are_below_the_gate() -> None:
    for colour in ("black", "white", "grey", "red", (3, 3, 3)):
        means = means_of(jpeg(Image.new("RGB", (320, 180), colour), 50))
        assert quality(means)[0] < GATE
        assert quality_of_layouts(describe(means))[0] < GATE


def test_pictures_with_something_on_them_are_above_the_gate() -> None:
    for seed in range(20):
        means = means_of(scene(seed))
        assert quality(means)[0] > 2 * GATE
        assert quality_of_layouts(describe(means))[0] > 2 * GATE


def test_quality_falls_while_a_picture_fades() -> None:
    means = means_of(scene(3))
    faded = np.concatenate([means * (1 - step / 20) for step in range(21)])
    got = quality(faded).astype(int)
    assert (np.diff(got) <= 0).all()
    assert got[-1] == 0


def test_a_coloured_picture_of_even_brightness_has_quality() -> None:
    means = np.full((1, 8, 8, 3), 128.0)
    means[:, :, :4, 0] += 60.0
    means[:, :, :4, 1] -= 0.299 / 0.587 * 60.0
    assert quality(means)[0] > GATE


def test_descriptors_alone_tell_nearly_the_same_quality() -> None:
    means = np.concatenate([means_of(scene(seed)) for seed in range(20)])
    difference = quality(means).astype(int) - quality_of_layouts(describe(means))
    assert np.abs(difference).max() <= 30


def test_a_tiny_flat_picture_has_no_quality() -> None:
    for rows, cols in ((1, 1), (4, 4), (8, 3)):
        means = np.full((1, 8, 8, 3), np.nan)
        means[:, :rows, :cols] = 0.0
        assert quality(means)[0] == 0


def test_one_edge_on_flat_ground_is_no_texture_and_shapes_all_over_are() -> None:
    edge = np.full((18, 32), 40.0)
    edge[:6, 3:9] = 220
    shapes = np.random.default_rng(1).uniform(60, 90, (18, 32))
    assert is_textured(np.stack([edge, shapes, np.zeros((18, 32))])).tolist() == [
        False,
        True,
        False,
    ]
