"""Single frames of a media file: one as a comparison needs it, or the pixels of many."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mitate.kernels.blocks import cell_counts, cell_means, cell_sums
from mitate.kernels.borders import Rect
from mitate.kernels.chunks import Chunk, MediaHead, join
from mitate.kernels.colour import rgb_means
from mitate.kernels.decode import Decoder, Limits, Picture, Plane, open_media
from mitate.kernels.errors import InvalidArgument, InvalidMedia
from mitate.kernels.grids import Grids, scale_rect
from mitate.kernels.layout import describe, mirror_means
from mitate.kernels.quality import quality
from mitate.kernels.sign import CHUNK_FRAMES, Progress, SignatureStream
from mitate.kernels.signature import Kind, Signature
from mitate.kernels.thumbnails import thumbnails
from mitate.kernels.view_cuts import Level
from mitate.kernels.views import PictureViews, picture_views
from mitate.kernels.windows import window_layouts

# Longest sides of the pixels that are kept to be looked at, and of those that views are cut from.
SHOWN_SIDE, VIEWED_SIDE = 640, 1920
# Frames later than this are sought; reading up to earlier ones is as fast and never misses.
_SEEK_MS = 10_000


@dataclass(frozen=True, slots=True)
class Still:
    """One frame of a media file."""

    kind: Kind  # of the file
    time_ms: int  # of the frame; 0 in a picture
    views: PictureViews  # all of the upright frame
    signature: Signature  # of this frame alone, within the border of the whole file
    width: int  # upright, pixels
    height: int
    inner: Rect  # the part within the border, upright
    pixels: npt.NDArray[np.uint8]  # (h, w, 3) upright RGB, SHOWN_SIDE at most


def still(
    path: str | os.PathLike[str],
    at_ms: int | None = None,
    *,
    limits: Limits | None = None,
    level: Level = "normal",
    progress: Progress | None = None,
) -> Still:
    """Return the frame that a video shows at a time, or a picture.

    Args:
        path: a regular file.
        at_ms: time in the video; None for a picture, and for the first frame of a video.
        limits: what is refused.
        level: how many views there are.
        progress: called now and then while frames are read on the way to the time.

    Raises:
        NotFound: there is no such file.
        InvalidMedia: not decodable, no picture in it, or over a limit.
        InvalidArgument: a time in a picture, or one after the end of the video.
    """
    limits = limits or Limits()
    with SignatureStream(path, limits=limits) as stream:
        head = stream.head()
    if head.kind == "image" and at_ms is not None:
        raise InvalidArgument(f"a time is given, {at_ms / 1000:g} s, but it is a picture")
    told = progress or (lambda *numbers: None)
    picture = _frame_at(path, at_ms or 0, limits, told)
    seen = path if head.kind == "image" else _ppm(upright_rgb(picture, VIEWED_SIDE))
    return Still(
        head.kind,
        picture.time_ms,
        picture_views(seen, limits=limits, level=level).more(),
        _signed(picture, head),
        *_upright(picture, scale_rect(head.rect, head.width, head.height, picture)),
        upright_rgb(picture, SHOWN_SIDE),
    )


def frames_at(
    path: str | os.PathLike[str],
    times_ms: Sequence[int],  # increasing, not strictly
    longest_side: int,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> list[npt.NDArray[np.uint8]]:
    """Return the frames that a video shows at some times, each (h, w, 3) upright RGB.

    The video is read once, up to the last time; after its end the last frame is shown.

    Raises:
        NotFound: there is no such file.
        InvalidMedia: not decodable, no picture in it, or over a limit.
    """
    told = progress or (lambda *numbers: None)
    found: list[npt.NDArray[np.uint8]] = []
    shown: Picture | None = None
    with open_media(path, limits=limits or Limits()) as decoder:
        for number, picture in enumerate(decoder.frames()):
            n_passed = bisect_left(times_ms, picture.time_ms) if shown is not None else 0
            if shown is not None and n_passed > len(found):
                found += [upright_rgb(shown, longest_side)] * (n_passed - len(found))
            if len(found) == len(times_ms):
                return found
            shown = picture
            if number % CHUNK_FRAMES == CHUNK_FRAMES - 1:
                told(number + 1, picture.time_ms, times_ms[-1])
    if shown is not None:
        found += [upright_rgb(shown, longest_side)] * (len(times_ms) - len(found))
    return found


def upright_rgb(picture: Picture, longest_side: int) -> npt.NDArray[np.uint8]:
    """Return the pixels of a picture, reduced to a longest side, (h, w, 3) RGB."""
    scale = min(1.0, longest_side / max(picture.width, picture.height))
    cols, rows = (max(1, round(side * scale)) for side in (picture.width, picture.height))
    native = np.dstack([_samples(plane, rows, cols) for plane in picture.planes])
    rgb = np.rint(rgb_means(native, picture.colour)).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(rgb, picture.rotation // 90))


def _upright(picture: Picture, rect: Rect) -> tuple[int, int, Rect]:
    """Return width, height and a part of a picture as they are once it is turned upright."""
    width, height = picture.width, picture.height
    for _ in range(picture.rotation // 90):
        rect = Rect(rect.top, width - rect.right, rect.bottom, width - rect.left)
        width, height = height, width
    return width, height, rect


def _samples(plane: Plane, rows: int, cols: int) -> npt.NDArray[np.float64]:
    """Return the means of a plane in rows x cols cells; samples of a smaller one are repeated."""
    size = plane.width, plane.buffer.shape[0]
    high, wide = min(rows, size[1]), min(cols, size[0])
    sums = cell_sums(plane.buffer, 0, 0, *size, high, wide, plane.channels)
    means = cell_means(sums, cell_counts(*size, high, wide)).reshape(high, wide, -1)
    y, x = np.arange(rows) * high // rows, np.arange(cols) * wide // cols
    return np.asarray(means[np.ix_(y, x)])


def _frame_at(
    path: str | os.PathLike[str], at_ms: int, limits: Limits, progress: Progress
) -> Picture:
    found = _sought(path, at_ms, limits) if at_ms > _SEEK_MS else None
    if found is not None:
        return found
    shown: Picture | None = None
    with open_media(path, limits=limits) as decoder:
        for number, picture in enumerate(decoder.frames()):
            if shown is not None and picture.time_ms > at_ms:
                return shown
            shown = picture
            if number % CHUNK_FRAMES == CHUNK_FRAMES - 1:
                progress(number + 1, picture.time_ms, at_ms)
        if shown is None or at_ms > decoder.end_ms:
            raise InvalidArgument(
                f"it has no frame at {at_ms / 1000:g} s; it ends at {decoder.end_ms / 1000:g} s"
            )
    return shown


def _sought(path: str | os.PathLike[str], at_ms: int, limits: Limits) -> Picture | None:
    """Return the frame shown at a time, from a key frame before it, or None where that fails."""
    from mitate.kernels.decode_pyav import PyavDecoder

    shown: Picture | None = None
    decoder: Decoder
    with open_media(path, limits=limits) as decoder:
        if not isinstance(decoder, PyavDecoder) or not decoder.start_near(at_ms):
            return None
        try:
            for picture in decoder.frames():
                if shown is None and (picture.time_ms > at_ms or not picture.key):
                    return None
                if picture.time_ms > at_ms:
                    return shown
                shown = picture
        except InvalidMedia:
            return None
    return None


def _signed(picture: Picture, head: MediaHead) -> Signature:
    grids, first = Grids(1), np.zeros(1, np.int64)
    grids.add(picture, scale_rect(head.rect, head.width, head.height, picture))
    means = grids.rgb_means()
    chunk = Chunk(
        np.full(1, picture.time_ms),
        np.zeros(1, np.uint32),
        describe(means),
        describe(mirror_means(means)),
        quality(means),
        np.zeros(1, np.uint32),
        window_layouts(grids, first),
        thumbnails(grids, first),
    )
    return join(replace(head, duration_ms=picture.time_ms, partial=False), [chunk])


def _ppm(rgb: npt.NDArray[np.uint8]) -> bytes:
    height, width = rgb.shape[:2]
    return b"P6\n%d %d\n255\n" % (width, height) + rgb.tobytes()
