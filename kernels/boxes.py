"""Rectangles within a picture that may hold a picture of their own.

Black bars, mats, blurred fill, caption bands, the page around a player and a picture in a picture
have in common that the inner picture ends in straight edges. Lines along which neighbouring pixels
differ are found first; then every rectangle of such lines and of the outer edges is rated by how
much of each of its sides lies on an edge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.jit import jit

Luma = npt.NDArray[np.float32]  # (h, w) of 0..255

# Levels by which the pixels on both sides of an edge differ.
EDGE_LEVELS = 8.0
# A pixel without an edge costs a line this much of a pixel with one.
_GAP_COST = 1.5
# Share of the picture's side that a line must cover, and of it that a box must.
LEAST_LINE, LEAST_SIDE = 0.2, 0.25
LEAST_AREA = 0.1
# Share of each side of a box that must lie on an edge.
LEAST_SUPPORT = 0.45
_EVEN_SUPPORT = 0.3  # says nothing
_AREA_WEIGHT = 0.2  # of two equally likely boxes the larger holds more
MOST_LINES = 10  # of each direction
# Boxes that share so much of their union are the same.
_SAME_BOX = 0.88


class Box(NamedTuple):
    """A rectangle and how sure its sides are, 4 at most; a side on the outer edge counts 0."""

    rect: Rect
    score: float


def find_boxes(
    luma: Luma,
    most: int,
) -> list[Box]:
    """Return inner rectangles, the most plausible first; the whole picture is not among them."""
    height, width = luma.shape
    if min(height, width) < 32:
        return []
    vertical = _edges(luma)
    horizontal = _edges(np.ascontiguousarray(luma.T))
    xs, ys = _lines(vertical), _lines(horizontal)
    rects, scores = _rated(
        np.array([0, *xs, width]),
        np.array([0, *ys, height]),
        _summed(vertical),
        _summed(horizontal),
    )
    return _distinct([Rect(*map(int, rect)) for rect in rects], scores, most)


def _edges(luma: Luma) -> npt.NDArray[np.bool_]:
    """Tell where an upright edge runs between a pixel and its left neighbour, (h, w)."""
    step = np.zeros(luma.shape, np.float32)
    step[:, 1:] = np.abs(luma[:, 1:] - luma[:, :-1])
    wide = step.copy()
    wide[:, 1:-1] = np.maximum(
        step[:, 1:-1], np.abs(luma[:, 2:] - luma[:, :-2])[:, : luma.shape[1] - 2]
    )
    ridge = wide >= EDGE_LEVELS
    for shift in (1, 2):
        ridge[:, shift:] &= step[:, shift:] >= step[:, :-shift]
        ridge[:, :-shift] &= step[:, :-shift] >= step[:, shift:]
    return ridge


def _lines(edges: npt.NDArray[np.bool_]) -> list[int]:
    """Return the columns with the longest straight edges, longest first."""
    lengths = np.zeros(edges.shape[1])
    _longest(edges, _GAP_COST, lengths)
    lengths += edges.mean(axis=0)  # of columns side by side the one with the edge itself
    lengths[:2] = lengths[-2:] = 0
    found: list[int] = []
    for column in np.argsort(-lengths, kind="stable"):
        if len(found) == MOST_LINES or lengths[column] < LEAST_LINE * len(edges):
            break
        if all(abs(column - other) > 2 for other in found):
            found.append(int(column))
    return found


@jit
def _longest(
    edges: npt.NDArray[np.bool_], gap_cost: float, lengths: npt.NDArray[np.float64]
) -> None:
    height, width = edges.shape
    for x in range(width):
        reached = 0.0
        for y in range(height):
            near = edges[y, x] or (x > 0 and edges[y, x - 1]) or (x + 1 < width and edges[y, x + 1])
            reached = max(0.0, reached + (1.0 if near else -gap_cost))
            lengths[x] = max(lengths[x], reached)


def _summed(edges: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return sums down each column of edges on it or beside it, (h + 1, w + 1)."""
    near = edges.copy()
    near[:, 1:] |= edges[:, :-1]
    near[:, :-1] |= edges[:, 1:]
    sums = np.zeros((edges.shape[0] + 1, edges.shape[1] + 1), np.int64)
    sums[1:, :-1] = near.cumsum(axis=0)
    return sums


def _rated(
    xs: npt.NDArray[np.int64],
    ys: npt.NDArray[np.int64],
    down: npt.NDArray[np.int64],
    across: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return all boxes whose sides are believed, (n, 4), and their scores."""
    width, height = int(xs[-1]), int(ys[-1])
    grids = np.meshgrid(xs, xs, ys, ys, indexing="ij")
    left, right, top, bottom = (grid.ravel() for grid in grids)
    wide, high = right - left, bottom - top
    fits = (wide >= LEAST_SIDE * width) & (high >= LEAST_SIDE * height)
    fits &= (wide * high >= LEAST_AREA * width * height) & ((wide < width) | (high < height))
    left, right, top, bottom = left[fits], right[fits], top[fits], bottom[fits]
    sides = np.stack(
        [
            (down[bottom, left] - down[top, left]) / high[fits],
            (across[right, top] - across[left, top]) / wide[fits],
            (down[bottom, right] - down[top, right]) / high[fits],
            (across[right, bottom] - across[left, bottom]) / wide[fits],
        ]
    )
    outer = np.stack([left == 0, top == 0, right == width, bottom == height])
    believed = (outer | (sides >= LEAST_SUPPORT)).all(axis=0)
    scores = np.where(outer, 0.0, sides - _EVEN_SUPPORT).sum(axis=0)
    scores += _AREA_WEIGHT * (wide * high)[fits] / (width * height)
    return np.stack([left, top, right, bottom], axis=1)[believed], scores[believed]


def _distinct(rects: list[Rect], scores: npt.NDArray[np.float64], most: int) -> list[Box]:
    found: list[Box] = []
    for i in np.argsort(-scores, kind="stable"):
        if len(found) >= most:
            break
        if all(shared_area(rects[i], box.rect) < _SAME_BOX for box in found):
            found.append(Box(rects[i], float(scores[i])))
    return found


def shared_area(one: Rect, other: Rect) -> float:
    """Return the share of their union that two rectangles have in common."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    both = max(width, 0) * max(height, 0)
    return both / (one.width * one.height + other.width * other.height - both)
