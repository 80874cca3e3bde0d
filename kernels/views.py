"""Views of a queried picture: the parts of it, plain and mirrored, that a search looks for.

The picture as it is and the part within its flat border are summed exactly, as references are. All
other views come from an integral image of the picture at a bounded size, so each costs little: the
inner rectangles that may hold a picture of their own, and the middle of the picture. Where these
leave it undecided, more of them follow, the picture turned, and parts of it, which are looked for
among the same parts of references: an overlay rarely covers them all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect, find_border
from mitate.kernels.boxes import find_boxes, shared_area
from mitate.kernels.canvas import Canvas, reduced
from mitate.kernels.decode import Limits, Picture, luma_of
from mitate.kernels.decode_pillow import PillowDecoder
from mitate.kernels.grids import FINE_CELLS, Grids
from mitate.kernels.layout import describe, mirror_means
from mitate.kernels.quality import is_textured, quality
from mitate.kernels.thumbnails import luma_of_means
from mitate.kernels.windows import ANY_WINDOW, PARTS, WINDOWS, mirrored_window

Floats = npt.NDArray[np.float64]
Level = Literal["fast", "normal", "thorough"]

MIRRORED = "-mirrored"  # how the names of mirrored views end
_LEAST_LEFT = 0.3  # share of both sides that is left of a picture once it is turned
_TURNED_SIDE = 160  # to which the longer side is reduced before a picture is turned
# Boxes that share so much of their union with another view are left out.
_SAME_VIEW = 0.9


class _Plan(NamedTuple):
    """What a level looks for; what is named `later` only where the rest leaves it undecided."""

    n_boxes: int
    centres: tuple[float, ...] = ()  # shares of both sides
    n_later_boxes: int = 0
    later_centres: tuple[float, ...] = ()
    later_turns: tuple[float, ...] = ()  # degrees
    n_parted: int = 0  # views of which parts are looked for


LEVELS: dict[Level, _Plan] = {
    "fast": _Plan(0),
    "normal": _Plan(4, (0.85,), 4, (0.7,), (-15, -10, -5, 5, 10, 15), 3),
    "thorough": _Plan(10, (0.9, 0.8, 0.7), 4, (0.6,), (-15, -12, -8, -4, 4, 8, 12, 15), 8),
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
    later: npt.NDArray[np.bool_]  # (v,) looked for only where the others leave it undecided
    windows: npt.NDArray[np.int64]  # (v,) the only window it is looked for in, or ANY_WINDOW
    bases: npt.NDArray[np.int64]  # (v,) number of the small picture that it is, or is part of
    parts: npt.NDArray[np.float64]  # (v, 4) left, top, right, bottom in it, 0..1
    grids: npt.NDArray[np.float32]  # (b, GRID_ROWS, GRID_COLS) luma, the small pictures
    aspects: npt.NDArray[np.float64]  # (b,) width by height


class _View(NamedTuple):
    """A view while it is made, not mirrored yet."""

    name: str
    rect: Rect
    means: Floats  # (8, 8, 3)
    later: bool
    window: int  # ANY_WINDOW where it has a small picture of its own
    base: int


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
    canvas = Canvas(reduced(picture), whole)
    plan = LEVELS[level]
    views, luma = _exact(picture, exact, canvas)
    others = _others(canvas, plan, list(exact.values()), keep_borders)
    for name, (rect, later) in others.items():
        views.append(_View(name, rect, canvas.means(rect), later, ANY_WINDOW, len(luma)))
        luma.append(canvas.luma(rect))
    small = canvas.smaller(_TURNED_SIDE)
    for degrees in plan.later_turns:
        shown, rect = small.turned(degrees)
        if min(rect.width / whole.width, rect.height / whole.height) < _LEAST_LEFT:
            continue
        means = shown.means(rect)
        views.append(_View(f"turned {degrees:g}", rect, means, True, ANY_WINDOW, len(luma)))
        luma.append(shown.luma(rect))
    for view in [view for view in views if _is_parted(view)][: plan.n_parted]:
        views += _parts(view, canvas)
    return _with_mirrors(views, np.stack(luma), whole)


def _exact(
    picture: Picture, rects: dict[str, Rect], canvas: Canvas
) -> tuple[list[_View], list[Floats]]:
    """Return the views that are summed as references are, and their small pictures."""
    grids = Grids(len(rects))
    for rect in rects.values():
        grids.add(picture, rect)
    views = [
        _View(name, rect, means, False, ANY_WINDOW, base)
        for base, ((name, rect), means) in enumerate(
            zip(rects.items(), grids.rgb_means(), strict=True)
        )
    ]
    return views, [canvas.luma(rect) for rect in rects.values()]


def _is_parted(view: _View) -> bool:
    return not view.name.startswith(("centre", "turned"))


def _parts(view: _View, canvas: Canvas) -> list[_View]:
    """Return the parts of a view that are looked for among the same windows of references."""
    parts = []
    for number in PARTS:
        name, window = WINDOWS[number]
        rect = _rounded(window, view.rect.width / FINE_CELLS, view.rect.height / FINE_CELLS)
        rect = Rect(
            rect.left + view.rect.left,
            rect.top + view.rect.top,
            rect.right + view.rect.left,
            rect.bottom + view.rect.top,
        )
        if rect.width and rect.height:
            name = f"{view.name} {name}"
            parts.append(_View(name, rect, canvas.means(rect), True, number, view.base))
    return parts


def _others(
    canvas: Canvas, plan: _Plan, known: list[Rect], keep_borders: bool
) -> dict[str, tuple[Rect, bool]]:
    """Return boxes and centres that no known view shows, and whether they are looked at later."""
    height, width = canvas.pixels.shape[:2]
    whole = canvas.whole
    luma = luma_of_means(canvas.pixels).astype(np.float32)
    n_boxes = 0 if keep_borders else plan.n_boxes + plan.n_later_boxes
    found: dict[str, tuple[Rect, bool]] = {}
    for box in find_boxes(luma, n_boxes):
        rect = _rounded(box.rect, whole.width / width, whole.height / height)
        seen = [*known, *(other for other, _ in found.values())]
        if all(shared_area(rect, other) < _SAME_VIEW for other in seen):
            found[f"box {len(found) + 1}"] = rect, len(found) >= plan.n_boxes
    for share in (*plan.centres, *plan.later_centres):
        x, y = (round(side * (1 - share) / 2) for side in (whole.width, whole.height))
        if whole.width > 2 * x and whole.height > 2 * y:
            rect = Rect(x, y, whole.width - x, whole.height - y)
            found[f"centre {share}"] = rect, share in plan.later_centres
    return found


def _rounded(rect: Rect, x: float, y: float) -> Rect:
    return Rect(*(round(side * by) for side, by in zip(rect, (x, y, x, y), strict=True)))


def _with_mirrors(views: list[_View], luma: Floats, whole: Rect) -> PictureViews:
    means = np.stack([view.means for view in views])
    both = np.concatenate((means, mirror_means(means)))
    order = np.arange(len(both)).reshape(2, -1).T.ravel()
    found = quality(both)
    textured = is_textured(luma)[[view.base for view in views]]
    found[~np.tile(textured, 2)] = 0
    rects = tuple(view.rect for view in views for _ in range(2))
    return PictureViews(
        names=tuple(view.name + mirror for view in views for mirror in ("", MIRRORED)),
        layouts=describe(both)[order],
        quality=found[order],
        rects=rects,
        width=whole.width,
        height=whole.height,
        later=np.repeat([view.later for view in views], 2),
        windows=np.array([w for view in views for w in _both_windows(view.window)], np.int64),
        bases=np.array([2 * view.base + m for view in views for m in range(2)], np.int64),
        parts=np.array([_part(w) for view in views for w in _both_windows(view.window)]),
        grids=np.stack((luma, luma[:, :, ::-1]), axis=1)
        .reshape(-1, *luma.shape[1:])
        .astype(np.float32),
        aspects=np.repeat(_base_aspects(views, len(luma)), 2),
    )


def _both_windows(window: int) -> tuple[int, int]:
    """Return a window, and the one that is it when the picture is mirrored."""
    return window, ANY_WINDOW if window == ANY_WINDOW else mirrored_window(window)


def _part(window: int) -> tuple[float, ...]:
    if window == ANY_WINDOW:
        return 0.0, 0.0, 1.0, 1.0
    return tuple(side / FINE_CELLS for side in WINDOWS[window].rect)


def _base_aspects(views: list[_View], n_bases: int) -> Floats:
    aspects = np.ones(n_bases)
    for view in views:
        if view.window == ANY_WINDOW:
            aspects[view.base] = view.rect.width / view.rect.height
    return aspects
