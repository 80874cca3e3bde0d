"""Edits that move the picture: crops at places off any grid, mirrors, turns, perspective."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bench.quality.edit_tone import Rng
from bench.quality.pictures import Pixels, resized


def crop(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Cut about `share` of the size from every side, unevenly."""
    return _cut(picture, rng.uniform(0.6, 1.4, 4) * share)


def corner(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Cut about `share` of the size from two sides that meet."""
    left, top = rng.integers(0, 2, 2)
    drawn = rng.uniform(0.8, 1.2, 2) * share
    sides = [drawn[0] * left, drawn[1] * top, drawn[0] * (1 - left), drawn[1] * (1 - top)]
    return _cut(picture, np.array(sides))


def window(picture: Pixels, rng: Rng, low: float, high: float) -> Pixels:
    """Keep a window of `low`..`high` of either side, of a somewhat other aspect, anywhere."""
    scale = rng.uniform(low, high)
    width, height = np.clip(scale * np.exp(rng.normal(0, 0.06, 2)), 0.3, 1.0)
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return _cut(picture, np.array([left, top, 1 - left - width, 1 - top - height]))


def zoom(picture: Pixels, rng: Rng, factor: float) -> Pixels:
    """Keep a window of 1 / `factor` of both sides, anywhere."""
    rest = 1 - 1 / factor
    left, top = rng.uniform(0, rest, 2)
    return _cut(picture, np.array([left, top, rest - left, rest - top]))


def squeeze(picture: Pixels, rng: Rng, ratio: float) -> Pixels:
    """Change the aspect by `ratio` or its inverse."""
    height, width = picture.shape[:2]
    factor = np.sqrt(ratio if rng.random() < 0.5 else 1 / ratio)
    return resized(picture, round(width * factor), round(height / factor))


def mirror(picture: Pixels, rng: Rng) -> Pixels:
    """Swap left and right."""
    return np.ascontiguousarray(picture[:, ::-1])


def upside_down(picture: Pixels, rng: Rng) -> Pixels:
    """Swap top and bottom."""
    return np.ascontiguousarray(picture[::-1])


def quarter_turn(picture: Pixels, rng: Rng) -> Pixels:
    """Turn by 90 degrees either way and stretch back to the old size."""
    turned = np.ascontiguousarray(np.rot90(picture, int(rng.choice([1, 3]))))
    return resized(turned, picture.shape[1], picture.shape[0])


def rotate(picture: Pixels, rng: Rng, degrees: float) -> Pixels:
    """Turn by `degrees` either way; corners black, or cut away by zooming in."""
    angle = float(rng.choice([-1, 1])) * degrees
    image = Image.fromarray(picture).rotate(angle, Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        return np.asarray(image)
    height, width = picture.shape[:2]
    sin, cos = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    grow = max(cos + sin * height / width, cos + sin * width / height)
    side = (1 - 1 / grow) / 2
    return _cut(np.asarray(image), np.full(4, side))


def perspective(picture: Pixels, rng: Rng, pixels: float) -> Pixels:
    """Move every corner by up to `pixels` of a picture 640 wide."""
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    moved = corners + rng.uniform(-1, 1, (4, 2)) * pixels * width / 640
    image = Image.fromarray(picture)
    return np.asarray(
        image.transform(
            image.size,
            Image.Transform.PERSPECTIVE,
            _coefficients(moved, corners),
            Image.Resampling.BICUBIC,
        )
    )


def _coefficients(from_corners: np.ndarray, to_corners: np.ndarray) -> list[float]:
    """Solve the eight numbers of the projection that takes the first corners to the second."""
    rows, values = [], []
    for (x, y), (u, v) in zip(from_corners, to_corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(c) for c in np.linalg.solve(np.array(rows), np.array(values))]


def _cut(picture: Pixels, sides: np.ndarray) -> Pixels:
    """Cut shares of the size from left, top, right and bottom."""
    height, width = picture.shape[:2]
    left, top, right, bottom = sides
    x, y = round(width * left), round(height * top)
    return np.ascontiguousarray(
        picture[
            y : max(y + 16, height - round(height * bottom)),
            x : max(x + 16, width - round(width * right)),
        ]
    )
