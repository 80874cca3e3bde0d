"""Distances between descriptors and between searched vectors; smaller is nearer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.kernels.layout import Floats, Layouts

# Weights of LIRE and MPEG-7: low frequencies count more.
LIRE_WEIGHTS = np.array([2, 2, 2] + [1] * 18 + [2, 1, 1, 1, 1, 1] + [4, 2, 2, 1, 1, 1], np.int32)


def lire_distance(
    a: Layouts,  # (..., 33)
    b: Layouts,  # (..., 33), broadcast against `a`
) -> Floats:
    """Return LIRE's distance of 21/6/6 descriptors: one root per channel, added up.

    It is a metric. Under 8 is a copy with high confidence, 20 and more is another picture.
    """
    difference = np.subtract(a, b, dtype=np.int32)
    weighted = LIRE_WEIGHTS * difference * difference
    luma, cb, cr = (
        np.sqrt(weighted[..., part].sum(axis=-1).astype(np.float64))
        for part in (slice(0, 21), slice(21, 27), slice(27, 33))
    )
    distance: Floats = luma + cb + cr
    return distance


def squared_l2(
    a: npt.NDArray[Any],  # (..., d) of integers
    b: npt.NDArray[Any],  # (..., d), broadcast against `a`
) -> npt.NDArray[np.int32]:
    """Return the integer squared Euclidean distance of descriptors or of searched vectors."""
    difference = np.subtract(a, b, dtype=np.int32)
    return np.asarray((difference * difference).sum(axis=-1, dtype=np.int32))
