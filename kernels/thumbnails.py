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

    A picture with fewer samples than cells repeats them.
    """
    return _luma(_filled(grids.rgb_means_of(numbers, WHOLE, THUMB_ROWS, THUMB_COLS)))


def thumbnails_with_holes(
    grids: Grids,
    numbers: npt.NDArray[np.int64],  # (n,) increasing
) -> npt.NDArray[np.uint8]:
    """Return the same with cells black that have no samples, as a GPU leaves them."""
    return _luma(np.nan_to_num(grids.rgb_means_of(numbers, WHOLE, THUMB_ROWS, THUMB_COLS)))


def _luma(means: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.rint(luma_of_means(means)).astype(np.uint8)


def _filled(
    means: npt.NDArray[np.float64],  # (n, rows, cols, 3), NaN without samples
) -> npt.NDArray[np.float64]:
    """Return means in which rows and columns without samples are their nearest neighbours."""
    for axis, others in ((1, (0, 2, 3)), (2, (0, 1, 3))):
        known = np.flatnonzero(~np.isnan(means).all(axis=others))
        if 0 < len(known) < means.shape[axis]:
            places = np.arange(means.shape[axis])
            nearest = known[np.abs(places[:, None] - known).argmin(axis=1)]
            means = np.take(means, nearest, axis=axis)
    return means


def luma_of_means(
    rgb: npt.NDArray[np.float64],  # (..., 3) of 0..255
) -> npt.NDArray[np.float64]:
    """Return the luma of RGB, (...) of 0..255."""
    red, green, blue = (rgb[..., i] * weight for i, weight in enumerate(_LUMA))
    return np.asarray(red + green + blue)
