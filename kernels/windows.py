"""Parts of a reference that are indexed beside the whole, so that a cropped query meets its like.

Every window divides into 8x8 blocks of whole cells of the fine grid; its descriptor comes from the
same exact sums as that of the whole frame.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.grids import FINE_CELLS, Grids
from mitate.kernels.layout import N_COEFFICIENTS, describe

ANY_WINDOW = -1  # in place of the number of a window


class Window(NamedTuple):
    """A part of the frame."""

    name: str
    rect: Rect  # in cells of the fine grid


def _square(name: str, cells: int, left: int, top: int) -> Window:
    return Window(f"{name} {cells / FINE_CELLS:.1f}", Rect(left, top, left + cells, top + cells))


def _centred(cells: int) -> Window:
    first = (FINE_CELLS - cells) // 2
    return _square("centre", cells, first, first)


def _towards_corners(cells: int, inset: int) -> list[Window]:
    """Return squares that lie `inset` cells from two sides that meet."""
    far = FINE_CELLS - cells - inset
    return [
        _square(f"{vertical} {horizontal}", cells, left, top)
        for vertical, top in (("top", inset), ("bottom", far))
        for horizontal, left in (("left", inset), ("right", far))
    ]


_HALF = FINE_CELLS // 2
HALVES: tuple[Window, ...] = (
    Window("left half", Rect(0, 0, _HALF, FINE_CELLS)),
    Window("right half", Rect(_HALF, 0, FINE_CELLS, FINE_CELLS)),
    Window("top half", Rect(0, 0, FINE_CELLS, _HALF)),
    Window("bottom half", Rect(0, _HALF, FINE_CELLS, FINE_CELLS)),
)
# In the order in which signatures store them. Places and sizes cover random crops evenly; halves
# meet a picture of which the rest is covered.
WINDOWS: tuple[Window, ...] = (
    *(_centred(cells) for cells in (72, 64, 56, 48)),
    *_towards_corners(64, 4),
    *_towards_corners(56, 6),
    *HALVES,
)
# Numbers of the windows in which a view is looked for part by part: where something covers the rest
# of a picture, one of them is free of it.
PARTS = range(8, len(WINDOWS))


def mirrored_window(number: int) -> int:
    """Return the number of the window that shows, of a mirrored frame, what another shows of it."""
    left, top, right, bottom = WINDOWS[number].rect
    mirrored = Rect(FINE_CELLS - right, top, FINE_CELLS - left, bottom)
    return [window.rect for window in WINDOWS].index(mirrored)


def window_layouts(
    grids: Grids,
    numbers: npt.NDArray[np.int64],  # (n,) increasing, of pictures in `grids`
) -> npt.NDArray[np.uint8]:
    """Return the descriptors of the windows of chosen pictures, (n, windows, 33)."""
    if not len(numbers):
        return np.zeros((0, len(WINDOWS), N_COEFFICIENTS), np.uint8)
    means = [grids.rgb_means_of(numbers, window.rect) for window in WINDOWS]
    return np.stack([describe(part) for part in means], axis=1)
