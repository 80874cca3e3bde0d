"""Borders that a video shows in some of its shots only, found in the cells of the fine grid.

An edited video mixes formats: one shot stands between bars, the next fills the frame. The border of
the file cannot tell; here a border is what all frames of one shot agree on. Cells are means of
samples, so the share of content in the cell on the edge says where in it the edge lies.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.grids import FINE_CELLS, WHOLE, Grids
from mitate.kernels.layout import Floats, Layouts, describe, mirror_means
from mitate.kernels.vector import derive

# A cell has the colour of the border within so many levels of 255.
TOLERANCE = 7.0
# Share of the cells of a line that have it, for the line to be border.
FLAT_SHARE = 0.88
# The same where captions or logos lie on it.
COVERED_SHARE = 0.6
SAME_DEPTH = 1.0  # cells by which borders on two sides may differ then
# The line behind the edge must differ from it by so many levels in such a share of its cells, in
# some frame.
EDGE_LEVELS = 21.0
EDGE_SHARE = 0.35
# Share of the cells of a line that have the colour of the border where words stand on it.
WRITTEN_SHARE = 0.25
# Words stand on no more than this share of the lines.
WRITTEN_DEPTH = 0.35
# Two borders within each other differ by so many levels.
STEP_LEVELS = 12.0
# What is left must have this share of either side.
LEAST_LEFT = 0.25
# Squared distance of searched vectors of neighbouring frames from which a shot begins.
CUT_DISTANCE = 3000
# Frames that are looked at alone where a shot shows no border.
SHORTEST_PART = 5
_LUMA = np.array([0.299, 0.587, 0.114])
_BLOCKS = 8
_FAR = FINE_CELLS - 1
_FEWEST_COLUMNS = 3
_FIRST_COLUMNS = 8
_OUTER_LINES = (
    Rect(0, 0, 1, FINE_CELLS),
    Rect(_FAR, 0, FINE_CELLS, FINE_CELLS),
    Rect(0, 0, FINE_CELLS, 1),
    Rect(0, _FAR, FINE_CELLS, FINE_CELLS),
)

Edges = Floats  # (n, 4) left, top, right, bottom of what is inside, in shares of the frame


class Inner(NamedTuple):
    """What lies within the borders of shots."""

    frames: npt.NDArray[np.int64]  # (j,) numbers of the frames that have a border
    layouts: Layouts  # (j, 33)
    mirrored: Layouts  # (j, 33)


def no_inner() -> Inner:
    """Return nothing."""
    none = np.zeros((0, 33), np.uint8)
    return Inner(np.zeros(0, np.int64), none, none)


def inner_of_shots(
    grids: Grids,
    numbers: npt.NDArray[np.int64],  # (n,) increasing, of pictures in `grids`
    layouts: Layouts,  # (n, 33) of these
) -> Inner:
    """Return the descriptors of what lies within the borders of shots, among chosen pictures."""
    if not len(numbers):
        return no_inner()
    sides = [
        grids.rgb_means_of(numbers, line, line.height, line.width).reshape(len(numbers), -1, 3)
        for line in _OUTER_LINES
    ]
    places = np.flatnonzero(np.any([_is_flat(side) for side in sides], axis=0))
    if not len(places):
        return no_inner()
    cells = grids.rgb_means_of(numbers[places], WHOLE, FINE_CELLS, FINE_CELLS)
    if np.isnan(cells).any():  # a picture smaller than the grid
        return no_inner()
    found = describe_inner(cells, layouts[places])
    return found._replace(frames=places[found.frames])


def _is_flat(
    edge: Floats,  # (n, cells, 3) means of one outer line of cells
) -> npt.NDArray[np.bool_]:
    """Tell in which frames an outer line of cells has one colour, (n,)."""
    middle = np.median(edge, axis=1, keepdims=True)
    same = (np.abs(edge - middle) <= TOLERANCE).all(axis=2)
    return np.asarray(same.mean(axis=1) >= FLAT_SHARE)


def describe_inner(
    cells: Floats,  # (n, c, c, 3) RGB means of the fine grid, of consecutive frames
    layouts: Layouts,  # (n, 33) of the whole frames
) -> Inner:
    """Return the descriptors of what lies within the borders of shots."""
    edges = shot_edges(cells, layouts)
    frames = np.flatnonzero((edges != [0.0, 0.0, 1.0, 1.0]).any(axis=1))
    if not len(frames):
        return no_inner()
    means = block_means(cells[frames], edges[frames])
    return Inner(frames, describe(means), describe(mirror_means(means)))


def shot_edges(cells: Floats, layouts: Layouts) -> Edges:
    """Return where the content of the shot of each frame ends."""
    luma = cells @ _LUMA
    vectors = derive(layouts).astype(np.int32)
    cut = ((vectors[1:] - vectors[:-1]) ** 2).sum(axis=1) > CUT_DISTANCE
    # Shots that fade into each other are told apart by their outer lines.
    outer = _outer_lines(cells)
    cut |= (outer[1:] != outer[:-1]).any(axis=1)
    starts = [0, *(np.flatnonzero(cut) + 1).tolist(), len(luma)]
    edges = np.tile([0.0, 0.0, 1.0, 1.0], (len(luma), 1))
    for first, stop in pairwise(starts):
        if outer[first].any():
            _fill_edges(luma[first:stop], edges[first:stop])
    return edges


def _fill_edges(luma: Floats, edges: Edges) -> None:
    """Set the edges of a shot, or of parts of what may be several that fade into each other."""
    edges[:] = _edges_of_shot(luma)
    middle = len(luma) // 2
    if (edges[0] == [0.0, 0.0, 1.0, 1.0]).all() and middle >= SHORTEST_PART:
        _fill_edges(luma[:middle], edges[:middle])
        _fill_edges(luma[middle:], edges[middle:])


def _outer_lines(cells: Floats) -> npt.NDArray[np.bool_]:
    """Tell where left and right, or top and bottom, have one colour each, (n, 2)."""
    across = (_is_plain(cells[:, :, 0]), _is_plain(cells[:, :, -1]))
    down = (_is_plain(cells[:, 0]), _is_plain(cells[:, -1]))
    return np.stack([np.logical_or(*across), np.logical_or(*down)], axis=1)


def _is_plain(edge: Floats) -> npt.NDArray[np.bool_]:
    middle = np.median(edge, axis=1, keepdims=True)
    same = (np.abs(edge - middle) <= TOLERANCE).all(axis=2)
    return np.asarray(same.mean(axis=1) >= COVERED_SHARE)


def _edges_of_shot(
    luma: Floats,  # (n, rows, columns) of cells, of consecutive frames
) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of what is inside the border, in shares of the frame."""
    n_rows, n_columns = luma.shape[1:]
    top, bottom = _pair(luma.transpose(0, 2, 1))  # rows of cells become columns
    inside = slice(int(np.ceil(top)), n_rows - int(np.ceil(bottom)))
    left, right = _pair(luma[:, inside]) if inside.stop > inside.start else (0.0, 0.0)
    if n_columns - left - right < LEAST_LEFT * n_columns or (
        n_rows - top - bottom < LEAST_LEFT * n_rows
    ):
        return 0.0, 0.0, 1.0, 1.0
    return left / n_columns, top / n_rows, 1 - right / n_columns, 1 - bottom / n_rows


def _pair(luma: Floats) -> tuple[float, float]:
    """Return how many columns on the left and on the right are border.

    Where something covers a part of a border, both sides must agree on its depth.
    """
    sides = luma, luma[:, :, ::-1]
    strict = [_depth(side) for side in sides]
    if all(strict):
        return strict[0], strict[1]
    covered = [_depth(side, COVERED_SHARE) for side in sides]
    if all(covered) and abs(covered[0] - covered[1]) <= SAME_DEPTH:
        return covered[0], covered[1]
    return strict[0], strict[1]


def _depth(
    luma: Floats,  # (n, rows, columns)
    flat_share: float = FLAT_SHARE,  # of the cells of a line of border
) -> float:
    """Return how many columns of cells, in fractions, are border in all frames of a shot.

    Columns with words on the border belong to it: parts of them show its colour, and nothing moves.
    A border may stand within another of a different colour.
    """
    colours = np.median(luma[:, :, 0], axis=1)
    for looked_at in (_FIRST_COLUMNS, luma.shape[2]):  # most borders are narrow
        near = luma[:, :, :looked_at]
        apart = np.abs(near - colours[:, None, None])
        flat, border = _border_columns(near, apart, flat_share, luma.shape[2])
        if not flat[0] or not border[:-2].all():
            break
    if not flat[0] or border.all():
        return 0.0
    stop = int(border.argmin())
    for depth in range(min(stop, luma.shape[2] - 2), 0, -1):
        if flat[depth - 1] and not flat[depth]:
            behind = apart[:, :, depth + 1]
            clear = behind > EDGE_LEVELS
            if clear.mean(axis=1).max() >= EDGE_SHARE:
                share = np.median((apart[:, :, depth][clear] / behind[clear]).clip(0, 1))
                return depth + 1 - float(share)
    return _depth_within(luma[:, :, stop + 1 :], colours, stop + 1)


def _border_columns(
    luma: Floats,  # (n, rows, columns), the first columns
    apart: Floats,  # the same: levels between a cell and the colour of the border
    flat_share: float,
    n_columns: int,  # of all
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell which columns have the colour of the border, and which belong to it."""
    shown = (apart > TOLERANCE).mean(axis=1).max(axis=0)  # share of cells of each column
    flat = shown <= 1 - flat_share
    if not flat[0]:
        return flat, flat
    still = (np.ptp(luma, axis=0) <= 2 * TOLERANCE).mean(axis=0) >= FLAT_SHARE
    written = still & (shown <= 1 - WRITTEN_SHARE)
    written[int(WRITTEN_DEPTH * n_columns) :] = False
    return flat, flat | written


def _depth_within(
    luma: Floats,  # (n, rows, columns) of what is inside a border
    colours: Floats,  # (n,) of that border
    depth: int,  # of that border, in columns
) -> float:
    """Return the depth of a border and another within it, 0 where there is none."""
    if luma.shape[2] < _FEWEST_COLUMNS:
        return 0.0
    step = np.abs(np.median(luma[:, :, 0], axis=1) - colours)
    inner = _depth(luma) if step.min() >= STEP_LEVELS else 0.0
    return depth + inner if inner else 0.0


def block_means(
    cells: Floats,  # (n, c, c, 3)
    edges: Edges,  # (n, 4)
) -> Floats:
    """Return the means of 8x8 blocks of a part of each frame, (n, 8, 8, 3).

    Within a cell samples are taken to be equal, so parts need not end where cells do.
    """
    n_cells = cells.shape[1]
    steps = np.linspace(0, 1, _BLOCKS + 1)
    xs, ys = (
        n_cells * (edges[:, [low]] + (edges[:, [low + 2]] - edges[:, [low]]) * steps)
        for low in (0, 1)
    )
    across = _weights(xs, n_cells)  # (n, 8, c)
    down = _weights(ys, n_cells)
    return np.asarray(np.einsum("nij,njkc,nlk->nilc", down, cells, across, optimize=True))


def _weights(bounds: Floats, n_cells: int) -> Floats:
    """Return the share that each cell has in each block along one side, (n, 8, cells)."""
    cells = np.arange(n_cells)
    low, high = bounds[:, :-1, None], bounds[:, 1:, None]
    shared = (np.minimum(high, cells + 1) - np.maximum(low, cells)).clip(0, None)
    return np.asarray(shared / shared.sum(axis=2, keepdims=True))
