"""Pieces of a drawn report: text in any script, bars, grids and pictures, as images to be stacked.

Text takes the font that comes with Pillow; characters it lacks are looked for in fonts of the
system, and where none has them they are written plainly or as a question mark.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Colour: TypeAlias = tuple[int, int, int]
Font: TypeAlias = ImageFont.FreeTypeFont

BACK: Colour = (250, 250, 248)
INK: Colour = (32, 34, 38)
FAINT: Colour = (112, 116, 122)
LINE: Colour = (205, 206, 204)

_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKjp-Regular.otf",
    "NotoSansJP-Regular.otf",
    "NotoSansJP-Regular.ttf",
    "ipag.ttf",
    "DroidSansFallbackFull.ttf",
    "wqy-microhei.ttc",
    "Arial Unicode.ttf",
    "Hiragino Sans GB.ttc",
    "YuGothM.ttc",
    "msgothic.ttc",
    "malgun.ttf",
    "arial.ttf",
)
_PLAIN = str.maketrans({"×": "x", "“": '"', "”": '"', "–": "-", "·": "-", "°": " deg", "≥": ">="})
_NO_CHARACTER = "\uffff"
_LINE_HEIGHT = 1.35
MARGIN = 24  # of a page, pixels


@cache
def _fonts(size: int) -> tuple[Font, ...]:
    found = []
    for name in _FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return tuple(found)


@cache
def _own_font(size: int) -> Font:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, which drawing needs")
    return font


@cache
def _font_of(character: str, size: int) -> Font | None:
    """Return a font that has a character, None where there is none."""
    own = _own_font(size)
    if character.isascii():
        return own
    for font in (own, *_fonts(size)):
        if bytes(font.getmask(character)) != bytes(font.getmask(_NO_CHARACTER)):
            return font
    return None


def _drawable(text: str, size: int) -> Iterator[tuple[str, Font]]:
    """Yield the characters to draw, and the font of each."""
    own = _own_font(size)
    for character in text:
        font = _font_of(character, size) if character.isprintable() else None
        if font is not None:
            yield character, font
            continue
        plain = unicodedata.normalize("NFKD", character.translate(_PLAIN))
        plain = plain.encode("ascii", "ignore").decode()
        yield from ((one, own) for one in (plain if plain.isprintable() and plain else "?"))


def runs(text: str, size: int) -> list[tuple[str, Font]]:
    """Return a text cut into parts of one font each."""
    pieces = list(_drawable(text, size))
    return [
        ("".join(piece[0] for piece in group), font)
        for font, group in groupby(pieces, key=lambda piece: piece[1])
    ]


def text_width(text: str, size: int) -> float:
    """Return how wide a line of text is, pixels."""
    return sum(font.getlength(part) for part, font in runs(text, size))


def write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: Colour = INK
) -> None:
    """Write one line whose top left corner is `at`."""
    x, y = at
    for part, font in runs(text, size):
        draw.text((x, y + size), part, fill=colour, font=font, anchor="ls")
        x += font.getlength(part)


def wrapped(text: str, size: int, width: float) -> list[str]:
    """Cut a text into lines that fit; what has no spaces is cut anywhere."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".lstrip()
        if text_width(joined, size) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        while text_width(word, size) > width:
            n = max(1, sum(text_width(word[: i + 1], size) <= width for i in range(len(word))))
            lines[-1:] = [word[:n], ""]
            word = word[n:]
        lines[-1] = word
    return lines if lines[-1] or len(lines) == 1 else lines[:-1]


def shortened(text: str, size: int, width: float) -> str:
    """Return a text that fits one line, its middle left out where it is long."""
    if text_width(text, size) <= width:
        return text
    keep = len(text)
    while keep > 2 and text_width(_cut(text, keep), size) > width:
        keep -= 1
    return _cut(text, keep)


def _cut(text: str, keep: int) -> str:
    return f"{text[: keep - keep // 2]}…{text[len(text) - keep // 2 :]}"


def paragraph(text: str, size: int, width: int, colour: Colour = INK) -> Image.Image:
    """Return a text of any length as an image of this width."""
    lines = wrapped(text, size, width)
    step = round(size * _LINE_HEIGHT)
    image = Image.new("RGB", (width, step * len(lines)), BACK)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        write(draw, (0, number * step), line, size, colour)
    return image


def stacked(parts: Sequence[Image.Image], gap: int) -> Image.Image:
    """Put images below each other."""
    height = sum(part.height for part in parts) + gap * (len(parts) - 1)
    image = Image.new("RGB", (max(part.width for part in parts), height), BACK)
    y = 0
    for part in parts:
        image.paste(part, (0, y))
        y += part.height + gap
    return image


def page(strips: Sequence[Image.Image], gap: int) -> bytes:
    """Return strips below each other, within a margin, as a PNG file."""
    body = stacked(strips, gap)
    image = Image.new("RGB", (body.width + 2 * MARGIN, body.height + 2 * MARGIN), BACK)
    image.paste(body, (MARGIN, MARGIN))
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()


def beside(parts: Sequence[Image.Image], gap: int) -> Image.Image:
    """Put images beside each other, their tops on one line."""
    width = sum(part.width for part in parts) + gap * (len(parts) - 1)
    image = Image.new("RGB", (width, max(part.height for part in parts)), BACK)
    x = 0
    for part in parts:
        image.paste(part, (x, 0))
        x += part.width + gap
    return image


def fitted(width: float, height: float, most_width: int, most_height: int) -> tuple[int, int]:
    """Return the largest size of a shape within a box, at least 1 x 1."""
    scale = min(most_width / width, most_height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def picture(
    pixels: npt.NDArray[np.uint8],  # (h, w, 3), or (h, w) of luma
    size: tuple[int, int],
    *,
    smooth: bool = True,
) -> Image.Image:
    """Return pixels at another size; not smooth, every one of them is a block."""
    how = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    return Image.fromarray(pixels).convert("RGB").resize(size, how)
