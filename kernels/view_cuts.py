"""Which parts of a queried picture are views, and what is seen in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.boxes import find_boxes, shared_area
from mitate.kernels.canvas import Canvas
from mitate.kernels.decode import Picture
from mitate.kernels.grids import FINE_CELLS, Grids
from mitate.kernels.thumbnails import luma_of_means
from mitate.kernels.windows import ANY_WINDOW, PARTS, WINDOWS

Floats = npt.NDArray[np.float64]
Level = Literal["fast", "normal", "thorough"]

_LEAST_LEFT = 0.3  # share of both sides that is left of a picture once it is turned
_TURNED_SIDE = 160  # to which the longer side is reduced before a picture is turned
# Boxes that share so much of their union with another view are left out.
_SAME_VIEW = 0.9


class Plan(NamedTuple):
    """What a level looks for; what is named `later` only where the rest leaves it undecided."""

    n_boxes: int
    centres: tuple[float, ...] = ()  # shares of both sides
    n_later_boxes: int = 0
    later_centres: tuple[float, ...] = ()
    later_turns: tuple[float, ...] = ()  # degrees
    n_parted: int = 0  # views of which parts are looked for


LEVELS: dict[Level, Plan] = {
    "fast": Plan(0),
    "normal": Plan(4, (0.85,), 4, (0.7,), (-15, -10, -5, 5, 10, 15), 3),
    "thorough": Plan(10, (0.9, 0.8, 0.7), 4, (0.6,), (-15, -12, -8, -4, 4, 8, 12, 15), 8),
}


class Cut(NamedTuple):
    """A view, not mirrored yet."""

    name: str
    rect: Rect
    means: Floats  # (8, 8, 3)
    window: int  # ANY_WINDOW where it has a small picture of its own
    base: int  # number of the small picture that it is, or is part of
    luma: Floats  # that small picture


def exact_cuts(picture: Picture, rects: Mapping[str, Rect], canvas: Canvas) -> list[Cut]:
    """Return the parts of a picture that are summed as references are."""
    grids = Grids(len(rects))
    for rect in rects.values():
        grids.add(picture, rect)
    found = zip(rects.items(), grids.rgb_means(), strict=True)
    return [
        Cut(name, rect, means, ANY_WINDOW, base, canvas.luma(rect))
        for base, ((name, rect), means) in enumerate(found)
    ]


def rect_cuts(rects: Mapping[str, Rect], canvas: Canvas, first_base: int) -> list[Cut]:
    """Return parts of a picture."""
    return [
        Cut(name, rect, canvas.means(rect), ANY_WINDOW, base, canvas.luma(rect))
        for base, (name, rect) in enumerate(rects.items(), first_base)
    ]


def turned_cuts(turns: Iterable[float], canvas: Canvas, first_base: int) -> list[Cut]:
    """Return a picture turned by so many degrees, where enough of it is left."""
    small, whole = canvas.smaller(_TURNED_SIDE), canvas.whole
    cuts: list[Cut] = []
    for degrees in turns:
        shown, rect = small.turned(degrees)
        if min(rect.width / whole.width, rect.height / whole.height) >= _LEAST_LEFT:
            cuts += rect_cuts({f"turned {degrees:g}": rect}, shown, first_base + len(cuts))
    return cuts


def part_cuts(name: str, rect: Rect, base: int, luma: Floats, canvas: Canvas) -> list[Cut]:
    """Return the parts of a view that are looked for among the same windows of references."""
    cuts = []
    for number in PARTS:
        part, window = WINDOWS[number]
        inner = _rounded(window, rect.width / FINE_CELLS, rect.height / FINE_CELLS)
        inner = Rect(
            inner.left + rect.left,
            inner.top + rect.top,
            inner.right + rect.left,
            inner.bottom + rect.top,
        )
        if inner.width and inner.height:
            cuts.append(Cut(f"{name} {part}", inner, canvas.means(inner), number, base, luma))
    return cuts


def inner_rects(
    canvas: Canvas, plan: Plan, known: Iterable[Rect], keep_borders: bool
) -> tuple[dict[str, Rect], dict[str, Rect]]:
    """Return boxes and centres that no known view shows, and those that are looked at later."""
    boxes = {} if keep_borders else _boxes(canvas, plan.n_boxes + plan.n_later_boxes, list(known))
    first = dict(list(boxes.items())[: plan.n_boxes])
    later = {name: rect for name, rect in boxes.items() if name not in first}
    return first | _centres(canvas, plan.centres), later | _centres(canvas, plan.later_centres)


def _boxes(canvas: Canvas, most: int, known: list[Rect]) -> dict[str, Rect]:
    height, width = canvas.pixels.shape[:2]
    luma = luma_of_means(canvas.pixels.astype(np.float64)).astype(np.float32)
    found: dict[str, Rect] = {}
    for box in find_boxes(luma, most):
        rect = _rounded(box.rect, canvas.whole.width / width, canvas.whole.height / height)
        if all(shared_area(rect, other) < _SAME_VIEW for other in (*known, *found.values())):
            found[f"box {len(found) + 1}"] = rect
    return found


def _centres(canvas: Canvas, shares: Iterable[float]) -> dict[str, Rect]:
    whole = canvas.whole
    found = {}
    for share in shares:
        x, y = (round(side * (1 - share) / 2) for side in (whole.width, whole.height))
        if whole.width > 2 * x and whole.height > 2 * y:
            found[f"centre {share}"] = Rect(x, y, whole.width - x, whole.height - y)
    return found


def _rounded(rect: Rect, x: float, y: float) -> Rect:
    return Rect(*(round(side * by) for side, by in zip(rect, (x, y, x, y), strict=True)))
