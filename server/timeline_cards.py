"""One scene of a drawn timeline: a frame of the video, what is stored of its source, and words."""

from __future__ import annotations

from PIL import Image, ImageDraw

from mitate.server.comparison import clock
from mitate.server.drawing import (
    BACK,
    FAINT,
    INK,
    LINE,
    Colour,
    beside,
    fitted,
    picture,
    shortened,
    stacked,
    text_width,
    write,
)
from mitate.server.records import Match
from mitate.server.timeline_scenes import Scene, Shown

SHOWN_WIDTH, SHOWN_HEIGHT = 192, 108
_BETWEEN = 6  # a frame and its source
CARD_WIDTH = 2 * SHOWN_WIDTH + _BETWEEN
_HATCH = 9  # pixels between the lines of what is empty
_SAME_SPEED = 0.01

EMPTY: Colour = (228, 228, 224)
_NIGHT: Colour = (24, 25, 28)


def place(one: Match) -> str:
    """Return the name of the episode of a segment; one named like its title is said once."""
    return one.title if one.episode in ("", one.title) else f"{one.title}, {one.episode}"


def hatched(width: int, height: int) -> Image.Image:
    """Return a box that stands for nothing."""
    box = Image.new("RGB", (width, height), EMPTY)
    pen = ImageDraw.Draw(box)
    for x in range(-height, width, _HATCH):
        pen.line((x, height - 1, x + height, 0), fill=LINE)
    return box


def card(scene: Scene, number: int, colour: Colour) -> Image.Image:
    """Return a scene; the number and colour are those of a segment."""
    one = scene.segment
    span = f"{clock(scene.from_ms)}–{clock(scene.to_ms)}"
    head = Image.new("RGB", (CARD_WIDTH, 22), BACK)
    pen = ImageDraw.Draw(head)
    x = 0.0
    if one is not None:
        label = str(number)
        x = text_width(label, 14) + 12
        pen.rounded_rectangle((0, 0, x - 1, 19), 4, fill=colour)
        write(pen, (6, 1), label, 14, BACK)
        x += 8
    write(pen, (x, 1), span, 15, INK if one is not None else FAINT)
    if one is not None and one.probability is not None:
        text = f"probability {_probability(one.probability)}"
        write(pen, (CARD_WIDTH - text_width(text, 13), 3), text, 13, FAINT)
    pictures = beside([_framed(scene.query), _right(scene)], _BETWEEN)
    told = _lines("", "") if one is None else _lines(place(one), _notes(one))
    return stacked([head, pictures, told], 3)


def _probability(value: float) -> str:
    return f"{value:.3f}" if value < 0.9995 else "over 0.999"


def _lines(name: str, notes: str) -> Image.Image:
    image = Image.new("RGB", (CARD_WIDTH, 40), BACK)
    pen = ImageDraw.Draw(image)
    write(pen, (0, 0), shortened(name, 15, CARD_WIDTH), 15)
    write(pen, (0, 20), shortened(notes, 13, CARD_WIDTH), 13, FAINT)
    return image


def _notes(one: Match) -> str:
    said = [] if one.verdict.is_believed else ["uncertain"]
    said.append(f"{clock(one.from_ms)}–{clock(one.to_ms)}")
    if one.mirrored:
        said.append("mirrored")
    if one.speed == 0:
        said.append("freeze")
    elif abs(one.speed - 1) >= _SAME_SPEED:
        said.append(f"{abs(one.speed):.3g}× speed" + (", backwards" if one.speed < 0 else ""))
    said.append(f"similarity {one.similarity:.2f}")
    n_others = len({other.episode_id for other in one.alternatives})
    if n_others:
        said.append(f"also in {n_others} other episode" + ("s" if n_others > 1 else ""))
    return " · ".join(said)


def _framed(shown: Shown | None) -> Image.Image:
    """Return a frame, whole, in a box of the usual shape."""
    box = Image.new("RGB", (SHOWN_WIDTH, SHOWN_HEIGHT), _NIGHT)
    if shown is not None:
        size = fitted(shown.aspect, 1, SHOWN_WIDTH, SHOWN_HEIGHT)
        left, top = (SHOWN_WIDTH - size[0]) // 2, (SHOWN_HEIGHT - size[1]) // 2
        box.paste(picture(shown.pixels, size), (left, top))
    return box


def _right(scene: Scene) -> Image.Image:
    """Return what is stored of the source, or why nothing is."""
    if scene.source is not None:
        return _framed(scene.source)
    box = hatched(SHOWN_WIDTH, SHOWN_HEIGHT)
    pen = ImageDraw.Draw(box)
    text = "not recognised" if scene.segment is None else "no longer stored"
    wide = text_width(text, 14)
    left, top = (SHOWN_WIDTH - wide) / 2, SHOWN_HEIGHT / 2 - 12
    pen.rectangle((left - 6, top - 2, left + wide + 6, top + 22), fill=EMPTY)
    write(pen, (left, top), text, 14, FAINT)
    return box
