"""Views of a queried picture: the parts of it, plain and mirrored, that a search looks for.

The picture as it is and the part within its flat border are summed exactly, as references are. All
other views come from an integral image of the picture at a bounded size, so each costs little: the
inner rectangles that may hold a picture of their own, and the middle of the picture.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.blocks import cell_counts, cell_means, cell_sums
from mitate.kernels.borders import Rect, find_border
from mitate.kernels.boxes import find_boxes, shared_area
from mitate.kernels.colour import rgb_means
from mitate.kernels.decode import Limits, Picture, luma_of
from mitate.kernels.decode_pillow import PillowDecoder
from mitate.kernels.grids import CELLS, Grids
from mitate.kernels.layout import describe, mirror_means
from mitate.kernels.quality import is_textured, quality
from mitate.kernels.thumbnails import luma_of_means

Floats = npt.NDArray[np.float64]
Level = Literal["fast", "normal", "thorough"]

MIRRORED = "-mirrored"  # how the names of mirrored views end
# Size of the small pictures of views, by which candidates are looked at closely.
GRID_ROWS, GRID_COLS = 18, 32
# Longer side to which pictures are reduced before boxes and views are cut from them.
LONGEST_SIDE = 384
# Boxes that share so much of their union with another view are left out.
_SAME_VIEW = 0.9


class _Plan(NamedTuple):
    """What a level looks for."""

    n_boxes: int
    centres: tuple[float, ...]  # shares of both sides


LEVELS: dict[Level, _Plan] = {
    "fast": _Plan(0, ()),
    "normal": _Plan(4, (0.85,)),
    "thorough": _Plan(10, (0.9, 0.8, 0.7)),
}


@dataclass(frozen=True, slots=True)
class PictureViews:
    """The views of a picture: as it is, within its border, boxes and the middle, and mirrored."""

    names: tuple[str, ...]  # "full", "full-mirrored", where there is a border "inner", ...
    layouts: npt.NDArray[np.uint8]  # (v, 33)
    quality: npt.NDArray[np.uint8]  # (v,); 0 where too few parts of the view show anything
    rects: tuple[Rect, ...]  # the part that each view shows
    width: int  # of the picture, pixels
    height: int
    grids: npt.NDArray[np.float32]  # (v, GRID_ROWS, GRID_COLS) luma of each view


def picture_views(
    source: str | os.PathLike[str] | bytes,
    *,
    limits: Limits | None = None,
    keep_borders: bool = False,
    level: Level = "normal",
) -> PictureViews:
    """Return the views of a picture that a search looks for.

    Args:
        source: path of a picture, or its bytes; of an animation the first frame counts.
        limits: what is refused.
        keep_borders: take a flat border for part of the picture and give no inner view.
        level: how many views there are.

    Raises:
        InvalidMedia: not a picture, or over a limit.
    """
    with PillowDecoder(source, limits or Limits()) as decoder:
        picture = next(decoder.frames())
    whole = Rect(0, 0, picture.width, picture.height)
    inner = whole if keep_borders else find_border(luma_of(picture))
    exact = {"full": whole} | ({"inner": inner} if inner != whole else {})
    reduced = _reduced(picture)
    others = _others(reduced, LEVELS[level], list(exact.values()), whole, keep_borders)
    grids = Grids(len(exact))
    for rect in exact.values():
        grids.add(picture, rect)
    integral = _integral(reduced)
    scale = reduced.shape[1] / picture.width, reduced.shape[0] / picture.height
    rects = exact | others
    parts = [_scaled(rect, *scale) for rect in rects.values()]
    means = [*grids.rgb_means(), *(_means(integral, part, CELLS) for part in parts[len(exact) :])]
    luma = [luma_of_means(_means(integral, part, GRID_ROWS, GRID_COLS)) for part in parts]
    return _with_mirrors(rects, np.stack(means), np.stack(luma), whole)


def _reduced(picture: Picture) -> Floats:
    """Return the picture as RGB, (h, w, 3), with sides of at most LONGEST_SIDE."""
    scale = min(1.0, LONGEST_SIDE / max(picture.width, picture.height))
    cols, rows = (max(1, round(side * scale)) for side in (picture.width, picture.height))
    (plane,) = picture.planes
    part = 0, 0, picture.width, picture.height
    sums = cell_sums(plane.buffer, *part, rows, cols, plane.channels).reshape(rows, cols, -1)
    means = cell_means(sums, cell_counts(picture.width, picture.height, rows, cols))
    return rgb_means(means, picture.colour)


def _others(
    reduced: Floats, plan: _Plan, known: list[Rect], whole: Rect, keep_borders: bool
) -> dict[str, Rect]:
    """Return boxes and centres that no known view shows, in pixels of the picture."""
    height, width = reduced.shape[:2]
    luma = luma_of_means(reduced).astype(np.float32)
    boxes = [] if keep_borders else find_boxes(luma, plan.n_boxes)
    found: dict[str, Rect] = {}
    for box in boxes:
        rect = _rounded(box.rect, whole.width / width, whole.height / height)
        if all(shared_area(rect, other) < _SAME_VIEW for other in [*known, *found.values()]):
            found[f"box {len(found) + 1}"] = rect
    for share in plan.centres:
        x, y = (round(side * (1 - share) / 2) for side in (whole.width, whole.height))
        if whole.width > 2 * x and whole.height > 2 * y:
            found[f"centre {share}"] = Rect(x, y, whole.width - x, whole.height - y)
    return found


def _rounded(rect: Rect, x: float, y: float) -> Rect:
    return Rect(*(round(side * by) for side, by in zip(rect, (x, y, x, y), strict=True)))


def _scaled(rect: Rect, x: float, y: float) -> tuple[float, float, float, float]:
    return rect.left * x, rect.top * y, rect.right * x, rect.bottom * y


def _integral(pixels: Floats) -> Floats:
    """Return the sums of all pixels above and to the left, (h + 1, w + 1, 3)."""
    return np.pad(pixels, ((1, 0), (1, 0), (0, 0))).cumsum(axis=0).cumsum(axis=1)


def _means(
    integral: Floats, part: tuple[float, float, float, float], rows: int, cols: int = CELLS
) -> Floats:
    """Return the means of the blocks of a part whose edges may lie within pixels."""
    left, top, right, bottom = part
    by_row = _between(integral, np.linspace(top, bottom, rows + 1))
    corners = _between(by_row.swapaxes(0, 1), np.linspace(left, right, cols + 1)).swapaxes(0, 1)
    sums = np.diff(np.diff(corners, axis=0), axis=1)
    return np.asarray(sums / ((bottom - top) / rows * (right - left) / cols))


def _between(sums: Floats, places: Floats) -> Floats:
    """Return the sums at places along the first axis, linear between whole ones."""
    first = np.minimum(places.astype(np.int64), len(sums) - 2)
    share = (places - first)[:, None, None]
    return np.asarray(sums[first] * (1 - share) + sums[first + 1] * share)


def _with_mirrors(rects: dict[str, Rect], means: Floats, luma: Floats, whole: Rect) -> PictureViews:
    both = np.concatenate((means, mirror_means(means)))
    order = np.arange(len(both)).reshape(2, -1).T.ravel()
    found = quality(both)
    found[~np.tile(is_textured(luma), 2)] = 0
    return PictureViews(
        names=tuple(name + mirror for name in rects for mirror in ("", MIRRORED)),
        layouts=describe(both)[order],
        quality=found[order],
        rects=tuple(rect for rect in rects.values() for _ in range(2)),
        width=whole.width,
        height=whole.height,
        grids=np.concatenate((luma, luma[:, :, ::-1]))[order].astype(np.float32),
    )
