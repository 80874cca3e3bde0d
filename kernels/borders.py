"""Flat borders around a picture: black bars, white mats, any one colour.

Lines are shaved off each side while nearly all of their samples stay near one colour, that of the
outermost line. A video is trimmed to what no informative frame of it has as border.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

# A line belongs to the border when this share of it lies within TOLERANCE levels of the colour.
FLAT_SHARE = 0.97
TOLERANCE = 12
# What is left must have this share of either side, else the picture is too empty to tell.
LEAST_LEFT = 0.25
# Samples looked at along each line.
_PROBES = 512


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


def find_border(
    picture: npt.NDArray[Any],  # (h, w) luma or (h, w, channels), 0..255
) -> Rect:
    """Return the part within the flat border; the whole picture where there is none to see."""
    found = find_content(picture)
    return found or Rect(0, 0, picture.shape[1], picture.shape[0])


def find_content(
    picture: npt.NDArray[Any],  # (h, w) luma or (h, w, channels), 0..255
) -> Rect | None:
    """Return the part within the flat border, or None where the picture is too empty to tell."""
    height, width = picture.shape[:2]
    samples = picture.reshape(height, width, -1)
    left, top, right, bottom = 0, 0, width, height
    for _ in range(2):
        top, bottom = _trim(samples[:, left:right], top, bottom)
        left, right = _trim(samples[top:bottom].swapaxes(0, 1), left, right)
        if right - left < LEAST_LEFT * width or bottom - top < LEAST_LEFT * height:
            return None
    return Rect(left, top, right, bottom)


def common_rect(rects: Iterable[Rect | None], width: int, height: int) -> Rect:
    """Return the part that holds the content of every frame of a video.

    Args:
        rects: what `find_content` returned for frames spread over the video; None does not count.
        width: of the frames; the whole frame is the answer where no rect counts.
        height: of the frames.

    Returns:
        A rectangle whose edges are even, for planes of half size, or edges of the frame.
    """
    known = [rect for rect in rects if rect is not None]
    if not known:
        return Rect(0, 0, width, height)
    left, top = (min(rect[side] for rect in known) for side in (0, 1))
    right, bottom = (max(rect[side] for rect in known) for side in (2, 3))
    return Rect(
        left + left % 2,
        top + top % 2,
        right if right == width else right - right % 2,
        bottom if bottom == height else bottom - bottom % 2,
    )


def _trim(lines: npt.NDArray[Any], first: int, stop: int) -> tuple[int, int]:
    """Shrink first..stop while the outermost of the lines, (n, samples, channels), are border."""
    step = max(1, lines.shape[1] // _PROBES)
    probes = lines[first:stop, ::step].astype(np.int16)
    if probes.size == 0:
        return first, stop
    above, below = _n_border(probes), _n_border(probes[::-1])
    if above + below >= len(probes):
        return first, first
    return first + above, stop - below


def _n_border(probes: npt.NDArray[np.int16]) -> int:
    """Count the lines from the first on that have the colour of the first."""
    colour = np.median(probes[0], axis=0)
    near = np.abs(probes - colour).max(axis=2) <= TOLERANCE
    flat = near.mean(axis=1) >= FLAT_SHARE
    return len(flat) if flat.all() else int(flat.argmin())
