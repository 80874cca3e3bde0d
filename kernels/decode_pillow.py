"""Decoding of pictures with Pillow: stills, and animated GIF, WebP, APNG and AVIF.

Pictures are turned upright by their EXIF tag and transparent parts are drawn on black. Grey of 16
bits keeps its depth; everything else becomes RGB of 8 bits.
"""

from __future__ import annotations

import io
import itertools
import os
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from mitate.kernels.colour import Colour
from mitate.kernels.decode import (
    Limits,
    MediaInfo,
    Picture,
    Plane,
    check_pixels,
    check_progress,
)
from mitate.kernels.errors import InvalidMedia

PREPROCESSING_VERSION = "rgb/1"

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "PPM")
_ANIMATED = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,  # Pillow's word for a broken PNG
    EOFError,
    RuntimeError,  # the AVIF decoder's word for a broken file
    struct.error,
)
Image.MAX_IMAGE_PIXELS = None  # Limits say what is too large, before anything is decoded
# Players show a frame with a shorter delay for this long, as browsers do.
_SHORTEST_DELAY_MS = 20
_DEFAULT_DELAY_MS = 100


class PillowDecoder:
    """One picture, still or animated, from a file or from bytes."""

    def __init__(self, source: str | os.PathLike[str] | bytes, limits: Limits) -> None:
        self._limits = limits
        self.fallback: str | None = None
        self.partial = False
        self.n_errors = 0
        self.end_ms = 0
        self._source = source
        self._image = _open(source)
        try:
            check_pixels(*self._image.size, limits.max_still_pixels)
            self.info = self._read_info()
        except BaseException:
            self.close()
            raise

    def frames(self) -> Iterator[Picture]:
        """Yield every frame in the order shown; raises InvalidMedia when over a limit."""
        time_ms = 0
        for number in range(1) if self.info.kind == "image" else itertools.count():
            try:
                self._image.seek(number)
                picture = _picture(self._image, time_ms)
            except _ERRORS as error:
                if number == 0:
                    raise InvalidMedia(f"not a picture that can be read: {error}") from error
                self.partial = not isinstance(error, EOFError)
                break
            check_progress(number + 1, time_ms, self._limits)
            yield picture
            time_ms += self._delay_ms()
        self.end_ms = time_ms if self.info.kind == "video" else 0

    def sample(self, count: int) -> Iterator[Picture]:
        """Yield up to `count` different frames from the start of the file."""
        with PillowDecoder(self._source, self._limits) as decoder:
            yield from itertools.islice(decoder.frames(), count)

    def close(self) -> None:
        """Let go of the file."""
        self._image.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_info(self) -> MediaInfo:
        image = self._image
        name = image.format or ""
        try:
            animated = name in _ANIMATED and getattr(image, "is_animated", False)
            width, height = _upright_size(image)
        except _ERRORS as error:
            raise InvalidMedia(f"not a picture that can be read: {error}") from error
        return MediaInfo(
            kind="video" if animated else "image",
            container=name.lower(),
            codec=name.lower(),
            profile="",
            pixel_format=image.mode,
            width=width,
            height=height,
            duration_ms=0,
            fps=0.0,
            backend="pillow",
            preprocessing_version=PREPROCESSING_VERSION,
        )

    def _delay_ms(self) -> int:
        delay = self._image.info.get("duration", 0)
        delay_ms = round(delay) if isinstance(delay, int | float) else 0
        return delay_ms if delay_ms >= _SHORTEST_DELAY_MS else _DEFAULT_DELAY_MS


def _open(source: str | os.PathLike[str] | bytes) -> Image.Image:
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        return Image.open(file, formats=_FORMATS)
    except UnidentifiedImageError as error:
        known = ", ".join(_FORMATS)
        raise InvalidMedia(f"not a picture that can be read; allowed are {known}") from error
    except _ERRORS as error:
        raise InvalidMedia(f"not a picture that can be read: {error}") from error


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (height, width) if turned else (width, height)


def _picture(image: Image.Image, time_ms: int) -> Picture:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        deep = np.clip(np.asarray(upright), 0, 65535).astype(np.uint16)
        plane, colour = Plane(np.ascontiguousarray(deep), upright.width), Colour("grey", depth=16)
    else:
        pixels = np.asarray(_rgb(upright)).reshape(upright.height, upright.width * 3)
        plane, colour = Plane(pixels, upright.width, channels=3), Colour("rgb")
    return Picture((plane,), colour, upright.width, upright.height, time_ms)


def _rgb(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, transparent parts on black."""
    if image.has_transparency_data:
        above = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, above).convert("RGB")
    return image.convert("RGB")


def turned(
    pixels: npt.NDArray[np.uint8],  # (h, w, 3)
    degrees: float,
) -> npt.NDArray[np.uint8]:
    """Return a picture turned clockwise about its middle, black where it was not."""
    return np.asarray(Image.fromarray(pixels).rotate(-degrees, Image.Resampling.BILINEAR))
