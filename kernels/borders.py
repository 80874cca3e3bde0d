"""Flat borders around a picture: black bars, white mats, any one colour.

From each side, lines count as border while nearly all of their samples keep the colour of the
outermost line. A border is believed where it ends in a straight edge, which sets it apart from a
flat sky or a dark room; in a video, where enough frames agree on that edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mode
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

# A sample has the colour of the border within so many levels of 255.
TOLERANCE = 12
# Share of the samples of a line that have it, for the line to be border.
FLAT_SHARE = 0.97
# Rise of the share that have it not, within two lines, for the edge to be straight.
EDGE_RISE = 0.35
# Lines after the flat ones in which the edge may lie: one block of JPEG noise.
_BLUR = 9
# What is left must have this share of either side, else the picture is too empty to tell.
LEAST_LEFT = 0.25
# A picture with a shorter side, in pixels, has no border worth removing.
LEAST_SIDE = 32
# Share of the frames of a video that must show an edge, and that may show content beyond it.
SHOWN, CONTRADICTED = 0.25, 0.1
# Lines by which frames may disagree about one edge.
_JITTER = 2
# Samples looked at along each line.
_PROBES = 512


Luma = npt.NDArray[Any]


class Rect(NamedTuple):
    """A rectangle in pixels; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns inside."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows inside."""
        return self.bottom - self.top


class Side(NamedTuple):
    """The border on one side of a picture."""

    depth: int  # lines of one colour
    sharp: bool  # they end in a straight edge


class Border(NamedTuple):
    """The borders of one picture, in the order of `Rect`."""

    left: Side
    top: Side
    right: Side
    bottom: Side


def find_border(
    luma: Luma,  # (h, w) of 0..255
) -> Rect:
    """Return the part within the flat border; the whole picture where there is none to see."""
    height, width = luma.shape
    border = measure(luma)
    if border is None:
        return Rect(0, 0, width, height)
    return _inside([_cut(side) for side in border], width, height)


def measure(
    luma: Luma,  # (h, w) of 0..255
) -> Border | None:
    """Return the border on each side, or None where the picture is too empty to tell."""
    height, width = luma.shape
    if min(height, width) < LEAST_SIDE:
        return None
    least_width, least_height = LEAST_LEFT * width, LEAST_LEFT * height
    rect = Rect(0, 0, width, height)
    for _ in range(2):
        top, bottom = _sides(luma[:, rect.left : rect.right])
        rect = rect._replace(top=_cut(top), bottom=height - _cut(bottom))
        if rect.height < least_height:
            return None
        left, right = _sides(luma[rect.top : rect.bottom].T)
        rect = rect._replace(left=_cut(left), right=width - _cut(right))
        if rect.width < least_width:
            return None
    if width - left.depth - right.depth < least_width:
        return None
    if height - top.depth - bottom.depth < least_height:
        return None
    return Border(left, top, right, bottom)


def common_rect(
    borders: Iterable[Border | None],  # `measure` of frames spread over the video
    width: int,
    height: int,
) -> Rect:
    """Return the part within the border that the frames of a video have in common.

    A border counts where a quarter of the frames show its edge and hardly any shows content beyond
    it, so neither a dark frame nor a caption within the border decides alone. The edges are even,
    for planes of half size, or those of the frame. Without a frame that tells, it is all of it.
    """
    known = [border for border in borders if border is not None]
    if not known:
        return Rect(0, 0, width, height)
    left, top, right, bottom = (_common_depth(sides) for sides in zip(*known, strict=True))
    right, bottom = (n and n + (size - n) % 2 for n, size in ((right, width), (bottom, height)))
    return _inside([left + left % 2, top + top % 2, right, bottom], width, height)


def _inside(depths: Sequence[int], width: int, height: int) -> Rect:
    return Rect(depths[0], depths[1], width - depths[2], height - depths[3])


def _cut(side: Side) -> int:
    return side.depth if side.sharp else 0


def _sides(lines: Luma) -> tuple[Side, Side]:
    """Return the border before and after the content of `lines`, (n, samples)."""
    probes = lines[:, :: max(1, lines.shape[1] // _PROBES)]
    return _side(probes), _side(probes[::-1])


def _side(probes: Luma) -> Side:
    other = _other_shares(probes)
    flat = other <= 1 - FLAT_SHARE
    if flat.all():
        return Side(len(flat), False)
    depth = int(flat.argmin())
    if depth == 0:
        return Side(0, False)
    near_edge = other[depth - 1 : depth + _BLUR]
    rise = near_edge[2:] - near_edge[:-2]
    if len(rise) == 0 or rise.max() < EDGE_RISE:
        return Side(depth, False)
    steepest = int(rise.argmax())
    middle_is_content = near_edge[steepest + 1] >= near_edge[steepest : steepest + 3 : 2].mean()
    return Side(depth + steepest + (0 if middle_is_content else 1), True)


def _other_shares(probes: Luma) -> npt.NDArray[np.float64]:
    """Return the share of samples that have not the colour of the border, line by line.

    Ends some lines after the first that is no border; most pictures have none.
    """
    colour = np.int16(np.median(probes[0]))
    shares: list[npt.NDArray[np.float64]] = []
    start, stop = 0, 1 + _BLUR
    while start < len(probes):
        lines = probes[start:stop].astype(np.int16)
        shares.append((np.abs(lines - colour) > TOLERANCE).mean(axis=1))
        content = np.flatnonzero(shares[-1] > 1 - FLAT_SHARE)
        # Those lines are enough that lie within the blur of the first one.
        enough = start + content[0] + _BLUR if len(content) else len(probes)
        if stop >= enough:
            break
        start, stop = stop, min(2 * stop, int(enough))
    return np.concatenate(shares)


def _common_depth(sides: Sequence[Side]) -> int:
    edges = [side.depth for side in sides if side.sharp]
    if len(edges) < max(1.0, SHOWN * len(sides)):
        return 0
    depth = mode(edges)
    shown = sum(abs(edge - depth) <= _JITTER for edge in edges)
    beyond = sum(side.depth < depth - _JITTER for side in sides)
    believed = shown >= SHOWN * len(sides) and beyond <= CONTRADICTED * len(sides)
    return depth if believed else 0
