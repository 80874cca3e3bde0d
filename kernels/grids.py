"""Pictures reduced to 8x8 grids: exact sums of native samples, then means of RGB."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.blocks import cell_counts, cell_sums
from mitate.kernels.borders import Rect
from mitate.kernels.colour import Colour, rgb_means
from mitate.kernels.decode import Picture, Plane

CELLS = 8


class _Geometry(NamedTuple):
    """What pictures must share for their sums to be divided together."""

    colour: Colour
    rotation: int
    sizes: tuple[tuple[int, int], ...]  # width and height of each plane's part


class Grids:
    """Grids of up to `capacity` pictures, which may differ in size, colour and rotation."""

    def __init__(self, capacity: int) -> None:
        self._sums = np.zeros((capacity, CELLS, CELLS, 3), np.int64)
        self._groups: list[tuple[int, _Geometry]] = []
        self._n = 0

    def __len__(self) -> int:
        """Pictures added since the last `clear`."""
        return self._n

    def add(self, picture: Picture, rect: Rect) -> None:
        """Add up the samples of the part `rect` of a picture, in pixels of the picture."""
        parts = [part_of_plane(plane, picture, rect) for plane in picture.planes]
        for channel, (plane, part) in enumerate(zip(picture.planes, parts, strict=True)):
            sums = cell_sums(plane.buffer, *part, CELLS, CELLS, plane.channels)
            if plane.channels == 1:
                self._sums[self._n, :, :, channel] = sums
            else:
                self._sums[self._n] = sums
        sizes = tuple((part.width, part.height) for part in parts)
        geometry = _Geometry(picture.colour, picture.rotation, sizes)
        if not self._groups or self._groups[-1][1] != geometry:
            self._groups.append((self._n, geometry))
        self._n += 1

    def rgb_means(self) -> npt.NDArray[np.float64]:
        """Return the upright means, (n, 8, 8, 3) of 0..255; NaN where a cell has no samples."""
        means = np.empty((self._n, CELLS, CELLS, 3))
        stops = [first for first, _ in self._groups[1:]] + [self._n]
        for (first, geometry), stop in zip(self._groups, stops, strict=True):
            counts = _counts(geometry)
            native = np.full((stop - first, *counts.shape), np.nan)
            np.divide(self._sums[first:stop], counts, out=native, where=counts > 0)
            upright = np.rot90(native, geometry.rotation // 90, axes=(1, 2))
            means[first:stop] = rgb_means(upright, geometry.colour)
        return means

    def clear(self) -> None:
        """Forget the pictures."""
        self._groups.clear()
        self._n = 0


def part_of_plane(plane: Plane, picture: Picture, rect: Rect) -> Rect:
    """Return the samples of a plane, which may be of reduced size, that show part of a picture."""
    columns, rows = plane.width, plane.buffer.shape[0]
    left, right = _part_of_line(columns, picture.width, rect.left, rect.right)
    top, bottom = _part_of_line(rows, picture.height, rect.top, rect.bottom)
    return Rect(left, top, right, bottom)


def scale_rect(rect: Rect, width: int, height: int, picture: Picture) -> Rect:
    """Return the part of a picture that `rect` is of one of width x height pixels."""
    if (picture.width, picture.height) == (width, height):
        return rect
    left, right = (x * picture.width // width for x in (rect.left, rect.right))
    top, bottom = (y * picture.height // height for y in (rect.top, rect.bottom))
    return Rect(left, top, max(right, left + 1), max(bottom, top + 1))


def _part_of_line(samples: int, pixels: int, first: int, stop: int) -> tuple[int, int]:
    if samples == pixels:
        return first, stop
    step = -(-pixels // samples)
    return first // step, samples if stop == pixels else min(-(-stop // step), samples)


def _counts(geometry: _Geometry) -> npt.NDArray[np.int64]:
    """Return the samples per cell, (8, 8, 3), or (8, 8, 1) where one count holds for all."""
    counts = [cell_counts(width, height, CELLS, CELLS) for width, height in geometry.sizes]
    repeated = counts * 3 if len(counts) == 1 else counts
    return np.stack(repeated, axis=2)
