"""Pictures reduced to one fine grid: exact sums of native samples, then means of RGB.

The blocks of the whole picture, those of every window and the cells of the small picture are unions
of its cells, so one pass over the samples serves all of them, and all sums are exact.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.blocks import cell_counts, cell_sums
from mitate.kernels.borders import Rect
from mitate.kernels.colour import Colour, rgb_means
from mitate.kernels.decode import Picture, Plane
from mitate.kernels.fine_sums import PlaneSums
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


class _Plan(NamedTuple):
    """How pictures of one kind are added up."""

    geometry: _Geometry
    parts: tuple[Rect, ...]
    planes: tuple[PlaneSums, ...]  # empty where planes are packed or their sums too large


class Grids:
    """Grids of up to `capacity` pictures, which may differ in size, colour and rotation."""

    def __init__(self, capacity: int) -> None:
        self._fine: npt.NDArray[Any] = np.zeros((capacity, 3, FINE_CELLS, FINE_CELLS), np.uint32)
        self._whole = np.zeros((capacity, 3, CELLS, CELLS), np.int64)
        self._groups: list[tuple[int, _Geometry]] = []
        self._last: tuple[tuple[object, ...], _Plan] | None = None  # kind of picture, its plan
        self._n = 0

    def __len__(self) -> int:
        """Pictures added since the last `clear`."""
        return self._n

    def add(self, picture: Picture, rect: Rect) -> None:
        """Add up the samples of the part `rect` of a picture, in pixels of the picture."""
        plan = self._plan(picture, rect)
        if plan.planes:
            for channel, (sums, plane) in enumerate(zip(plan.planes, picture.planes, strict=True)):
                fine, whole = self._fine[self._n, channel], self._whole[self._n, channel]
                sums.add(plane.buffer, fine, whole)
        else:
            self._add_any(picture, plan.parts)
        if not self._groups or self._groups[-1][1] != plan.geometry:
            self._groups.append((self._n, plan.geometry))
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
            turns = geometry.rotation // 90
            sums = self._blocks(numbers[mine], window, rows, cols, turns)
            counts = _counts(geometry, window, rows, cols)
            means[mine] = rgb_means(_divided(sums, counts), geometry.colour)
        return means

    def clear(self) -> None:
        """Forget the pictures."""
        self._groups.clear()
        self._n = 0

    def _plan(self, picture: Picture, rect: Rect) -> _Plan:
        shapes = [(p.buffer.shape, p.buffer.dtype.char, p.width) for p in picture.planes]
        kind = (picture.colour, picture.rotation, picture.width, picture.height, rect, shapes)
        if self._last is None or self._last[0] != kind:
            self._last = kind, _plan(picture, rect)
        return self._last[1]

    def _add_any(self, picture: Picture, parts: tuple[Rect, ...]) -> None:
        """Add up a picture of packed planes, or of sums that need more than 32 bits."""
        cells = [
            cell_sums(plane.buffer, *part, FINE_CELLS, FINE_CELLS, plane.channels)
            for plane, part in zip(picture.planes, parts, strict=True)
        ]
        sums = cells[0].transpose(2, 0, 1) if cells[0].ndim == 3 else np.stack(cells)
        if sums.max() >= 2**32 and self._fine.dtype == np.uint32:
            self._fine = self._fine.astype(np.int64)
        per = FINE_CELLS // CELLS
        self._fine[self._n, : len(sums)] = sums
        self._whole[self._n, : len(sums)] = sums.reshape(-1, CELLS, per, CELLS, per).sum((2, 4))

    def _blocks(self, numbers: Sums, window: Rect, rows: int, cols: int, turns: int) -> Sums:
        """Return sums of blocks of the upright pictures, (n, rows, cols, 3)."""
        if (window, rows, cols) == (WHOLE, CELLS, CELLS):
            return np.rot90(self._whole[numbers], turns, axes=(2, 3)).transpose(0, 2, 3, 1)
        upright = np.rot90(self._fine, turns, axes=(2, 3))
        return _block_sums(upright, numbers, window, rows, cols)


def part_of_plane(plane: Plane, picture: Picture, rect: Rect) -> Rect:
    """Return the samples of a plane, which may be of reduced size, that show part of a picture."""
    columns, rows = plane.width, plane.buffer.shape[0]
    left, right = part_of_line(columns, picture.width, rect.left, rect.right)
    top, bottom = part_of_line(rows, picture.height, rect.top, rect.bottom)
    return Rect(left, top, right, bottom)


def scale_rect(rect: Rect, width: int, height: int, picture: Picture) -> Rect:
    """Return the part of a picture that `rect` is of one of width x height pixels."""
    if (picture.width, picture.height) == (width, height):
        return rect
    left, right = (x * picture.width // width for x in (rect.left, rect.right))
    top, bottom = (y * picture.height // height for y in (rect.top, rect.bottom))
    return Rect(left, top, max(right, left + 1), max(bottom, top + 1))


def part_of_line(samples: int, pixels: int, first: int, stop: int) -> tuple[int, int]:
    """Return the samples of a line, maybe fewer than pixels, that show pixels first..stop - 1."""
    if samples == pixels:
        return first, stop
    step = -(-pixels // samples)
    return first // step, samples if stop == pixels else min(-(-stop // step), samples)


def _plan(picture: Picture, rect: Rect) -> _Plan:
    parts = tuple(part_of_plane(plane, picture, rect) for plane in picture.planes)
    sizes = tuple((part.width, part.height) for part in parts)
    geometry = _Geometry(picture.colour, picture.rotation, sizes)
    if any(plane.channels > 1 for plane in picture.planes):
        return _Plan(geometry, parts, ())
    planes = tuple(
        PlaneSums(plane.buffer, part, FINE_CELLS)
        for plane, part in zip(picture.planes, parts, strict=True)
    )
    small = all(sums.fits_32_bits for sums in planes)
    return _Plan(geometry, parts, planes if small else ())


def _divided(sums: Sums, counts: Sums) -> npt.NDArray[np.float64]:
    """Return means, NaN where nothing was counted."""
    if counts.all():
        return np.asarray(sums / counts)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _block_sums(fine: npt.NDArray[Any], numbers: Sums, window: Rect, rows: int, cols: int) -> Sums:
    """Add up the cells of each block of a window of chosen pictures, (n, rows, cols, channels)."""
    sums = np.zeros((len(numbers), rows, cols, fine.shape[1]), np.int64)
    _add_blocks(fine, numbers, window.top, window.left, window.height, window.width, sums)
    return sums


@jit
def _add_blocks(
    fine: Any, numbers: Sums, top: int, left: int, height: int, width: int, sums: Sums
) -> None:
    n, rows, cols, channels = sums.shape
    high, wide = height // rows, width // cols
    band = np.empty(cols * wide, np.int64)
    for i in range(n):
        for channel in range(channels):
            for row in range(rows):
                y = top + row * high
                band[:] = 0
                for line in fine[numbers[i], channel, y : y + high, left : left + cols * wide]:
                    for x in range(cols * wide):
                        band[x] += np.int64(line[x])
                for col in range(cols):
                    total = np.int64(0)
                    for x in range(col * wide, (col + 1) * wide):
                        total += band[x]
                    sums[i, row, col, channel] = total


@lru_cache(maxsize=256)
def _counts(geometry: _Geometry, window: Rect, rows: int, cols: int) -> Sums:
    """Return the samples in each block of an upright picture, (1, rows, cols, 3)."""
    counts = [
        cell_counts(width, height, FINE_CELLS, FINE_CELLS) for width, height in geometry.sizes
    ]
    fine = np.stack(counts * 3 if len(counts) == 1 else counts)
    upright = np.rot90(fine, geometry.rotation // 90, axes=(1, 2))
    blocks = _block_sums(upright[None], np.zeros(1, np.int64), window, rows, cols)
    blocks.flags.writeable = False
    return blocks
