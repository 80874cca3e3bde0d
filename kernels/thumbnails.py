"""Thumbnails: small luma pictures of runs, fine enough to be shifted and scaled onto a query."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.grids import WHOLE, Grids
from mitate.kernels.signature import THUMB_COLS, THUMB_ROWS

# Of Y in full-range R'G'B' (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


def thumbnails(
    grids: Grids,
    numbers: npt.NDArray[np.int64],  # (n,) increasing, of pictures in `grids`
) -> npt.NDArray[np.uint8]:
    """Return the thumbnails of chosen pictures, (n, THUMB_ROWS, THUMB_COLS).

    A cell without samples is black.
    """
    means = grids.rgb_means_of(numbers, WHOLE, THUMB_ROWS, THUMB_COLS)
    return np.rint(luma_of_means(np.nan_to_num(means))).astype(np.uint8)


def luma_of_means(
    rgb: npt.NDArray[np.float64],  # (..., 3) of 0..255
) -> npt.NDArray[np.float64]:
    """Return the luma of RGB, (...) of 0..255."""
    red, green, blue = (rgb[..., i] * weight for i, weight in enumerate(_LUMA))
    return np.asarray(red + green + blue)
