"""Edits of brightness, colour and sharpness."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bench.quality.pictures import Pixels, resized

Rng = np.random.Generator
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# RGB to YIQ, whose two chroma axes turn when the hue does.
_TO_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32
)


def brightness(picture: Pixels, rng: Rng, levels: float) -> Pixels:
    """Add or take `levels` of 255."""
    return _whole(picture.astype(np.float32) + _sign(rng) * levels)


def contrast(picture: Pixels, rng: Rng, low: float, high: float) -> Pixels:
    """Stretch about the middle grey by one of two factors."""
    return _whole((picture.astype(np.float32) - 128) * rng.choice([low, high]) + 128)


def gamma(picture: Pixels, rng: Rng, low: float, high: float) -> Pixels:
    """Raise to one of two powers."""
    table = 255 * (np.arange(256) / 255) ** rng.choice([low, high])
    return np.asarray(np.rint(table).astype(np.uint8)[picture])


def hue(picture: Pixels, rng: Rng, degrees: float) -> Pixels:
    """Turn the hue by `degrees` either way."""
    turn = np.deg2rad(_sign(rng) * degrees)
    cos, sin = np.cos(turn), np.sin(turn)
    turned = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    matrix = (np.linalg.inv(_TO_YIQ) @ turned @ _TO_YIQ).astype(np.float32)
    return _whole(picture.astype(np.float32) @ matrix.T)


def saturation(picture: Pixels, rng: Rng, factor: float) -> Pixels:
    """Scale the distance from grey; 0 leaves a grey picture."""
    pixels = picture.astype(np.float32)
    grey = (pixels @ _LUMA)[:, :, None]
    return _whole(grey + (pixels - grey) * factor)


def tint(picture: Pixels, rng: Rng, share: float) -> Pixels:
    """Lay a transparent colour over the picture."""
    colour = rng.uniform(0, 255, 3).astype(np.float32)
    return _whole(picture.astype(np.float32) * (1 - share) + colour * share)


def blur(picture: Pixels, rng: Rng, sigma: float) -> Pixels:
    """Blur by `sigma` pixels of a picture 640 wide."""
    radius = sigma * picture.shape[1] / 640
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def noise(picture: Pixels, rng: Rng, sigma: float) -> Pixels:
    """Add Gaussian noise of `sigma` levels to every channel."""
    drawn = rng.standard_normal(picture.shape, np.float32) * np.float32(sigma)
    return _whole(picture.astype(np.float32) + drawn)


def shrink(picture: Pixels, rng: Rng, scale: float) -> Pixels:
    """Scale the picture down."""
    height, width = picture.shape[:2]
    return resized(picture, max(16, round(width * scale)), max(16, round(height * scale)))


def shrink_to(picture: Pixels, rng: Rng, height: int) -> Pixels:
    """Scale the picture down to a height in pixels."""
    return shrink(picture, rng, height / picture.shape[0])


def mosaic(picture: Pixels, rng: Rng, scale: float) -> Pixels:
    """Scale the picture down and up again, leaving blocks."""
    small = Image.fromarray(shrink(picture, rng, scale))
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(small.resize(size, Image.Resampling.NEAREST))


def jpeg(picture: Pixels, rng: Rng, quality: int) -> Pixels:
    """Save as JPEG and read it back."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def _whole(values: NDArray[Any]) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _sign(rng: Rng) -> float:
    return float(rng.choice([-1.0, 1.0]))
