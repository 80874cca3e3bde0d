"""The panels of a drawn comparison: a side, the close look, the blocks, the coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from mitate.kernels.agreement import PARTS
from mitate.kernels.borders import Rect
from mitate.kernels.fit import Fit
from mitate.kernels.layout import restore
from mitate.server.comparison import Comparison, Side, clock
from mitate.server.drawing import (
    BACK,
    FAINT,
    INK,
    LINE,
    MARGIN,
    Colour,
    beside,
    fitted,
    paragraph,
    picture,
    shortened,
    stacked,
    write,
)

WIDTH = 1200
SIDE_WIDTH = (WIDTH - MARGIN) // 2
SIDE_HEIGHT = 380
_LOOK_WIDTH, _LOOK_HEIGHT = (WIDTH - 2 * MARGIN) // 3, 230
_BLOCKS_WIDTH, _BLOCKS_HEIGHT = 220, 170
_CHART_HEIGHT = 170
_MOST_ASPECT = 4.0
_THIN = 40  # pixels; smaller rectangles get a finer line

QUERY: Colour = (206, 96, 24)  # the part that was compared
REFERENCE: Colour = (28, 108, 188)
BORDER: Colour = (170, 60, 150)
_UNKNOWN: Colour = (228, 228, 224)
# First coordinates of luma, Cb and Cr in a searched vector, and the end of Cr.
_GROUPS = (("luma", 0, 20), ("Cb", 20, 25), ("Cr", 25, 30))


def side_panel(side: Side, comparison: Comparison) -> Image.Image:
    """Return one side with the border, the compared part and the other side's place drawn in."""
    at = "" if side.at_ms is None else f" at {clock(side.at_ms)}"
    name = shortened(f"{side.letter}: {side.name}", 16, SIDE_WIDTH - 110)
    head = Image.new("RGB", (SIDE_WIDTH, 24), BACK)
    write(ImageDraw.Draw(head), (0, 0), name + at, 16)
    shape = (side.width, side.height) if side.sized else (16, 9)
    image = _shown(side, fitted(*shape, SIDE_WIDTH, SIDE_HEIGHT))
    legend = _draw_parts(image, side, comparison)
    framed = Image.new("RGB", (SIDE_WIDTH, SIDE_HEIGHT), _UNKNOWN)
    framed.paste(image, ((SIDE_WIDTH - image.width) // 2, (SIDE_HEIGHT - image.height) // 2))
    return stacked([head, framed, _legend(legend)], 6)


def _shown(side: Side, size: tuple[int, int]) -> Image.Image:
    """Return what is known of how a side looks: pixels, a thumbnail, or the restored blocks."""
    if side.pixels is not None:
        return picture(side.pixels, size)
    if side.thumbnail is None:
        return picture(restore(side.layout[None])[0], size)
    image = Image.new("RGB", size, _UNKNOWN)
    left, top, right, bottom = _on(side.inner, side, size)
    inner = max(1, round(right - left)), max(1, round(bottom - top))
    image.paste(picture(np.asarray(side.thumbnail), inner), (round(left), round(top)))
    return image


def _draw_parts(image: Image.Image, side: Side, comparison: Comparison) -> list[tuple[Colour, str]]:
    """Draw the rectangles into the picture of a side; return what they mean."""
    pen, said = ImageDraw.Draw(image), []
    is_query = side is comparison.query
    colour = QUERY if is_query else REFERENCE
    if side.pixels is None:
        known = (
            "the stored thumbnail" if side.thumbnail is not None else "restored from 33 integers"
        )
        said.append((FAINT, f"{known}; no pixels are stored"))
    if side.inner != (0, 0, side.width, side.height) and side.sized:
        _outline(pen, _on(side.inner, side, image.size), BORDER)
        said.append((BORDER, "within the border"))
    if side.part is not None:
        _outline(pen, _on(side.part, side, image.size), colour)
        mirrored = ", looked for mirrored" if is_query and comparison.mirrored else ""
        kind = "view" if is_query else "window"
        said.append((colour, f"{kind} “{side.part_name}”{mirrored}"))
    if not is_query and comparison.fit is not None and side.sized:
        _outline_place(pen, comparison.fit, _on(side.inner, side, image.size))
        said.append((QUERY, f"where the view of {comparison.query.letter} lies"))
    return said


def _on(rect: Rect, side: Side, size: tuple[int, int]) -> tuple[float, float, float, float]:
    x, y = size[0] / side.width, size[1] / side.height
    return rect.left * x, rect.top * y, rect.right * x, rect.bottom * y


def _outline(
    pen: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: Colour
) -> None:
    left, top, right, bottom = (round(side) for side in box)
    inside = left, top, max(left, right - 1), max(top, bottom - 1)
    small = min(inside[2] - inside[0], inside[3] - inside[1]) < _THIN
    pen.rectangle(inside, outline=colour, width=1 if small else 3)


def _outline_place(
    pen: ImageDraw.ImageDraw, fit: Fit, inner: tuple[float, float, float, float]
) -> None:
    left, top, right, bottom = inner
    corners = fit.corners * (right - left, bottom - top) + (left, top)
    points = [(float(x), float(y)) for x, y in (*corners, corners[0])]
    small = min(np.ptp(corners, axis=0)) < _THIN
    pen.line(points, fill=QUERY, width=1 if small else 3, joint="curve")


def _legend(said: list[tuple[Colour, str]]) -> Image.Image:
    rows = []
    for colour, text in said:
        mark = Image.new("RGB", (22, 18), BACK)
        ImageDraw.Draw(mark).rectangle((2, 4, 14, 12), fill=colour)
        rows.append(beside([mark, paragraph(text, 13, SIDE_WIDTH - 22)], 0))
    return stacked(rows, 0) if rows else Image.new("RGB", (SIDE_WIDTH, 1), BACK)


def looked_at(comparison: Comparison) -> Image.Image:
    """Return the view, the thumbnail as it lies on it, and where they differ."""
    fit, grid = comparison.fit, comparison.grid
    if fit is None or grid is None:
        stage = next(stage for stage in comparison.stages if stage.name == "agreement")
        return paragraph(stage.text[0].upper() + stage.text[1:], 15, WIDTH, FAINT)
    query, reference = comparison.query, comparison.reference
    size = fitted(_readable(fit.aspect), 1, _LOOK_WIDTH, _LOOK_HEIGHT)
    mirrored = ", mirrored" if comparison.mirrored else ""
    parts = ", ".join(f"{name} {value:.2f}" for name, value in zip(PARTS, fit.parts, strict=True))
    laid = picture(_grey(fit.shown), size)
    laid.paste(Image.new("RGB", size, _UNKNOWN), mask=_mask(~fit.there, size))
    panels = [
        _titled(f"view of {query.letter}{mirrored}", picture(_grey(grid), size)),
        _titled(f"{reference.letter} laid onto it: {parts}", laid),
        _titled("where they differ", picture(_difference(grid, fit), size)),
    ]
    return beside(panels, MARGIN)


def _readable(aspect: float) -> float:
    """Return the aspect in which cells are drawn: theirs, unless they would be mere lines."""
    return min(max(aspect, 1 / _MOST_ASPECT), _MOST_ASPECT)


def _titled(title: str, image: Image.Image) -> Image.Image:
    head = paragraph(title, 13, _LOOK_WIDTH)
    framed = Image.new("RGB", (_LOOK_WIDTH, _LOOK_HEIGHT), BACK)
    framed.paste(image, (0, 0))
    return stacked([head, framed.crop((0, 0, _LOOK_WIDTH, image.height))], 4)


def _grey(luma: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(luma), 0, 255), np.uint8)


def _mask(cells: npt.NDArray[np.bool_], size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(cells.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)


def _difference(grid: npt.NDArray[np.float32], fit: Fit) -> npt.NDArray[np.uint8]:
    """Return where luma differs once brightness and contrast are made equal, dark to bright."""
    there = fit.there
    image = np.full((*grid.shape, 3), _UNKNOWN, np.uint8)
    if there.sum() < 2:
        return image
    one, other = np.asarray(grid[there], np.float64), fit.shown[there]
    equal = (other - other.mean()) * (one.std() / (other.std() + 1.0)) + one.mean()
    share = np.clip(np.abs(one - equal) / 96.0, 0, 1)[:, None]
    image[there] = np.rint(np.array([24, 26, 40]) * (1 - share) + np.array([255, 186, 60]) * share)
    return image


def blocks_panel(comparison: Comparison) -> Image.Image:
    """Return the 8x8 blocks that both descriptors stand for."""
    panels = []
    for side in sorted((comparison.query, comparison.reference), key=lambda side: side.letter):
        rect = side.part or (side.inner if side.sized else Rect(0, 0, 16, 9))
        aspect = _readable(rect.width / rect.height)
        size = fitted(aspect, 1, _BLOCKS_WIDTH, _BLOCKS_HEIGHT)
        image = picture(restore(side.layout[None])[0], size, smooth=False)
        mirrored = ", mirrored" if side is comparison.query and comparison.mirrored else ""
        head = paragraph(f"blocks of {side.letter}{mirrored}", 13, _BLOCKS_WIDTH)
        framed = Image.new("RGB", (_BLOCKS_WIDTH, _BLOCKS_HEIGHT), BACK)
        framed.paste(image, (0, 0))
        panels.append(stacked([head, framed], 4))
    return beside(panels, MARGIN)


def coefficients_panel(comparison: Comparison) -> Image.Image:
    """Return the coordinates of both searched vectors as bars, and what each group differs by."""
    width = WIDTH - 2 * _BLOCKS_WIDTH - 2 * MARGIN
    query, reference = comparison.query, comparison.reference
    head = paragraph(
        f"searched vectors of {query.letter} and {reference.letter}, low frequencies first; "
        f"distance {comparison.distance:,}",
        13,
        width,
    )
    chart = Image.new("RGB", (width, _CHART_HEIGHT), BACK)
    pen = ImageDraw.Draw(chart)
    middle, step = (_CHART_HEIGHT - 20) / 2, width / 32.0
    highest = max(1.0, float(np.abs([query.vector, reference.vector]).max()))
    pen.line((0, middle, width, middle), fill=LINE)
    for place, (name, first, stop) in enumerate(_GROUPS):
        x = (first + place) * step
        for number in range(first, stop):
            left = (number + place) * step
            for offset, side, colour in ((0.12, query, QUERY), (0.5, reference, REFERENCE)):
                height = float(side.vector[number]) / highest * (middle - 6)
                box = left + offset * step, middle - max(height, 0)
                end = left + (offset + 0.34) * step, middle - min(height, 0)
                pen.rectangle((*box, *end), fill=colour)
        difference = query.vector[first:stop].astype(int) - reference.vector[first:stop]
        text = f"{name}: {int((difference**2).sum()):,}"
        write(pen, (x, _CHART_HEIGHT - 17), text, 13, INK)
    return stacked([head, chart], 4)
