"""Edits that put the picture into something larger: bars, fills, bands, pages, players."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bench.quality.edit_overlays import font, sentence
from bench.quality.edit_tone import Rng
from bench.quality.pictures import Pixels, fitted, resized


def letterbox(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Add black bars above and below, each `share` of the new height."""
    bar = round(picture.shape[0] * share / (1 - 2 * share))
    return _padded(picture, (0, bar, 0, bar), _black(rng))


def pillarbox(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Add black bars left and right, each `share` of the new width."""
    bar = round(picture.shape[1] * share / (1 - 2 * share))
    return _padded(picture, (bar, 0, bar, 0), _black(rng))


def border(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Add a border of `share` of each side, white or of any flat colour."""
    colour = np.full(3, 255) if rng.random() < 0.5 else rng.integers(0, 256, 3)
    x, y = (round(n * share) for n in (picture.shape[1], picture.shape[0]))
    return _padded(picture, (x, y, x, y), colour)


def blurred_fill(picture: Pixels, rng: Rng, ratio: float) -> Pixels:
    """Fit the picture into a canvas of aspect `ratio`, filled with itself blurred."""
    height, width = picture.shape[:2]
    canvas_h = round(width / ratio) if ratio < width / height else height
    canvas_w = width if ratio < width / height else round(height * ratio)
    scale = max(canvas_w / width, canvas_h / height)
    cover = Image.fromarray(resized(picture, round(width * scale), round(height * scale)))
    x, y = (cover.width - canvas_w) // 2, (cover.height - canvas_h) // 2
    back = cover.crop((x, y, x + canvas_w, y + canvas_h))
    back = back.filter(ImageFilter.GaussianBlur(canvas_w * rng.uniform(0.02, 0.05)))
    filled = (np.asarray(back) * rng.uniform(0.6, 1.0)).astype(np.uint8)
    return _pasted(filled, picture, (canvas_w - width) // 2, (canvas_h - height) // 2)


def meme_band(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Add a band with text above or below, `share` of the old height."""
    height, width = picture.shape[:2]
    band = round(height * share)
    white = rng.random() < 0.7
    above = rng.random() < 0.6
    sides = (0, band, 0, 0) if above else (0, 0, 0, band)
    image = Image.fromarray(_padded(picture, sides, np.full(3, 255 if white else 0)))
    draw, fill = ImageDraw.Draw(image), "black" if white else "white"
    n_lines = 2 if share > 0.2 else 1
    size = round(band / n_lines * 0.55)
    for line in range(n_lines):
        text = sentence(rng, 5)
        fits = max(8, min(size, round(size * width * 0.95 / draw.textlength(text, font(size)))))
        y = (0 if above else height) + band * (line + 0.5) / n_lines
        draw.text((width / 2, y), text, fill=fill, font=font(fits), anchor="mm")
    return np.asarray(image)


def picture_in_picture(picture: Pixels, rng: Rng, scale: float) -> Pixels:
    """Show the picture at `scale` of both sides anywhere on something else."""
    height, width = picture.shape[:2]
    w, h = round(width * scale), round(height * scale)
    x, y = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
    return _pasted(backdrop(rng, width, height), resized(picture, w, h), int(x), int(y))


def stacked(picture: Pixels, rng: Rng) -> Pixels:
    """Put something else above or below the picture, as large as it."""
    height, width = picture.shape[:2]
    other = backdrop(rng, width, height)
    return np.vstack([picture, other] if rng.random() < 0.5 else [other, picture])


def player(picture: Pixels, rng: Rng, kind: int) -> Pixels:
    """Show a player's controls (1), its window (2), or it on a page as a telephone shows it (3)."""
    shown = _controls(picture, rng)
    height, width = shown.shape[:2]
    if kind == 1:
        return shown
    if kind == 2:
        page = _page(rng, round(width * rng.uniform(1.1, 1.4)), round(height * 1.3))
        x = rng.integers(0, page.shape[1] - width + 1)
        y = rng.integers(round(height * 0.08), page.shape[0] - height + 1)
        return _pasted(page, shown, int(x), int(y))
    page = _page(rng, width, max(round(width * rng.uniform(1.5, 2.1)), round(height * 1.2)))
    return _pasted(page, shown, 0, int(rng.integers(0, max(1, (page.shape[0] - height) // 2))))


def backdrop(rng: Rng, width: int, height: int) -> Pixels:
    """Return a drawn scene that no clip holds: a gradient with shapes on it."""
    ends = rng.uniform(0, 255, (2, 3))
    slope = np.linspace(0, 1, height)[:, None, None]
    pixels = np.broadcast_to(ends[0] * (1 - slope) + ends[1] * slope, (height, width, 3))
    image = Image.fromarray(pixels.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 14))):
        x, y = rng.uniform(-0.1, 0.9) * width, rng.uniform(-0.1, 0.9) * height
        box = (x, y, x + rng.uniform(0.05, 0.5) * width, y + rng.uniform(0.05, 0.5) * height)
        fill = tuple(int(c) for c in rng.integers(0, 256, 3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=fill)
    return np.asarray(image)


def _page(rng: Rng, width: int, height: int) -> Pixels:
    """Return a web page: flat, with lines of text and boxes."""
    dark = rng.random() < 0.5
    image = Image.new("RGB", (width, height), "#181818" if dark else "#f8f8f8")
    draw = ImageDraw.Draw(image)
    fill = "#dddddd" if dark else "#222222"
    size = max(8, round(width * 0.025))
    for y in range(size, height, round(size * 2.2)):
        if rng.random() < 0.75:
            draw.text((size, y), sentence(rng, int(rng.integers(3, 9))), fill=fill, font=font(size))
        if rng.random() < 0.3:
            colour = tuple(int(c) for c in rng.integers(0, 256, 3))
            draw.rectangle((width * 0.8, y, width * 0.97, y + size * 1.5), fill=colour)
    return np.asarray(image)


def _controls(picture: Pixels, rng: Rng) -> Pixels:
    """Draw a darkened strip with a progress bar, a play sign and times at the bottom."""
    height, width = picture.shape[:2]
    strip = round(height * rng.uniform(0.09, 0.14))
    edited = picture.copy()
    edited[-strip:] = (edited[-strip:] * 0.35).astype(np.uint8)
    image = Image.fromarray(edited)
    draw = ImageDraw.Draw(image)
    y, reached = height - strip * 0.8, rng.uniform(0.05, 0.95)
    draw.rectangle((0.02 * width, y, 0.98 * width, y + strip * 0.12), fill="#888888")
    end = (0.02 + 0.96 * reached) * width
    draw.rectangle((0.02 * width, y, end, y + strip * 0.12), fill="#ee2222")
    x, low, d = 0.03 * width, height - strip * 0.5, strip * 0.4
    draw.polygon([(x, low), (x + d, low + d / 2), (x, low + d)], fill="white")
    times = f"{rng.integers(0, 24)}:{rng.integers(10, 60)} / 24:{rng.integers(10, 60)}"
    draw.text((x + 2 * d, low), times, fill="white", font=font(round(strip * 0.35)))
    return np.asarray(image)


def _black(rng: Rng) -> np.ndarray:
    return np.full(3, rng.integers(0, 17))


def _padded(picture: Pixels, sides: tuple[int, int, int, int], colour: np.ndarray) -> Pixels:
    """Add pixels left, above, right and below."""
    left, top, right, bottom = sides
    height, width = picture.shape[:2]
    canvas = np.empty((height + top + bottom, width + left + right, 3), np.uint8)
    canvas[:] = colour
    canvas[top : top + height, left : left + width] = picture
    return canvas


def _pasted(canvas: Pixels, picture: Pixels, x: int, y: int) -> Pixels:
    edited = canvas.copy()
    edited[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return edited


def bounded(picture: Pixels, rng: Rng, longest: int = 960) -> Pixels:
    """Scale a picture down whose longer side has more pixels than `longest`."""
    height, width = picture.shape[:2]
    return resized(picture, *fitted(width, height, (longest, longest)))
