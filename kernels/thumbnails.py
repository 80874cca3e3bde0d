"""Small luma pictures: thumbnails of runs, fine enough to be laid onto a query, and luma grids.

A luma grid has a few cells of every frame. Descriptors are too coarse for what moves in a scene
that hardly does; the grids of a shot show it, and so the moment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.grids import WHOLE, Grids
from mitate.kernels.jit import jit
from mitate.kernels.signature import THUMB_COLS, THUMB_ROWS

SAME_LUMA = 1  # by which cells of grids may differ that are kept once

# Of Y in full-range R'G'B' (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


def thumbnails(
    grids: Grids,
    numbers: npt.NDArray[np.int64],  # (n,) increasing, of pictures in `grids`
    rows: int = THUMB_ROWS,
    cols: int = THUMB_COLS,
) -> npt.NDArray[np.uint8]:
    """Return the thumbnails of chosen pictures, (n, rows, cols).

    A picture with fewer samples than cells repeats them.
    """
    return _luma(_filled(grids.rgb_means_of(numbers, WHOLE, rows, cols)))


def luma_starts(
    lumas: npt.NDArray[np.uint8],  # (n, rows, cols) of consecutive frames
    current: npt.NDArray[np.uint8] | None = None,  # (rows, cols) that the frames before share
) -> npt.NDArray[np.int64]:
    """Return the numbers of the frames whose luma grid is not that of the frames before.

    Grids are the same within SAME_LUMA everywhere, which encoding a still picture may change.
    """
    begins = np.zeros(len(lumas), np.bool_)
    if len(lumas):
        first = lumas[0] if current is None else current
        begins[0] = current is None
        _mark(lumas.reshape(len(lumas), -1), np.ascontiguousarray(first).reshape(-1), begins)
    return np.flatnonzero(begins)


@jit
def _mark(
    lumas: npt.NDArray[np.uint8], first: npt.NDArray[np.uint8], begins: npt.NDArray[np.bool_]
) -> None:
    current = first
    for i in range(len(lumas)):
        largest = 0
        for j in range(len(current)):
            largest = max(largest, abs(int(lumas[i, j]) - int(current[j])))
        if largest > SAME_LUMA:
            begins[i] = True
        if begins[i]:
            current = lumas[i]


def thumbnails_with_holes(
    grids: Grids,
    numbers: npt.NDArray[np.int64],  # (n,) increasing
    rows: int = THUMB_ROWS,
    cols: int = THUMB_COLS,
) -> npt.NDArray[np.uint8]:
    """Return the same with cells black that have no samples, as a GPU leaves them."""
    return _luma(np.nan_to_num(grids.rgb_means_of(numbers, WHOLE, rows, cols)))


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
