"""The searched vector: what a descriptor says once brightness and contrast are taken away.

The three DC values are left out. The other coefficients are dequantised; those of luma are divided
by their length, those of both chroma channels by theirs, so that a change of brightness, contrast
or saturation moves the vector little. The parts are rounded to int8 and nearness is the integer
squared L2 distance, the same on every machine. A better rule gets a new VECTOR_VERSION; vectors are
always derived, never stored as truth.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.layout import N_LUMA_AC, Floats, Layouts, dequantise_ac

VECTOR_VERSION = "contrast/1"
N_DIMS = 32

# Length of the luma part; no coordinate leaves int8.
LUMA_SCALE = 127.0
_CHROMA_WEIGHT = 0.35
# Added to the lengths, so that the noise of nearly flat pictures is not blown up.
_LUMA_FLOOR = 60.0
_CHROMA_FLOOR = 80.0

# No two vectors are farther apart: twice the longest vector, rounding included, squared.
MAX_DISTANCE = 75_300
# Distance of two vectors with nothing in common (at right angles), where similarity reaches 0.
_UNRELATED = 2.0 * LUMA_SCALE**2 * (1.0 + _CHROMA_WEIGHT**2)


def derive(
    layouts: Layouts,  # (n, 33)
) -> npt.NDArray[np.int8]:
    """Return the searched vectors, (n, 32) int8; the last two coordinates are 0."""
    values = dequantise_ac(layouts)
    vectors = np.zeros((len(layouts), N_DIMS), np.int8)
    luma, chroma = np.split(values, [N_LUMA_AC], axis=1)
    vectors[:, :N_LUMA_AC] = _normalised(luma, _LUMA_FLOOR, LUMA_SCALE)
    vectors[:, N_LUMA_AC : values.shape[1]] = _normalised(
        chroma, _CHROMA_FLOOR, LUMA_SCALE * _CHROMA_WEIGHT
    )
    return vectors


def similarity(
    distance: npt.ArrayLike,  # squared L2 of two searched vectors
) -> Floats:
    """Return 1 for equal vectors down to 0 for unrelated ones; no probability."""
    return np.clip(1.0 - np.asarray(distance, np.float64) / _UNRELATED, 0.0, 1.0)


def similarity_of(distance: float) -> float:
    """Return the similarity of one distance, quicker than that of an array."""
    return float(min(max(1.0 - distance / _UNRELATED, 0.0), 1.0))


def _normalised(values: npt.NDArray[np.int64], floor: float, scale: float) -> Floats:
    lengths = np.sqrt((values * values).sum(axis=1, keepdims=True).astype(np.float64))
    return np.asarray(np.rint(values * scale / (lengths + floor)))
