"""Exact integer sums of a picture's samples over a grid of cells.

Sample x of a line of n belongs to cell floor(x * cells / n), so cell i starts at
ceil(i * n / cells). Sums of integers do not depend on the order of addition: every implementation
gives the same bits. Pass whole padded buffers with a rectangle, never a cropped view.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Counts = npt.NDArray[np.int64]

# Lines added up in 32 bits before they are carried over: 65536 * 65535 < 2^32.
_LINES = 65536


def edges(length: int, cells: int) -> Counts:
    """Return the cells + 1 edges that divide `length` samples; cell i is edges[i]..edges[i+1]-1."""
    return -(-np.arange(cells + 1, dtype=np.int64) * length // cells)


def cell_counts(width: int, height: int, rows: int, cols: int) -> Counts:
    """Return the number of samples in each cell of a width x height plane, (rows, cols)."""
    return np.outer(np.diff(edges(height, rows)), np.diff(edges(width, cols)))


def cell_sums(
    plane: Samples,  # (lines, stride), C-contiguous; stride counts samples of all channels
    left: int,  # the rectangle, in samples of one channel
    top: int,
    right: int,
    bottom: int,
    rows: int,
    cols: int,
    channels: int = 1,
) -> Counts:
    """Return the sum of the samples in each cell of a rectangle.

    Returns:
        int64, (rows, cols), or (rows, cols, channels) for interleaved channels. A cell without
        samples (a side shorter than the grid) has sum 0.

    Raises:
        ValueError: the plane is of another dtype or layout, or the rectangle is not within it.
    """
    _check(plane, (left, top, right, bottom), rows, cols, channels)
    x_edges, y_edges = _edges_between(left, right, cols), _edges_between(top, bottom, rows)
    sums = np.zeros((rows, cols, channels), np.int64)
    _add_cells(plane, x_edges, y_edges, sums)
    return sums if channels > 1 else sums[:, :, 0]


def cell_sums_numpy(
    plane: Samples,
    left: int,
    top: int,
    right: int,
    bottom: int,
    rows: int,
    cols: int,
    channels: int = 1,
) -> Counts:
    """Return what `cell_sums` returns, in plain NumPy."""
    _check(plane, (left, top, right, bottom), rows, cols, channels)
    x_edges, y_edges = _edges_between(left, right, cols), _edges_between(top, bottom, rows)
    sums = np.zeros((rows, cols, channels), np.int64)
    for row in range(rows):
        lines = plane[y_edges[row] : y_edges[row + 1]]
        for col in range(cols):
            cell = lines[:, x_edges[col] * channels : x_edges[col + 1] * channels]
            sums[row, col] = cell.reshape(-1, channels).sum(axis=0, dtype=np.int64)
    return sums if channels > 1 else sums[:, :, 0]


def cell_means(
    sums: Counts,  # (rows, cols) or (rows, cols, channels)
    counts: Counts,  # (rows, cols)
) -> npt.NDArray[np.float64]:
    """Return the mean of each cell in the shape of `sums`; NaN where a cell has no samples."""
    counts = counts if sums.ndim == 2 else counts[:, :, None]
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


@lru_cache(maxsize=1024)
def _edges_between(first: int, stop: int, cells: int) -> Counts:
    shifted = first + edges(stop - first, cells)
    shifted.flags.writeable = False
    return shifted


@jit
def _add_cells(  # noqa: C901 - four nested loops are one step here
    plane: Any, x_edges: Counts, y_edges: Counts, sums: Counts
) -> None:
    rows, cols, channels = sums.shape
    first, stop = x_edges[0] * channels, x_edges[cols] * channels
    columns = np.zeros(stop - first, np.uint32)
    for row in range(rows):
        for start in range(y_edges[row], y_edges[row + 1], _LINES):
            end = min(start + _LINES, y_edges[row + 1])
            columns[:] = 0
            for y in range(start, end - 1, 2):
                one, two = plane[y, first:stop], plane[y + 1, first:stop]
                for x in range(len(columns)):
                    columns[x] += np.uint32(one[x]) + np.uint32(two[x])
            if (end - start) % 2:
                one = plane[end - 1, first:stop]
                for x in range(len(columns)):
                    columns[x] += np.uint32(one[x])
            if channels == 1:
                for col in range(cols):
                    total = np.uint64(0)
                    for value in columns[x_edges[col] - first : x_edges[col + 1] - first]:
                        total += value
                    sums[row, col, 0] += np.int64(total)
            else:
                for col in range(cols):
                    for x in range(
                        x_edges[col] * channels - first, x_edges[col + 1] * channels - first
                    ):
                        sums[row, col, x % channels] += columns[x]


def check_rect(plane: Samples, rect: tuple[int, int, int, int], channels: int = 1) -> None:
    """Raise ValueError unless `rect` lies within a plane that can be added up."""
    if plane.dtype.char not in "BH" or not plane.dtype.isnative:
        raise ValueError(f"samples of dtype {plane.dtype}; uint8 and uint16 are allowed")
    if plane.ndim != 2 or not plane.flags.c_contiguous:
        raise ValueError(f"plane of shape {plane.shape} must be 2-D and C-contiguous")
    left, top, right, bottom = rect
    width, height = plane.shape[1] // channels, plane.shape[0]
    if not (0 <= left <= right <= width and 0 <= top <= bottom <= height):
        raise ValueError(f"rectangle {rect} is not within a plane of {width}x{height} samples")


def _check(
    plane: Samples, rect: tuple[int, int, int, int], rows: int, cols: int, channels: int
) -> None:
    if rows < 1 or cols < 1 or channels < 1:
        raise ValueError(f"grid of {rows} x {cols} x {channels}; each must be at least 1")
    check_rect(plane, rect, channels)
