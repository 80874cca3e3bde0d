"""Whether two frames show the same picture, decided by their pixels and by no method under test.

Both are reduced to 64x36 cells. They show the same where hardly any cell differs visibly: codec
noise passes, a moved figure, a pan or another drawing does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.quality.pictures import Pixels

VISIBLE = 16  # levels of 255 by which a cell must differ in some channel to count
SAME_SHARE = 0.01  # of the cells may differ in frames that count as the same
ALIKE_SHARE = 0.10  # and in frames too alike for either to be a fair negative of the other
FLAT_DEVIATION = 8.0  # levels; a frame whose luma deviates less holds nothing to recognise

_COARSE = 4  # cells of a thumb that are averaged to find candidates
_COARSE_SLACK = 30.0  # levels by which averages may differ
_COARSE_SHARE = 0.2  # of the averages that may differ by more


def differing(
    thumbs: NDArray[np.uint8],  # (n, 36, 64, 3)
    other: Pixels,  # (36, 64, 3)
) -> NDArray[np.float64]:
    """Return the share of cells that differ visibly, (n,)."""
    apart = np.abs(thumbs.astype(np.int16) - other).max(axis=3) > VISIBLE
    return np.asarray(apart.mean(axis=(1, 2)))


def same(one: Pixels, other: Pixels) -> bool:
    """Tell whether two thumbs show the same picture."""
    return bool(differing(one[None], other)[0] <= SAME_SHARE)


def is_flat(picture: Pixels) -> bool:
    """Tell whether a picture is black, white or nearly of one colour."""
    return bool(picture.mean(axis=2).std() < FLAT_DEVIATION)


class Lookup:
    """Finds frames alike among many, first by means of 4x4 cells, then cell by cell."""

    def __init__(self, thumbs: NDArray[np.uint8]) -> None:  # (n, 36, 64, 3)
        self._thumbs = thumbs
        self._coarse = _coarse(thumbs)

    def closest(self, thumb: Pixels, allowed: NDArray[np.bool_] | None = None) -> tuple[int, float]:
        """Return the number of the closest frame and its share of differing cells; -1 and 1.0."""
        apart = np.abs(self._coarse - _coarse(thumb[None])) > _COARSE_SLACK
        near = apart.mean(axis=(1, 2, 3)) <= _COARSE_SHARE
        rows = np.flatnonzero(near if allowed is None else near & allowed)
        if not len(rows):
            return -1, 1.0
        shares = differing(self._thumbs[rows], thumb)
        return int(rows[shares.argmin()]), float(shares.min())


def _coarse(thumbs: NDArray[np.uint8]) -> NDArray[np.float32]:
    n, height, width, channels = thumbs.shape
    cells = thumbs.reshape(n, height // _COARSE, _COARSE, width // _COARSE, _COARSE, channels)
    return np.asarray(cells.mean(axis=(2, 4)), np.float32)
