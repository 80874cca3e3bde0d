"""Sums of one plane over the fine grid and over its blocks, in one pass over the samples.

Lines are added up in as few bits as hold the sum, so that many samples fit into one vector
instruction; then columns are added pairwise until one is left for each cell, or, where the width
does not allow that, up to each edge. All of it is integer arithmetic: the sums are those of
`blocks.cell_sums`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.kernels.blocks import Counts, Samples, check_rect, edges
from mitate.kernels.borders import Rect
from mitate.kernels.jit import jit

# Lines of 8-bit samples whose sum is held by 16 bits.
_LINES_IN_16_BITS = 257
# From this size on planes have left the cache when they are read: line by line, memory is fastest.
_LARGE_BYTES = 1 << 17


class PlaneSums:
    """Adds up planes of one shape over the same cells."""

    def __init__(
        self,
        plane: Samples,  # (lines, stride), C-contiguous: any one of them
        part: Rect,  # the samples that count
        cells: int,  # along each side
    ) -> None:
        check_rect(plane, part)
        self.part = part
        self._first = part.left, part.top
        self._x_edges, self._y_edges = edges(part.width, cells), edges(part.height, cells)
        self._halvings = _halvings(part.width, cells)
        large = part.width * part.height * plane.itemsize >= _LARGE_BYTES
        self._lines_at_once = 1 if large else 4
        longest = int(np.diff(self._y_edges).max())
        narrow = plane.itemsize == 1 and longest <= _LINES_IN_16_BITS
        self._columns = np.empty(part.width, np.uint16 if narrow else np.uint32)
        most = longest * int(np.diff(self._x_edges).max())
        self.fits_32_bits = most * int(np.iinfo(plane.dtype).max) < 2**32

    def add(
        self,
        plane: Samples,
        fine: npt.NDArray[np.uint32],  # (cells, cells), where the sums go
        coarse: Counts,  # (blocks, blocks) likewise; blocks divides cells
    ) -> None:
        """Write the sums of the cells of a plane, and those of blocks of cells.

        Sums of 2^32 or more are cut; see `fits_32_bits`.
        """
        left, top = self._first
        _add(
            plane,
            left,
            top,
            self._x_edges,
            self._y_edges,
            self._halvings,
            self._lines_at_once,
            self._columns,
            fine,
            coarse,
        )


def _halvings(length: int, cells: int) -> int:
    """Return how often columns are added pairwise to leave 1 or 3 for each cell; 0: never."""
    per_cell, rest = divmod(length, cells)
    if rest or not per_cell:
        return 0
    halvings = (per_cell & -per_cell).bit_length() - 1
    return halvings if per_cell >> halvings in (1, 3) else 0


@jit
def _add(
    plane: Any,
    left: int,
    top: int,
    x_edges: Counts,
    y_edges: Counts,
    halvings: int,
    lines_at_once: int,
    columns: Any,
    fine: Any,
    coarse: Counts,
) -> None:
    cells, blocks = len(fine), len(coarse)
    per, n = cells // blocks, len(columns)
    pairs, band = np.empty(n // 2 + 1, np.uint32), np.empty(cells, np.int64)
    for row in range(cells):
        first, stop = top + y_edges[row], top + y_edges[row + 1]
        _add_lines(plane, left, first, stop, lines_at_once, columns)
        _add_columns(columns, x_edges, halvings, pairs, fine[row])
        if row % per == 0:
            band[:] = 0
        for col in range(cells):
            band[col] += np.int64(fine[row, col])
        if row % per == per - 1:
            for block in range(blocks):
                total = np.int64(0)
                for col in range(block * per, (block + 1) * per):
                    total += band[col]
                coarse[row // per, block] = total


@jit
def _add_lines(
    plane: Any, left: int, first: int, stop: int, lines_at_once: int, columns: Any
) -> None:
    n, y = len(columns), first
    columns[:] = 0
    while lines_at_once == 4 and y + 4 <= stop:
        a, b = plane[y, left : left + n], plane[y + 1, left : left + n]
        c, d = plane[y + 2, left : left + n], plane[y + 3, left : left + n]
        for x in range(n):
            columns[x] += (columns.dtype.type(a[x]) + columns.dtype.type(b[x])) + (
                columns.dtype.type(c[x]) + columns.dtype.type(d[x])
            )
        y += 4
    while y < stop:
        a = plane[y, left : left + n]
        for x in range(n):
            columns[x] += columns.dtype.type(a[x])
        y += 1


@jit
def _add_columns(columns: Any, x_edges: Counts, halvings: int, pairs: Any, sums: Any) -> None:
    """Add up the columns of each cell; `pairs` is room for half as many."""
    cells, n = len(sums), len(columns) // 2
    for x in range(n):
        pairs[x] = np.uint32(columns[2 * x]) + np.uint32(columns[2 * x + 1])
    if halvings == 0:
        _add_between(columns, x_edges, pairs, sums)
        return
    for _ in range(1, halvings):
        n //= 2
        for x in range(n):
            pairs[x] = pairs[2 * x] + pairs[2 * x + 1]
    if n == cells:
        sums[:] = pairs[:cells]
    else:
        for col in range(cells):
            sums[col] = pairs[3 * col] + pairs[3 * col + 1] + pairs[3 * col + 2]


@jit
def _add_between(columns: Any, x_edges: Counts, pairs: Any, sums: Any) -> None:
    """Add up the columns between edges, as differences of sums from the first column on."""
    eights = np.empty(len(columns) // 8 + 1, np.uint32)
    total = np.uint32(0)
    for x in range(len(eights) - 1):
        eights[x] = total
        total += (pairs[4 * x] + pairs[4 * x + 1]) + (pairs[4 * x + 2] + pairs[4 * x + 3])
    eights[len(eights) - 1] = total
    before = np.uint32(0)
    for col in range(len(sums)):
        x = x_edges[col + 1]
        total, pair = eights[x >> 3], (x >> 3) * 4
        if x & 4:
            total += pairs[pair] + pairs[pair + 1]
            pair += 2
        if x & 2:
            total += pairs[pair]
        if x & 1:
            total += np.uint32(columns[x - 1])
        sums[col] = total - before
        before = total
