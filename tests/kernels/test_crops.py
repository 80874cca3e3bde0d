"""The descriptor of a part of a frame is predicted from that of the frame."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mitate.kernels.crops import cropped
from mitate.kernels.grids import FINE_CELLS
from mitate.kernels.layout import describe
from mitate.kernels.vector import derive
from mitate.kernels.windows import WINDOWS

SIZE = 160
Floats = NDArray[np.float64]


def smooth(seed: int) -> Floats:
    """A picture of low frequencies, (SIZE, SIZE, 3)."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    waves = [
        rng.uniform(10, 40) * np.cos(np.pi * v * y) * np.cos(np.pi * u * x)
        for v, u in rng.integers(0, 4, (8, 2))
    ]
    grey = 128 + np.sum(waves, axis=0) / 2
    coloured: Floats = (grey[..., None] * rng.uniform(0.7, 1.1, 3)).clip(0, 255)
    return coloured


def vector(part: Floats) -> Floats:
    rows, cols = (n // 8 for n in part.shape[:2])
    means = part.reshape(8, rows, 8, cols, 3).mean(axis=(1, 3))
    return derive(describe(means[None])).astype(np.float64)


@pytest.mark.parametrize("window", range(12))
def test_the_prediction_is_nearer_than_the_whole_frame(window: int) -> None:
    rect = WINDOWS[window].rect
    predicted, unchanged = 0.0, 0.0
    for seed in range(8):
        picture = smooth(seed)
        left, top, right, bottom = (round(side * SIZE / FINE_CELLS) for side in rect)
        shown = vector(picture[top:bottom, left:right])
        whole = vector(picture)
        predicted += float(((cropped(whole.astype(np.int8), window) - shown) ** 2).sum())
        unchanged += float(((whole - shown) ** 2).sum())
    assert predicted < 0.6 * unchanged


def test_predictions_are_as_long_as_the_vectors_of_frames() -> None:
    whole = np.concatenate([vector(smooth(seed)) for seed in range(5)]).astype(np.int8)
    lengths = np.linalg.norm(cropped(whole, 3), axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(whole.astype(float), axis=1), rtol=1e-4)


def test_a_flat_frame_stays_flat() -> None:
    assert not cropped(np.zeros((2, 32), np.int8), 0).any()
