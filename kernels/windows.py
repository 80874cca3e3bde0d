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


class Window(NamedTuple):
    """A part of the frame."""

    name: str
    rect: Rect  # in cells of the fine grid


def _centred(cells: int) -> Window:
    first = (FINE_CELLS - cells) // 2
    return Window(
        f"centre {cells / FINE_CELLS:.1f}", Rect(first, first, first + cells, first + cells)
    )


def _corners(cells: int) -> list[Window]:
    far = FINE_CELLS - cells
    return [
        Window(
            f"{vertical} {horizontal} {cells / FINE_CELLS:.1f}",
            Rect(left, top, left + cells, top + cells),
        )
        for vertical, top in (("top", 0), ("bottom", far))
        for horizontal, left in (("left", 0), ("right", far))
    ]


# In the order in which signatures store them.
WINDOWS: tuple[Window, ...] = (
    *(_centred(cells) for cells in (72, 64, 56, 48)),
    *_corners(72),
    *_corners(64),
)


def window_layouts(
    grids: Grids,
    numbers: npt.NDArray[np.int64],  # (n,) increasing, of pictures in `grids`
) -> npt.NDArray[np.uint8]:
    """Return the descriptors of the windows of chosen pictures, (n, windows, 33)."""
    if not len(numbers):
        return np.zeros((0, len(WINDOWS), N_COEFFICIENTS), np.uint8)
    means = [grids.rgb_means_of(numbers, window.rect) for window in WINDOWS]
    return np.stack([describe(part) for part in means], axis=1)
