"""Pictures reduced to one fine grid: exact sums of native samples, then means of RGB.

The blocks of the whole picture, those of every window and the cells of the small picture are unions
of its cells, so one pass over the samples serves all of them, and all sums are exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.blocks import cell_counts, cell_sums
from mitate.kernels.borders import Rect
from mitate.kernels.colour import Colour, rgb_means
from mitate.kernels.decode import Picture, Plane
from mitate.kernels.jit import jit

Sums = npt.NDArray[np.int64]

CELLS = 8  # along each side of what a descriptor describes
FINE_CELLS = 80
WHOLE = Rect(0, 0, FINE_CELLS, FINE_CELLS)


class _Geometry(NamedTuple):
    """What pictures must share for their sums to be divided together."""

    colour: Colour
    rotation: int
    sizes: tuple[tuple[int, int], ...]  # width and height of each plane's part


class Grids:
    """Grids of up to `capacity` pictures, which may differ in size, colour and rotation."""

    def __init__(self, capacity: int) -> None:
        self._sums = np.zeros((capacity, FINE_CELLS, FINE_CELLS, 3), np.int64)
        self._groups: list[tuple[int, _Geometry]] = []
        self._n = 0

    def __len__(self) -> int:
        """Pictures added since the last `clear`."""
        return self._n

    def add(self, picture: Picture, rect: Rect) -> None:
        """Add up the samples of the part `rect` of a picture, in pixels of the picture."""
        parts = [part_of_plane(plane, picture, rect) for plane in picture.planes]
        for channel, (plane, part) in enumerate(zip(picture.planes, parts, strict=True)):
            sums = cell_sums(plane.buffer, *part, FINE_CELLS, FINE_CELLS, plane.channels)
            if plane.channels == 1:
                self._sums[self._n, :, :, channel] = sums
            else:
                self._sums[self._n] = sums
        sizes = tuple((part.width, part.height) for part in parts)
        geometry = _Geometry(picture.colour, picture.rotation, sizes)
        if not self._groups or self._groups[-1][1] != geometry:
            self._groups.append((self._n, geometry))
        self._n += 1

    def rgb_means(
        self,
        window: Rect = WHOLE,  # of the upright pictures, in cells of the fine grid
        rows: int = CELLS,  # blocks that the window is divided into; they must fit
        cols: int = CELLS,
    ) -> npt.NDArray[np.float64]:
        """Return the means of blocks of every picture, (n, rows, cols, 3) of 0..255.

        They are NaN where a block has no samples.
        """
        return self.rgb_means_of(np.arange(self._n), window, rows, cols)

    def rgb_means_of(
        self,
        numbers: npt.NDArray[np.int64],  # (n,) increasing, of pictures
        window: Rect = WHOLE,
        rows: int = CELLS,
        cols: int = CELLS,
    ) -> npt.NDArray[np.float64]:
        """Return what `rgb_means` returns, of chosen pictures."""
        means = np.empty((len(numbers), rows, cols, 3))
        stops = [first for first, _ in self._groups[1:]] + [self._n]
        for (first, geometry), stop in zip(self._groups, stops, strict=True):
            mine = slice(*np.searchsorted(numbers, (first, stop)))
            upright = np.rot90(self._sums, geometry.rotation // 90, axes=(1, 2))
            sums = _blocks(upright, numbers[mine], window, rows, cols)
            counts = np.rot90(_counts(geometry)[None], geometry.rotation // 90, axes=(1, 2))
            counts = _blocks(counts, np.zeros(1, np.int64), window, rows, cols)
            native = np.full((len(sums), *counts.shape[1:]), np.nan)
            np.divide(sums, counts, out=native, where=counts > 0)
            means[mine] = rgb_means(native, geometry.colour)
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


def _blocks(fine: Sums, numbers: Sums, window: Rect, rows: int, cols: int) -> Sums:
    """Add up the cells of each block of a window of chosen pictures, (n, rows, cols, channels)."""
    sums = np.zeros((len(numbers), rows, cols, fine.shape[3]), np.int64)
    _add_blocks(fine, numbers, window.top, window.left, window.height, window.width, sums)
    return sums


@jit
def _add_blocks(
    fine: Sums, numbers: Sums, top: int, left: int, height: int, width: int, sums: Sums
) -> None:
    n, rows, cols, channels = sums.shape
    high, wide = height // rows, width // cols
    for i in range(n):
        picture = fine[numbers[i], top : top + height, left : left + width]
        for row in range(rows):
            for col in range(cols):
                block = picture[row * high : (row + 1) * high, col * wide : (col + 1) * wide]
                for channel in range(channels):
                    total = np.int64(0)
                    for y in range(high):
                        for value in block[y, :, channel]:
                            total += value
                    sums[i, row, col, channel] = total


def _counts(geometry: _Geometry) -> npt.NDArray[np.int64]:
    """Return the samples per cell of the fine grid, with a last axis of 3, or of 1 for all."""
    counts = [
        cell_counts(width, height, FINE_CELLS, FINE_CELLS) for width, height in geometry.sizes
    ]
    repeated = counts * 3 if len(counts) == 1 else counts
    return np.stack(repeated, axis=2)
