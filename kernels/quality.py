"""How much there is to recognise in a frame: the contrast that its descriptor can see.

It is the length of the vector of all DCT coefficients but the three DC values, halved and capped.
Black, white, flat and faded frames lie near 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.kernels.layout import AC, Floats, Layouts, coefficients, dequantise_ac

# So many of the 3 x 4 parts of a picture must show a contrast of so many levels. One edge on flat
# ground does not, and would agree with any such edge.
TEXTURED_PARTS = 5
TEXTURE_LEVELS = 3.0
ENOUGH_LEVELS = 12.0  # contrast of a part beyond which more tells no more
_PART_ROWS, _PART_COLS = 3, 4

# A frame of lower quality says nothing about where it is from and does not vote.
GATE = 15

# Size of the two innermost bins, in which rounding alone puts the coefficients of a flat picture.
_UNSURE = 8


def quality(
    rgb_means: Floats,  # (n, 8, 8, 3) of 0..255
) -> npt.NDArray[np.uint8]:
    """Return the quality of each frame, (n,) uint8."""
    blocks = rgb_means.reshape(len(rgb_means), 64, 3)
    empty = np.isnan(blocks)
    if empty.any():  # blocks without pixels, in pictures of less than 8 a side, show nothing
        middle = np.nanmean(blocks, axis=1, keepdims=True)
        rgb_means = np.where(empty, middle, blocks).reshape(rgb_means.shape)
    return quality_of_coefficients(coefficients(rgb_means))


def quality_of_coefficients(
    spectrum: npt.NDArray[np.int64],  # (n, 33) as `layout.coefficients` returns them
) -> npt.NDArray[np.uint8]:
    """Return what `quality` returns, where the coefficients are at hand."""
    return _contrast(spectrum[:, AC])


def quality_of_layouts(
    layouts: Layouts,  # (n, 33)
) -> npt.NDArray[np.uint8]:
    """Return the quality as far as the descriptors tell, (n,) uint8."""
    values = dequantise_ac(layouts)
    return _contrast(np.where(np.abs(values) <= _UNSURE, 0, values))


def is_textured(
    luma: npt.NDArray[np.floating[Any]],  # (n, rows, cols) of 0..255; multiples of 3 and 4
) -> npt.NDArray[np.bool_]:
    """Tell whether pictures show something in enough of their parts, (n,)."""
    n, rows, cols = luma.shape
    parts = luma.reshape(n, _PART_ROWS, rows // _PART_ROWS, _PART_COLS, cols // _PART_COLS)
    contrast = np.sort(parts.std(axis=(2, 4)).reshape(n, -1), axis=1)
    return np.asarray(contrast[:, -TEXTURED_PARTS] >= TEXTURE_LEVELS)


def evenness(
    luma: npt.NDArray[np.floating[Any]],  # (n, rows, cols) of 0..255; multiples of 3 and 4
) -> Floats:
    """Return how evenly what there is to see is spread over the parts of pictures, (n,) of 0..1.

    It is the effective number of parts that show a contrast, as a share of all: 1 where all do,
    little where one edge is all there is.
    """
    n, rows, cols = luma.shape
    parts = luma.reshape(n, _PART_ROWS, rows // _PART_ROWS, _PART_COLS, cols // _PART_COLS)
    contrast = np.minimum(parts.std(axis=(2, 4)).reshape(n, -1), ENOUGH_LEVELS).astype(np.float64)
    power = (contrast * contrast).sum(axis=1)
    shares = contrast.sum(axis=1) ** 2 / np.maximum(power * contrast.shape[1], 1e-9)
    return np.asarray(shares)


def _contrast(values: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    length = np.sqrt((values * values).sum(axis=1).astype(np.float64))
    return np.asarray(np.minimum(np.rint(length / 2.0), 255.0), np.uint8)
