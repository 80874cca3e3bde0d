"""Whether two frames show the same picture, decided by their pixels and by no method under test.

Both are reduced to 64x36 cells, and one is brought to the other's brightness and contrast, channel
by channel, as transfers of one film differ in them. They show the same where hardly any cell
differs visibly then: codec noise and another grading pass; a moved figure, a pan or another drawing
does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.quality.pictures import Pixels

VISIBLE = 16  # levels of 255 by which a cell must differ in some channel to count
SAME_SHARE = 0.02  # of the cells may differ in frames that count as the same
ALIKE_SHARE = 0.10  # and in frames too alike for either to be a negative of the other
SHARED_SHARE = 0.40  # and in frames that share the set and most of the drawing
FLAT_DEVIATION = 8.0  # levels; a picture whose luma deviates less holds nothing to recognise

_LEAST_CORRELATION = 0.85  # of luma, below which pictures are not even compared
_GAINS = (0.5, 2.0)  # contrast that may be evened out


def differing(
    thumbs: NDArray[np.uint8],  # (n, 36, 64, 3)
    other: Pixels,  # (36, 64, 3)
) -> NDArray[np.float64]:
    """Return the share of cells that differ visibly once tone is evened out, (n,)."""
    if not len(thumbs):
        return np.zeros(0)
    theirs = thumbs.reshape(len(thumbs), -1, 3).astype(np.float64)
    mine = other.reshape(1, -1, 3).astype(np.float64)
    theirs_mean, mine_mean = (values.mean(axis=1, keepdims=True) for values in (theirs, mine))
    theirs, mine = theirs - theirs_mean, mine - mine_mean
    power = np.maximum((theirs * theirs).sum(axis=1, keepdims=True), 1.0)
    gain = np.clip((theirs * mine).sum(axis=1, keepdims=True) / power, *_GAINS)
    apart = np.abs(theirs * gain - mine).max(axis=2) > VISIBLE
    return np.asarray(apart.mean(axis=1))


def same(
    thumbs: NDArray[np.uint8],  # (n, 36, 64, 3)
    other: Pixels,  # (36, 64, 3)
) -> NDArray[np.bool_]:
    """Tell which thumbs show the same picture as another, (n,)."""
    found: NDArray[np.bool_] = _unit(thumbs) @ _unit(other[None])[0] >= _LEAST_CORRELATION
    found[found] = differing(thumbs[found], other) <= SAME_SHARE
    return found


def likeness(
    thumbs: NDArray[np.uint8],  # (n, 36, 64, 3)
    others: NDArray[np.uint8],  # (m, 36, 64, 3)
) -> NDArray[np.float32]:
    """Return the correlation of luma of every two, (n, m)."""
    return np.asarray(_unit(thumbs) @ _unit(others).T)


def is_flat(picture: Pixels) -> bool:
    """Tell whether a picture is black, white or nearly of one colour."""
    return bool(picture.mean(axis=2).std() < FLAT_DEVIATION)


class Lookup:
    """Finds frames alike among many, first by correlation of luma, then cell by cell."""

    def __init__(self, thumbs: NDArray[np.uint8]) -> None:  # (n, 36, 64, 3)
        self._thumbs = thumbs
        self._units = _unit(thumbs)

    def closest(self, thumb: Pixels, allowed: NDArray[np.bool_] | None = None) -> tuple[int, float]:
        """Return the number of the closest frame and its share of differing cells; -1 and 1.0."""
        near = self._units @ _unit(thumb[None])[0] >= _LEAST_CORRELATION
        rows = np.flatnonzero(near if allowed is None else near & allowed)
        if not len(rows):
            return -1, 1.0
        shares = differing(self._thumbs[rows], thumb)
        return int(rows[shares.argmin()]), float(shares.min())


def _unit(thumbs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return luma without its mean, of length 1, (n, cells)."""
    luma = thumbs.reshape(len(thumbs), -1, 3).mean(axis=2, dtype=np.float32)
    luma -= luma.mean(axis=1, keepdims=True)
    return np.asarray(luma / np.maximum(np.linalg.norm(luma, axis=1, keepdims=True), 1e-3))
