"""Edits that lay something over the picture: subtitles, logos, stickers, text, mosaics."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.quality.edit_tone import Rng
from bench.quality.pictures import Pixels

_WORDS = (
    *("the", "night", "was", "long", "nobody", "came", "home", "you", "said", "that", "would"),
    *("wait", "for", "me", "why", "are", "running", "look", "over", "there", "it", "cannot"),
    *("be", "true", "again", "tomorrow", "please", "never", "give", "up", "this", "is", "our"),
)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=256)
def font(size: int) -> Font:
    """Return the outline font that comes with Pillow."""
    return ImageFont.load_default(max(6, size))


def sentence(rng: Rng, n_words: int) -> str:
    """Return words in a row."""
    return " ".join(rng.choice(_WORDS, n_words)).capitalize()


def draw_line(image: Image.Image, text: str, middle: float, size: int, fill: str) -> None:
    """Draw a line of text with a black outline, centred at height `middle` (0..1)."""
    draw = ImageDraw.Draw(image)
    while draw.textlength(text, font(size)) > image.width * 0.95 and size > 7:
        size -= 1
    place = (image.width / 2, image.height * middle)
    width = max(1, size // 10)
    draw.text(
        place,
        text,
        fill=fill,
        font=font(size),
        anchor="mm",
        stroke_width=width,
        stroke_fill="black",
    )


def subtitles(picture: Pixels, rng: Rng, n_lines: int) -> Pixels:
    """Burn in one or two lines; three means karaoke, coloured lines at the top as well."""
    image = Image.fromarray(picture)
    size = round(image.height * rng.uniform(0.055, 0.075))
    step = 1.25 * size / image.height
    fill = str(rng.choice(["white", "white", "yellow"]))
    for line in range(min(n_lines, 2)):
        draw_line(image, sentence(rng, int(rng.integers(5, 9))), 0.94 - line * step, size, fill)
    if n_lines > 2:
        colour = str(rng.choice(["cyan", "magenta", "orange", "lime"]))
        for line in range(2):
            draw_line(image, sentence(rng, 7), 0.06 + line * step, size, colour)
    return np.asarray(image)


def logo(picture: Pixels, rng: Rng, area: float) -> Pixels:
    """Put an opaque logo of a share `area` of the picture near a corner."""
    height, width = picture.shape[:2]
    ratio = rng.uniform(0.8, 2.5)
    w = min(width * 0.9, np.sqrt(area * width * height * ratio))
    h = min(height * 0.9, area * width * height / w)
    x_gap, y_gap = rng.uniform(0, 0.05, 2) * (width, height)
    left = x_gap if rng.random() < 0.5 else width - w - x_gap
    top = y_gap if rng.random() < 0.5 else height - h - y_gap
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    box = (left, top, left + w, top + h)
    draw.rounded_rectangle(box, h / 5, fill=_colour(rng), outline=_colour(rng), width=2)
    text = sentence(rng, 1)
    size = max(6, round(min(h * 0.6, w / len(text) * 1.6)))
    draw.text((left + w / 2, top + h / 2), text, fill=_colour(rng), font=font(size), anchor="mm")
    return np.asarray(image)


def sticker(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Put a drawn face of `share` of the height anywhere."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    d = share * image.height
    x, y = rng.uniform(0, max(1, image.width - d)), rng.uniform(0, image.height - d)
    draw.ellipse((x, y, x + d, y + d), fill=_warm(rng), outline="black", width=max(1, int(d / 30)))
    for eye in (0.3, 0.7):
        at = (x + d * (eye - 0.07), y + d * 0.25, x + d * (eye + 0.07), y + d * 0.45)
        draw.ellipse(at, fill="black")
    mouth = (x + d * 0.2, y + d * 0.3, x + d * 0.8, y + d * 0.82)
    draw.arc(mouth, 20, 160, fill="black", width=max(2, int(d / 15)))
    return np.asarray(image)


def big_text(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Write a word or two whose letters take `share` of the height, anywhere."""
    image = Image.fromarray(picture)
    size = round(image.height * share)
    middle = rng.uniform(share / 2, 1 - share / 2)
    n_words = 3 if share < 0.15 else 2 if share < 0.25 else 1
    draw_line(image, sentence(rng, n_words).upper(), middle, size, _colour(rng))
    return np.asarray(image)


def mosaic_region(picture: Pixels, rng: Rng, area: float, block: int = 16) -> Pixels:
    """Pixelate a rectangle of a share `area` of the picture, anywhere."""
    height, width = picture.shape[:2]
    ratio = np.exp(rng.normal(0, 0.2))
    w = round(width * min(1.0, np.sqrt(area) * ratio))
    h = round(height * min(1.0, area * width / max(1, w)))
    x, y = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
    size = max(2, round(block * width / 640))
    part = Image.fromarray(picture[y : y + h, x : x + w])
    small = part.resize((max(1, w // size), max(1, h // size)), Image.Resampling.BOX)
    edited = picture.copy()
    edited[y : y + h, x : x + w] = np.asarray(small.resize((w, h), Image.Resampling.NEAREST))
    return edited


def _colour(rng: Rng) -> str:
    red, green, blue = rng.integers(0, 256, 3)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _warm(rng: Rng) -> str:
    return f"#ff{rng.integers(150, 230):02x}{rng.integers(0, 90):02x}"
