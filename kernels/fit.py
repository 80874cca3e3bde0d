"""How one thumbnail lies on a view: the alignment that `fine.agreements` finds, told in full."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.agreement import Floats, agreement_parts
from mitate.kernels.fine import align, places_of, prepare


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
    aspects, one = np.full(1, aspect), np.zeros(1, np.int64)
    compared = prepare(grid[None], aspects, one, thumbnail[None], places_of(window[None]))
    (agreement,) = align(compared)
    (view,), (place,) = compared.views, compared.places
    luma, normalised = compared.luma[view], compared.normalised[view]
    shown, there = np.zeros(luma.shape), np.zeros(luma.shape, np.bool_)
    parts, overlap = agreement_parts(luma, normalised, thumbnail, place, aspect, shown, there)
    return Fit(float(agreement), tuple(parts.tolist()), overlap, place, aspect, shown, there)
