"""Describing frames that lie in device memory: the Python side of `describe.cu`.

Frames are reduced to sums as they come, so that no surface of the decoder is held for longer than
the next frame takes; only descriptors, quality and thumbnails are copied to the host. The bits are
those of the CPU path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mitate.kernels import layout
from mitate.kernels.borders import Rect
from mitate.kernels.colour import native_scale
from mitate.kernels.decode import Picture
from mitate.kernels.grids import CELLS, FINE_CELLS, WHOLE, part_of_line
from mitate.kernels.layout import N_COEFFICIENTS
from mitate.kernels.signature import THUMB_COLS, THUMB_ROWS

Codes = npt.NDArray[np.uint8]

THREADS = 128
LEAST_SIDE = 2 * CELLS  # pixels; below it blocks of chroma can be without samples
_SPACES = {"yuv": 0, "rgb": 1, "grey": 2}

_PLANE = np.dtype(
    [
        ("data", np.uint64),
        ("pitch", np.int64),
        *[(name, np.int32) for name in ("left", "top", "width", "height")],
        *[(name, np.int32) for name in ("channels", "first_channel", "bytes", "shift")],
    ],
    align=True,
)
_COLOUR = np.dtype(
    [
        *[(name, np.float64) for name in ("luma_offset", "luma_scale")],
        *[(name, np.float64) for name in ("chroma_offset", "chroma_scale", "red_cr", "blue_cb")],
        *[(name, np.float64) for name in ("k_red", "k_blue", "k_green")],
        *[("space", np.int32), ("turns", np.int32)],
        *[("width", np.int32, 3), ("height", np.int32, 3)],
    ],
    align=True,
)
_TABLES = np.dtype(
    [
        ("dct", np.float64, (CELLS, CELLS)),
        *[(name, np.int32, N_COEFFICIENTS) for name in ("v", "u", "channel")],
        *[("ac_codes", np.uint8, 512), ("luma_dc_codes", np.uint8, 256)],
        ("chroma_dc_codes", np.uint8, 256),
    ],
    align=True,
)


class DevicePlane(NamedTuple):
    """One plane in device memory."""

    address: int
    pitch_bytes: int
    width: int  # samples of one channel in a line
    height: int
    channels: int  # samples that stand side by side for one pixel
    first_channel: int  # what its first channel is: 0 Y, 1 Cb, 2 Cr
    sample_bytes: int  # 1 or 2
    shift: int  # bits below the samples; 6 in P010


@dataclass(slots=True)
class DevicePicture(Picture):
    """One decoded frame in device memory; it has no planes in that of the host."""

    device_planes: tuple[DevicePlane, ...] = ()
    owner: object = None  # keeps the memory; let go of it and the decoder uses it again
    device: int = 0  # number of the GPU


class Launcher(Protocol):
    """A device: its memory, and kernels of `describe.cu` on it."""

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Any:
        """Return device memory."""
        ...

    def upload(self, array: npt.NDArray[Any]) -> Any:
        """Return a copy of an array in device memory."""
        ...

    def download(self, array: Any) -> npt.NDArray[Any]:
        """Return a copy of device memory, when all work on it is done."""
        ...

    def launch(
        self, name: str, grid: tuple[int, int, int], threads: int, arguments: Sequence[Any]
    ) -> None:
        """Start a kernel, after all that was started before; arguments: memory, int or None."""
        ...

    def finish(self) -> None:
        """Wait until all work is done."""
        ...


class GpuDescriber:
    """Describes up to `capacity` frames that lie on a device."""

    def __init__(self, capacity: int, launcher: Launcher) -> None:
        self._device = launcher
        self._fine = launcher.empty((capacity, 3, FINE_CELLS, FINE_CELLS), np.uint32)
        self._tables = launcher.upload(_tables())
        self._colours = np.zeros(capacity, _COLOUR)
        self._on_device: Any = None  # the colours of the frames, once they are asked for
        self._held: object = None  # the frame whose samples may still be read
        self._n = 0

    def __len__(self) -> int:
        """Frames added since the last `clear`."""
        return self._n

    def add(self, picture: DevicePicture, rect: Rect) -> None:
        """Add up the samples of the part `rect` of a frame, in pixels of the frame.

        Raises:
            ValueError: the part is smaller than LEAST_SIDE.
        """
        self._add([picture], rect)

    def sum_all(self, pictures: Sequence[DevicePicture], rect: Rect) -> None:
        """Put frames of one kind in the place of all that were added, in one launch."""
        self._n = 0
        self._add(pictures, rect)

    def _add(self, pictures: Sequence[DevicePicture], rect: Rect) -> None:
        if min(rect.width, rect.height) < LEAST_SIDE:
            raise ValueError(f"part of {rect.width}x{rect.height}; the least side is {LEAST_SIDE}")
        structs = []
        for number, picture in enumerate(pictures, self._n):
            parts = [_part(plane, picture, rect) for plane in picture.device_planes]
            structs.append(_plane_structs(picture.device_planes, parts))
            self._colours[number] = _colour_struct(picture, parts)
        planes = self._device.upload(np.concatenate(structs))
        self._device.finish()  # the frames before are read; their surfaces may be used again
        grid = (FINE_CELLS, len(structs[0]), len(pictures))
        self._device.launch("cell_sums", grid, THREADS, (planes, self._fine[self._n]))
        self._held = list(pictures), planes
        self._on_device = None
        self._n += len(pictures)

    def frames(self) -> tuple[Codes, Codes, Codes]:
        """Return layouts (n, 33), those of the frames mirrored, and quality (n,)."""
        whole = np.array([(WHOLE.left, WHOLE.top, WHOLE.width, WHOLE.height)], np.int32)
        shape = (self._n, N_COEFFICIENTS)
        codes, mirrored = (self._device.empty(shape, np.uint8) for _ in range(2))
        quality = self._device.empty((self._n,), np.uint8)
        self._describe(np.arange(self._n), whole, (codes, mirrored, quality))
        self._held = None
        return tuple(map(self._device.download, (codes, mirrored, quality)))  # type: ignore[return-value]

    def windows(
        self,
        numbers: npt.NDArray[np.int64],  # (n,) of frames
        rects: Sequence[Rect],  # in cells of the fine grid
    ) -> Codes:
        """Return the descriptors of windows of chosen frames, (n, windows, 33)."""
        shape = (len(numbers), len(rects), N_COEFFICIENTS)
        if not len(numbers):
            return np.zeros(shape, np.uint8)
        codes = self._device.empty(shape, np.uint8)
        windows = [(rect.left, rect.top, rect.width, rect.height) for rect in rects]
        self._describe(numbers, np.array(windows, np.int32), (codes, None, None))
        return self._device.download(codes)

    def thumbnails(
        self,
        numbers: npt.NDArray[np.int64],  # (n,) of frames
        rows: int = THUMB_ROWS,
        cols: int = THUMB_COLS,
    ) -> Codes:
        """Return the thumbnails of chosen frames, (n, rows, cols)."""
        shape = (len(numbers), rows, cols)
        if not len(numbers):
            return np.zeros(shape, np.uint8)
        made = self._device.empty(shape, np.uint8)
        chosen = self._device.upload(numbers.astype(np.int32))
        blocks = -(-rows * cols // THREADS)
        arguments = (self._fine, self._colours_there(), chosen, rows, cols, made)
        self._device.launch("make_thumbnails", (blocks, len(numbers), 1), THREADS, arguments)
        return self._device.download(made)

    def clear(self) -> None:
        """Forget the frames."""
        self._device.finish()
        self._held = None
        self._on_device = None
        self._n = 0

    def _describe(
        self, numbers: npt.NDArray[np.int64], windows: npt.NDArray[np.int32], out: Sequence[Any]
    ) -> None:
        there = [self._device.upload(array) for array in (windows, numbers.astype(np.int32))]
        arguments = (self._fine, self._colours_there(), self._tables, *there, *out)
        grid = (len(windows), len(numbers), 1)
        self._device.launch("describe_windows", grid, CELLS * CELLS, arguments)

    def _colours_there(self) -> Any:
        if self._on_device is None:
            self._on_device = self._device.upload(self._colours[: self._n])
        return self._on_device


def _part(plane: DevicePlane, picture: DevicePicture, rect: Rect) -> Rect:
    left, right = part_of_line(plane.width, picture.width, rect.left, rect.right)
    top, bottom = part_of_line(plane.height, picture.height, rect.top, rect.bottom)
    return Rect(left, top, right, bottom)


def _plane_structs(planes: Sequence[DevicePlane], parts: Sequence[Rect]) -> npt.NDArray[Any]:
    structs = np.zeros(len(planes), _PLANE)
    for struct, plane, part in zip(structs, planes, parts, strict=True):
        struct["data"], struct["pitch"] = plane.address, plane.pitch_bytes
        struct["left"], struct["top"] = part.left, part.top
        struct["width"], struct["height"] = part.width, part.height
        struct["channels"], struct["first_channel"] = plane.channels, plane.first_channel
        struct["bytes"], struct["shift"] = plane.sample_bytes, plane.shift
    return structs


def _colour_struct(picture: DevicePicture, parts: Sequence[Rect]) -> npt.NDArray[Any]:
    struct = np.zeros((), _COLOUR)
    for name, value in native_scale(picture.colour)._asdict().items():
        struct[name] = value
    struct["space"], struct["turns"] = _SPACES[picture.colour.space], picture.rotation // 90
    for plane, part in zip(picture.device_planes, parts, strict=True):
        channels = slice(plane.first_channel, plane.first_channel + plane.channels)
        struct["width"][channels], struct["height"][channels] = part.width, part.height
    return struct


def _tables() -> npt.NDArray[Any]:
    tables = np.zeros(1, _TABLES)
    tables["dct"] = layout.DCT
    tables["v"], tables["u"] = (
        layout.ZIGZAG_V[layout.POSITION],
        layout.ZIGZAG_U[layout.POSITION],
    )
    tables["channel"], tables["ac_codes"] = layout.CHANNEL, layout.AC_CODES
    tables["luma_dc_codes"] = layout.LUMA_DC_CODES
    tables["chroma_dc_codes"] = layout.CHROMA_DC_CODES
    return tables
