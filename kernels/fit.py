"""How one thumbnail lies on a view: the alignment that `fine.agreements` finds, told in full."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.fine import (
    _NOISE,
    _RADIUS,
    _STEPS,
    Floats,
    _agree_all,
    _align_all,
    _normalise,
    _parts,
    _places,
)


class Fit(NamedTuple):
    """How one thumbnail lies on a view."""

    agreement: float
    parts: tuple[float, ...]  # in the order of PARTS
    overlap: float  # share of the view that lies within the reference
    place: Floats  # (5,) middle, width, height of the view on the reference, 0..1; radians
    aspect: float  # of the view, width by height
    shown: Floats  # (rows, cols) luma of the thumbnail as it lies on the view
    there: npt.NDArray[np.bool_]  # (rows, cols) where it has any

    @property
    def corners(self) -> Floats:
        """Where the corners of the view lie on the reference, (4, 2) x and y, clockwise."""
        x, y, width, height, angle = self.place
        u, v = np.array([-0.5, 0.5, 0.5, -0.5]), np.array([-0.5, -0.5, 0.5, 0.5])
        across = u * np.cos(angle) - v / self.aspect * np.sin(angle)
        down = u * self.aspect * np.sin(angle) + v * np.cos(angle)
        return np.stack((x + width * across, y + height * down), axis=1)


def fit(
    grid: npt.NDArray[np.float32],  # (rows, cols) luma of the view
    aspect: float,  # of the view, width by height
    thumbnail: npt.NDArray[np.uint8],
    window: Floats,  # (4,) as `agreements` takes them
) -> Fit:
    """Align one thumbnail with one view as `agreements` does, and tell how."""
    luma, place = np.asarray(grid, np.float64), _places(window[None])
    normalised, found, one = np.zeros_like(luma), np.zeros(1), np.zeros(1, np.int64)
    _normalise(luma, np.ones(luma.shape, np.bool_), normalised, _RADIUS, _NOISE)
    grids = luma[None], normalised[None], np.full(1, aspect), one, thumbnail[None], place
    _agree_all(*grids, found)
    _align_all(*grids, one, _STEPS, found)
    shown, there = np.zeros(luma.shape), np.zeros(luma.shape, np.bool_)
    parts, overlap = _parts(luma, normalised, thumbnail, place[0], aspect, shown, there)
    return Fit(float(found[0]), tuple(parts.tolist()), overlap, place[0], aspect, shown, there)
