"""A queried picture at a bounded size, of which any part has its block means at little cost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.blocks import cell_counts, cell_means, cell_sums
from mitate.kernels.borders import Rect
from mitate.kernels.colour import rgb_means
from mitate.kernels.decode import Picture
from mitate.kernels.decode_pillow import turned
from mitate.kernels.grids import CELLS
from mitate.kernels.thumbnails import luma_of_means

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

# Size of the small pictures of views, by which candidates are looked at closely.
GRID_ROWS, GRID_COLS = 18, 32
# Longer side to which pictures are reduced before boxes and views are cut from them.
LONGEST_SIDE = 384


class Canvas:
    """A picture reduced to a bounded size, of which any part has its means at little cost."""

    def __init__(self, pixels: Pixels, whole: Rect) -> None:
        self.pixels = pixels  # (h, w, 3) RGB
        self.whole = whole  # of the picture that parts are named in
        self._sums = _integral(pixels)
        self.scale = pixels.shape[1] / whole.width, pixels.shape[0] / whole.height

    def means(self, rect: Rect, rows: int = CELLS, cols: int = CELLS) -> Floats:
        """Return the means of the blocks of a part, (rows, cols, 3)."""
        return _means(self._sums, _scaled(rect, *self.scale), rows, cols)

    def luma(self, rect: Rect) -> Floats:
        """Return the small picture of a part."""
        return luma_of_means(self.means(rect, GRID_ROWS, GRID_COLS))

    def smaller(self, longest: int) -> Canvas:
        """Return the picture reduced further."""
        height, width = self.pixels.shape[:2]
        scale = min(1.0, longest / max(width, height))
        rows, cols = max(1, round(height * scale)), max(1, round(width * scale))
        return Canvas(_rounded(self.means(self.whole, rows, cols)), self.whole)

    def turned(self, degrees: float) -> tuple[Canvas, Rect]:
        """Return the picture turned about its middle, and the part of it that is all there."""
        pixels = turned(self.pixels, degrees)
        width, height = self.whole.width, self.whole.height
        sin, cos = abs(np.sin(np.deg2rad(degrees))), np.cos(np.deg2rad(degrees))
        shrink = 1 / max(cos + sin * height / width, cos + sin * width / height)
        x, y = (round(side * (1 - shrink) / 2) for side in (width, height))
        return Canvas(pixels, self.whole), Rect(x, y, width - x, height - y)


def reduced(picture: Picture) -> Pixels:
    """Return the picture as RGB, (h, w, 3), with sides of at most LONGEST_SIDE."""
    scale = min(1.0, LONGEST_SIDE / max(picture.width, picture.height))
    cols, rows = (max(1, round(side * scale)) for side in (picture.width, picture.height))
    (plane,) = picture.planes
    part = 0, 0, picture.width, picture.height
    sums = cell_sums(plane.buffer, *part, rows, cols, plane.channels).reshape(rows, cols, -1)
    means = cell_means(sums, cell_counts(picture.width, picture.height, rows, cols))
    return _rounded(rgb_means(means, picture.colour))


def _rounded(means: Floats) -> Pixels:
    return np.asarray(np.rint(means).clip(0, 255), np.uint8)


def _scaled(rect: Rect, x: float, y: float) -> tuple[float, float, float, float]:
    return rect.left * x, rect.top * y, rect.right * x, rect.bottom * y


def _integral(pixels: Pixels) -> Floats:
    """Return the sums of all pixels above and to the left, (h + 1, w + 1, 3)."""
    sums = np.pad(pixels, ((1, 0), (1, 0), (0, 0))).cumsum(axis=0, dtype=np.float64)
    return np.asarray(sums.cumsum(axis=1))


def _means(
    integral: Floats, part: tuple[float, float, float, float], rows: int, cols: int = CELLS
) -> Floats:
    """Return the means of the blocks of a part whose edges may lie within pixels."""
    left, top, right, bottom = part
    by_row = _between(integral, np.linspace(top, bottom, rows + 1))
    corners = _between(by_row.swapaxes(0, 1), np.linspace(left, right, cols + 1)).swapaxes(0, 1)
    sums = np.diff(np.diff(corners, axis=0), axis=1)
    return np.asarray(sums / ((bottom - top) / rows * (right - left) / cols))


def _between(sums: Floats, places: Floats) -> Floats:
    """Return the sums at places along the first axis, linear between whole ones."""
    first = np.minimum(places.astype(np.int64), len(sums) - 2)
    share = (places - first)[:, None, None]
    return np.asarray(sums[first] * (1 - share) + sums[first + 1] * share)
