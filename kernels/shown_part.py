"""Which part of a source a shot shows, from the luma of a few cells of both.

A zoomed shot shows a part of each frame; one between bars shows all of it in a part of its own.
Either way the shot is the part of the source within some rectangle, which may reach beyond the
source. The rectangle is where both agree best: the largest correlation over a grid of rectangles,
followed uphill from the best of them by moving and resizing it in ever smaller steps.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Part = npt.NDArray[np.float64]  # (4,) left, top, right, bottom; the source is 0..1

_ZOOMS = (1.0, 1.07, 1.15, 1.24, 1.35)
_APART = 0.06  # of the source, between rectangles of one zoom
_STEPS = np.array([0.03, 0.015, 0.008, 0.004])
_FOLLOWED = 4  # rectangles that are followed uphill
_PASSES = 6  # over all moves, at each step
_GAIN = 0.01  # of correlation, by which a part must agree better than the whole
_LEAST_CELLS = 40
_NOISE = 4.0  # variance of luma that says nothing
_PLAIN = 8.0  # levels by which the cells of a bar differ
_LEAST_SIDE = 0.6  # of the source, that a shot shows
_LEAST_WITHIN = 0.4  # of the shot that lies between bars


class Shown(NamedTuple):
    """What a shot shows."""

    part: Part
    cells: Mask  # (rows, cols) of the shot that lie within the source and not on a bar
    correlation: float


def shown_part(
    shot: Floats,  # (rows, cols) mean luma of its frames
    source: Floats,  # (rows, cols) mean luma of the frames that it may show
) -> Shown:
    """Return the part of the source that a shot shows; all of it unless another agrees better."""
    everything = np.ones(shot.shape, np.bool_)
    whole = np.array([0.0, 0.0, 1.0, 1.0])
    found = Shown(whole, everything, _correlation(shot, source, whole, everything))
    for within, cells in _frames_of(shot):
        starts = _seen_within(_rectangles(), within)
        correlation, part = _climbed(shot, source, cells, starts, _STEPS)
        if correlation >= found.correlation + _GAIN:
            found = Shown(part, cells & _inside(part, shot.shape), correlation)
    return found


def resampled(
    lumas: npt.NDArray[np.uint8],  # (n, rows, cols)
    part: Part,
) -> npt.NDArray[np.float32]:
    """Return the cells of a part of frames, (n, rows, cols); beyond the frame its edge goes on."""
    down, across = (_weights(part[axis], part[axis + 2], lumas.shape[2 - axis]) for axis in (1, 0))
    return np.asarray(down @ lumas.astype(np.float32) @ across.T, np.float32)


def _weights(first: float, last: float, n: int) -> npt.NDArray[np.float32]:
    """Return the shares of n cells in each of n that are spread over first..last, (n, n)."""
    places = ((first + (last - first) * (np.arange(n) + 0.5) / n) * n - 0.5).clip(0, n - 1)
    before = np.minimum(places.astype(np.int64), n - 2)
    weights = np.zeros((n, n), np.float32)
    weights[np.arange(n), before] = 1 - (places - before)
    weights[np.arange(n), before + 1] += (places - before).astype(np.float32)
    return weights


def _inside(part: Part, shape: tuple[int, ...]) -> Mask:
    """Tell which cells of a shot lie within the source."""
    rows, cols = (
        (part[axis] + (part[axis + 2] - part[axis]) * (np.arange(n) + 0.5) / n)
        for axis, n in ((1, shape[0]), (0, shape[1]))
    )
    return np.asarray(((rows >= 0) & (rows <= 1))[:, None] & ((cols >= 0) & (cols <= 1)))


@cache
def _rectangles() -> Floats:
    """Return the parts that are tried first, (n, 4)."""
    found = []
    for zoom in _ZOOMS:
        side, n = 1 / zoom, round((1 - 1 / zoom) / _APART) + 1
        starts = np.linspace(0, 1 - side, n) if n > 1 else np.array([(1 - side) / 2])
        found += [(left, top, left + side, top + side) for left in starts for top in starts]
    return np.array(found)


def _frames_of(shot: Floats) -> list[tuple[Part, Mask]]:
    """Return what of a shot may show the source: all of it, or what lies between plain bars."""
    found = [(np.array([0.0, 0.0, 1.0, 1.0]), np.ones(shot.shape, np.bool_))]
    rows, cols = shot.shape
    bars = [_n_plain(side) for side in (shot, shot.T, shot[:, ::-1], shot.T[:, ::-1])]
    for axis, n in ((0, cols), (1, rows)):
        first, last = bars[axis], bars[axis + 2]
        if not first + last or n - first - last < _LEAST_WITHIN * n:
            continue
        # Where a bar ends within a cell, about half of that cell is bar too.
        begin, stop = first + min(first, 1), n - last - min(last, 1)
        ends = np.array([(first + begin) / 2, n - (last + n - stop) / 2]) / n
        within = np.array([0.0, 0.0, 1.0, 1.0])
        within[[axis, axis + 2]] = ends
        cells = np.zeros(shot.shape, np.bool_)
        cells[(slice(None), slice(begin, stop))[:: 1 - 2 * axis]] = True
        found.append((within, cells))
    return found


def _n_plain(shot: Floats) -> int:
    """Return how many columns from the left on are plain and alike."""
    alike = (np.abs(shot - shot[:, :1].mean()) <= _PLAIN).all(axis=0)
    return int(np.argmin(np.append(alike, False)))


def _seen_within(parts: Floats, within: Part) -> Floats:
    """Return the rectangles of the source at all of a shot, of those that `within` it shows."""
    size = np.tile(within[2:] - within[:2], 2)
    wide = np.tile(parts[:, 2:] - parts[:, :2], 2)
    begin = parts[:, [0, 1, 0, 1]]
    return np.asarray(begin + (np.array([0.0, 0, 1, 1]) - np.tile(within[:2], 2)) / size * wide)


@jit
def _correlation(shot: Floats, source: Floats, part: Part, cells: Mask) -> float:
    """Return the correlation of chosen cells of a shot with those of a part of the source."""
    rows, cols = shot.shape
    n = 0
    sums = np.zeros(5)
    for i in range(rows):
        y = (part[1] + (part[3] - part[1]) * (i + 0.5) / rows) * rows - 0.5
        if y < -0.5 or y > rows - 0.5:
            continue
        y = min(max(y, 0.0), rows - 1.0)
        row = min(int(y), rows - 2)
        down = y - row
        for j in range(cols):
            x = (part[0] + (part[2] - part[0]) * (j + 0.5) / cols) * cols - 0.5
            if not cells[i, j] or x < -0.5 or x > cols - 0.5:
                continue
            x = min(max(x, 0.0), cols - 1.0)
            col = min(int(x), cols - 2)
            right = x - col
            above = source[row, col] * (1 - right) + source[row, col + 1] * right
            below = source[row + 1, col] * (1 - right) + source[row + 1, col + 1] * right
            theirs, ours = above * (1 - down) + below * down, shot[i, j]
            n += 1
            sums[0] += ours
            sums[1] += theirs
            sums[2] += ours * ours
            sums[3] += theirs * theirs
            sums[4] += ours * theirs
    if n < _LEAST_CELLS:
        return -1.0
    sums /= n
    varied = (sums[2] - sums[0] ** 2 + _NOISE) * (sums[3] - sums[1] ** 2 + _NOISE)
    return float((sums[4] - sums[0] * sums[1]) / np.sqrt(varied))


@jit
def _climbed(
    shot: Floats, source: Floats, cells: Mask, starts: Floats, steps: Floats
) -> tuple[float, Part]:
    """Return the largest correlation found from the best starts, and where."""
    begun = np.empty(len(starts))
    for k in range(len(starts)):
        begun[k] = _correlation(shot, source, starts[k], cells)
    best, found = -2.0, starts[0].copy()
    for k in np.argsort(-begun)[:_FOLLOWED]:
        part, height = starts[k].copy(), begun[k]
        for step in steps:
            for _ in range(_PASSES):
                climbed = False
                for move in range(10):
                    tried = _moved(part, move // 2, step if move % 2 else -step)
                    if min(tried[2] - tried[0], tried[3] - tried[1]) < _LEAST_SIDE:
                        continue
                    here = _correlation(shot, source, tried, cells)
                    if here > height + 1e-5:
                        part, height, climbed = tried, here, True
                if not climbed:
                    break
        if height > best:
            best, found = height, part
    return best, found


@jit
def _moved(part: Part, move: int, step: float) -> Part:
    """Return a rectangle moved along an axis (0, 1), or made wider (2), higher (3) or both (4)."""
    found = part.copy()
    for axis in range(2):
        if move == axis:
            found[axis] += step
            found[axis + 2] += step
        if move == axis + 2 or move == 4:
            found[axis] -= step / 2
            found[axis + 2] += step / 2
    return found
