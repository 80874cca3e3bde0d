"""Frames of clips and stills as RGB pictures, decoded by the project's own decoders."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mitate.kernels.colour import rgb_means
from mitate.kernels.decode import Picture, Plane, open_media

Pixels = NDArray[np.uint8]  # (h, w, 3) RGB

QUERY_SIZE = (640, 480)  # the largest width and height of a query before it is edited
SMALL_SIZE = (320, 180)  # width and height that trace.moe forces every frame to
THUMB_SIZE = (64, 36)


class Frame(NamedTuple):
    """One decoded frame."""

    time_ms: int
    picture: Picture


def frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a video or picture in order."""
    with open_media(path, threads=2) as decoder:
        for picture in decoder.frames():
            yield Frame(picture.time_ms, picture)


def to_rgb(picture: Picture, width: int, height: int) -> Pixels:
    """Return a decoded picture, upright, scaled to width x height."""
    if picture.rotation % 180:
        width, height = height, width
    parts = [_scaled(part, width, height, picture.colour.depth) for part in _parts(picture)]
    native: NDArray[Any] = np.stack(parts * 3 if len(parts) == 1 else parts, axis=2)
    native = native.astype(np.float64) * 2.0 ** (picture.colour.depth - 8)
    rgb = np.rint(rgb_means(native, picture.colour)).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(rgb, picture.rotation // 90))


def fitted(width: int, height: int, limits: tuple[int, int]) -> tuple[int, int]:
    """Return the size at which a picture fits into `limits`; never larger than it is."""
    scale = min(1.0, limits[0] / width, limits[1] / height)
    return max(8, round(width * scale)), max(8, round(height * scale))


def upright_size(picture: Picture) -> tuple[int, int]:
    """Return width and height as shown."""
    size = (picture.width, picture.height)
    return size[::-1] if picture.rotation % 180 else size


def query_picture(picture: Picture) -> Pixels:
    """Return a decoded picture at the size at which it is edited."""
    return to_rgb(picture, *fitted(*upright_size(picture), QUERY_SIZE))


def resized(picture: Pixels, width: int, height: int) -> Pixels:
    """Return a picture scaled to width x height, every pixel having its say."""
    if picture.shape[:2] == (height, width):
        return picture
    image = Image.fromarray(picture)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def thumb(picture: Pixels) -> Pixels:
    """Return the small picture, (36, 64, 3), by which pictures are compared."""
    image = Image.fromarray(picture).resize(THUMB_SIZE, Image.Resampling.BOX)
    return np.asarray(image)


def small_frames(path: Path) -> Iterator[tuple[int, Pixels]]:
    """Yield time in ms and the frame at 320x180, whatever its aspect, for every frame."""
    for frame in frames(path):
        yield frame.time_ms, to_rgb(frame.picture, *SMALL_SIZE)


def runs(
    path: Path,
    numbers: Collection[int],
    before: int = 2,
) -> Iterator[tuple[int, list[Pixels]]]:
    """Yield chosen frames in order, each after up to `before` frames that precede it."""
    last = max(numbers, default=-1)
    needed = {n - k for n in numbers for k in range(before + 1)}
    kept: dict[int, Pixels] = {}
    for number, frame in enumerate(frames(path)):
        if number in needed:
            kept[number] = query_picture(frame.picture)
        kept.pop(number - before - 1, None)
        if number in numbers:
            yield number, [kept[n] for n in range(number - before, number + 1) if n in kept]
        if number >= last:
            break


def _parts(picture: Picture) -> list[NDArray[Any]]:
    """Return the channels without padding, each (h, w)."""
    if len(picture.planes) == 1 and picture.planes[0].channels == 3:
        pixels = _unpadded(picture.planes[0]).reshape(picture.height, -1, 3)
        return [pixels[:, :, channel] for channel in range(3)]
    return [_unpadded(plane) for plane in picture.planes]


def _unpadded(plane: Plane) -> NDArray[Any]:
    return plane.buffer[:, : plane.width * plane.channels]


def _scaled(part: NDArray[Any], width: int, height: int, depth: int) -> NDArray[np.float32]:
    """Return a channel in units of 8 bits, scaled."""
    if depth > 8:
        image = Image.fromarray((part.astype(np.float32)) / np.float32(2 ** (depth - 8)))
    else:
        image = Image.fromarray(np.ascontiguousarray(part))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.float32)
