"""What every decoder gives: native planes and strictly increasing times, never RGB on the way.

Time 0 is the start of the file as a player shows it: the earliest start of any of its streams, or
the first frame if that is earlier. A file whose clock starts at 37 s therefore starts at 0, and a
video that starts 23 ms after its sound starts at 23 ms.

Rotation is reported and not applied; whoever reduces a picture to a grid turns the grid.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self, get_args

import numpy as np
import numpy.typing as npt

from mitate.kernels.colour import Colour
from mitate.kernels.errors import InvalidArgument, InvalidMedia, NotFound
from mitate.kernels.signature import Kind

Backend = Literal["auto", "pyav", "pyav-cuda", "pillow", "nvjpeg", "decord", "decord-cuda"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
HEAD_BYTES = 32
_LINES_AT_ONCE = 32

_PICTURE_MAGICS = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",  # PNG and APNG
    b"GIF87a",
    b"GIF89a",
    b"BM",  # BMP
    b"II*\0",  # TIFF
    b"MM\0*",
    b"P5\n",  # PGM
    b"P6\n",  # PPM
)


class Plane(NamedTuple):
    """One plane of a picture with the padding that the decoder left at the end of each row."""

    buffer: npt.NDArray[Any]  # (rows, stride) uint8 or uint16, C-contiguous; stride in samples
    width: int  # samples of one channel in a row, padding apart
    channels: int = 1  # samples that stand side by side for one pixel


@dataclass(slots=True)
class Picture:
    """One decoded frame. Its planes are valid for as long as they are referenced.

    Three planes are Y, Cb, Cr or R, G, B; one plane is grey, or RGB with three channels.
    """

    planes: tuple[Plane, ...]
    colour: Colour
    width: int  # pixels, as coded
    height: int
    time_ms: int
    rotation: int = 0  # degrees, counterclockwise, to be shown upright: 0, 90, 180 or 270
    key: bool = True


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file says about itself before any of it is decoded."""

    kind: Kind
    container: str
    codec: str
    profile: str  # empty when the codec has none
    pixel_format: str
    width: int  # pixels, as coded
    height: int
    duration_ms: int  # 0 when unknown
    fps: float  # 0 when unknown
    backend: str
    preprocessing_version: str


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest media that is decoded."""

    max_pixels: int = 8192 * 8192 // 2  # of a video frame; 8K video has 33,177,600
    max_still_pixels: int = 8192 * 8192
    max_duration_s: int = 24 * 3600
    max_frames: int = 24 * 3600 * 60


class Decoder(Protocol):
    """An open media file. Frames can be read once; samples any number of times."""

    info: MediaInfo
    fallback: str | None  # why a decoder that was asked for left the file to this one
    partial: bool  # after frames(): it ended or broke before its declared end
    n_errors: int  # after frames(): packets that could not be decoded and were skipped
    end_ms: int  # after frames(): when the last frame ends

    def frames(self) -> Iterator[Picture]:
        """Yield every frame in the order shown; raises InvalidMedia when over a limit."""
        ...

    def sample(self, count: int) -> Iterator[Picture]:
        """Yield up to `count` different frames spread over the file, cheaply."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_media(
    path: str | os.PathLike[str],
    *,
    backend: str = "auto",
    limits: Limits | None = None,
    threads: int = 1,
    keys_only: bool = False,
) -> Decoder:
    """Open a file with the decoder that its content asks for.

    Args:
        path: a regular file.
        backend: `auto` takes Pillow for pictures (animated ones too) and PyAV for the rest;
            `pyav-cuda` does so too, and has videos decoded by a GPU that can; `pyav-cuda:1` by
            another than the first. `nvjpeg` and `nvjpeg:1` are for pictures: JPEGs are decoded by
            a GPU.
        limits: what is refused.
        threads: decoding threads, where the backend has them.
        keys_only: `frames` yields key frames only; PyAV alone can, and in pictures all are.

    Raises:
        NotFound: there is no such file.
        InvalidMedia: not decodable, no picture in it, or over a limit.
        InvalidArgument: an unknown backend, or one that is not installed.
    """
    backend, device = _backend_and_device(backend)
    limits = limits or Limits()
    head = read_head(path)
    if backend == "pillow" or (backend in ("auto", "pyav-cuda") and is_picture(head)):
        from mitate.kernels.decode_pillow import PillowDecoder

        return PillowDecoder(path, limits)
    if backend == "nvjpeg":
        from mitate.kernels.decode_nvjpeg import NvjpegDecoder

        return NvjpegDecoder(path, limits, device)
    if backend in ("decord", "decord-cuda"):
        if keys_only:
            raise InvalidArgument(f"backend {backend} decodes all frames; key frames need pyav")
        from mitate.kernels.decode_decord import DecordDecoder

        return DecordDecoder(path, limits, threads, on_gpu=backend == "decord-cuda")
    if backend == "pyav-cuda":
        from mitate.kernels.decode_cuda import PyavCudaDecoder

        return PyavCudaDecoder(path, limits, threads, keys_only=keys_only, device=device)
    from mitate.kernels.decode_pyav import PyavDecoder

    return PyavDecoder(path, limits, threads, keys_only=keys_only)


def _backend_and_device(text: str) -> tuple[str, int]:
    name, colon, number = text.partition(":")
    known = name in BACKENDS and (not colon or name in ("pyav-cuda", "nvjpeg"))
    if not known or (colon and not (number.isascii() and number.isdigit())):
        allowed = f"{', '.join(BACKENDS)}, and pyav-cuda:N or nvjpeg:N for GPU N"
        raise InvalidArgument(f"backend {text!r}; allowed are {allowed}")
    return name, int(number or 0)


def read_head(path: str | os.PathLike[str]) -> bytes:
    """Return the first bytes of a regular file; raises NotFound and InvalidMedia."""
    name = os.fspath(path)
    try:
        mode = os.stat(name).st_mode
        if stat.S_ISDIR(mode):
            raise InvalidMedia(f"{name} is a directory; a media file is needed")
        if not stat.S_ISREG(mode):
            raise InvalidMedia(f"{name} is a device or pipe; a regular file is needed")
        with open(name, "rb") as file:
            head = file.read(HEAD_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"no such file: {name}") from error
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else error
        raise InvalidMedia(f"{name} cannot be read: {text}") from error
    if not head:
        raise InvalidMedia("the file is empty (0 bytes)")
    return head


def is_picture(head: bytes) -> bool:
    """Tell whether a file that starts so is a picture, still or animated."""
    if head.startswith(_PICTURE_MAGICS):
        return True
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return True
    return head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis")


def check_pixels(width: int, height: int, max_pixels: int) -> None:
    """Raise InvalidMedia when a picture has more pixels than allowed, or none."""
    if width < 1 or height < 1:
        raise InvalidMedia(f"picture of {width}x{height} pixels; both sides must be at least 1")
    if width * height > max_pixels:
        raise InvalidMedia(
            f"picture of {width}x{height} = {width * height} pixels; the limit is {max_pixels}"
        )


def check_progress(n_frames: int, time_ms: int, limits: Limits) -> None:
    """Raise InvalidMedia when a video is longer than allowed."""
    if n_frames > limits.max_frames:
        raise InvalidMedia(f"video of more than {limits.max_frames} frames, the limit")
    if time_ms > limits.max_duration_s * 1000:
        raise InvalidMedia(
            f"video of at least {time_ms / 1000:.0f} s; the limit is {limits.max_duration_s} s"
        )


def luma_of(picture: Picture) -> npt.NDArray[np.uint8]:
    """Return the luma of a picture for finding borders, (h, w), 8 bits, roughly for RGB."""
    parts = [plane.buffer[:, : plane.width * plane.channels] for plane in picture.planes]
    if picture.colour.space == "rgb":
        if len(parts) == 1:
            parts = [parts[0][:, channel::3] for channel in range(3)]
        red, green, blue = (part.astype(np.uint32) for part in parts)
        luma = (red + 2 * green + blue) >> 2
    else:
        luma = parts[0]
    return _first_8_bits(luma, picture.colour.depth)


def _first_8_bits(samples: npt.NDArray[Any], depth: int) -> npt.NDArray[np.uint8]:
    if samples.dtype == np.uint8:
        return samples
    cut = np.empty(samples.shape, np.uint8)
    for top in range(0, len(samples), _LINES_AT_ONCE):  # what lies between stays in the cache
        lines = slice(top, top + _LINES_AT_ONCE)
        cut[lines] = samples[lines] >> (depth - 8)
    return cut
