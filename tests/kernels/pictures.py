"""Pictures drawn by code and their descriptors, for tests."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from mitate.kernels.blocks import cell_counts, cell_means, cell_sums
from mitate.kernels.colour import Colour, rgb_means

RGB = Colour("rgb")


def scene(seed: int, width: int = 320, height: int = 180) -> Image.Image:
    """Return a drawn picture of shapes in bright colours, different for every seed."""
    rng = np.random.default_rng(seed)
    base = rng.integers(60, 200, (5, 8, 3)).astype(np.uint8)
    picture = Image.fromarray(base).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w = int(rng.integers(width // 20, width // 3))
        h = int(rng.integers(height // 20, height // 3))
        draw.ellipse((x - w, y - h, x + w, y + h), fill=tuple(rng.integers(40, 230, 3).tolist()))
    return picture


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    """Return the picture as it looks after JPEG compression."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def means_of(picture: Image.Image) -> npt.NDArray[np.float64]:
    """Return RGB block means, (1, 8, 8, 3); alpha is drawn on black."""
    if "A" in picture.getbands():
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, picture.convert("RGBA"))
    pixels = np.asarray(picture.convert("RGB"))
    height, width = pixels.shape[:2]
    sums = cell_sums(pixels.reshape(height, -1), 0, 0, width, height, 8, 8, channels=3)
    return rgb_means(cell_means(sums, cell_counts(width, height, 8, 8))[None], RGB)
