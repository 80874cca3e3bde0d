"""Planes of PyAV frames as arrays, without copying or converting where the format allows it."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import av
import av.video.frame
import av.video.reformatter
import numpy as np
import numpy.typing as npt

from mitate.kernels.colour import Colour, Matrix, default_matrix
from mitate.kernels.decode import Plane

Space = Literal["rgb", "yuv", "grey"]

_NATIVE = re.compile(
    r"(?P<yuv>yuv(?P<full>j)?a?4(?:44|40|22|20|11|10)p)(?P<yuv_bits>9|10|12|14|16)?(?P<yuv_le>le)?"
    r"|(?P<grey>gray)(?P<grey_bits>9|10|12|14|16)?(?P<grey_le>le)?"
    r"|(?P<rgb>gbra?p)(?P<rgb_bits>9|10|12|14|16)?(?P<rgb_le>le)?"
)
_ORDER: dict[Space, tuple[int, ...]] = {"yuv": (0, 1, 2), "grey": (0,), "rgb": (2, 0, 1)}
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_UNSPECIFIED_RANGE = 0
# AVCOL_SPC_BT709, FCC, BT470BG, SMPTE170M, SMPTE240M, BT2020_NCL, BT2020_CL
_MATRICES: dict[int, Matrix] = {
    1: "bt709",
    4: "bt601",
    5: "bt601",
    6: "bt601",
    7: "bt709",
    9: "bt2020",
    10: "bt2020",
}


class _Format(NamedTuple):
    space: Space
    depth: int
    full_range: bool  # by its name


class PlaneReader:
    """Reads the planes of the frames of one stream; formats that are not planar become RGB."""

    def __init__(self) -> None:
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._formats: dict[str, _Format | None] = {}
        self._colours: dict[tuple[str, int, int, int], Colour] = {}

    def read(self, frame: av.video.frame.VideoFrame) -> tuple[tuple[Plane, ...], Colour]:
        """Return the planes and their colour; they stay valid as long as they are referenced."""
        name = frame.format.name
        if name not in self._formats:
            self._formats[name] = _native_format(name)
        native, planes = self._formats[name], frame.planes
        if native is None or any(plane.line_size <= 0 for plane in planes):
            return self._as_rgb(frame)
        dtype = np.uint8 if native.depth == 8 else np.uint16
        order = _ORDER[native.space]
        read = tuple(Plane(_plane_array(planes[i], dtype), planes[i].width) for i in order)
        return read, self._colour(frame, name, native)

    def colour(self, frame: av.video.frame.VideoFrame, format_name: str) -> Colour:
        """Return the colour of a frame that stands for one of a planar format."""
        native = _native_format(format_name)
        if native is None:
            raise ValueError(f"pixel format {format_name!r} is not planar")
        return self._colour(frame, format_name, native)

    def _colour(
        self, frame: av.video.frame.VideoFrame, format_name: str, native: _Format
    ) -> Colour:
        key = (format_name, int(frame.colorspace), int(frame.color_range), frame.height)
        if key not in self._colours:
            _, matrix, signalled, height = key
            # Grey without a stated range is full range, as FFmpeg takes it.
            unstated_grey = native.space == "grey" and signalled == _UNSPECIFIED_RANGE
            full = native.full_range or native.space == "rgb" or signalled == _FULL_RANGE
            self._colours[key] = Colour(
                space=native.space,
                matrix=_MATRICES.get(matrix, default_matrix(height)),
                full_range=full or unstated_grey,
                depth=native.depth,
            )
        return self._colours[key]

    def _as_rgb(self, frame: av.video.frame.VideoFrame) -> tuple[tuple[Plane, ...], Colour]:
        rgb = self._reformatter.reformat(frame, format="rgb24")
        plane = rgb.planes[0]
        return (Plane(_plane_array(plane, np.uint8), rgb.width, channels=3),), Colour("rgb")


def _plane_array(plane: Any, dtype: type[np.uint8] | type[np.uint16]) -> npt.NDArray[Any]:
    stride = plane.line_size // (1 if dtype is np.uint8 else 2)
    return np.ndarray((plane.height, stride), dtype, buffer=plane)


def _native_format(name: str) -> _Format | None:
    """Return what a planar little-endian format means, None for other formats."""
    found = _NATIVE.fullmatch(name)
    if found is None:
        return None
    space = next(space for space in _ORDER if found[space])
    bits = found[f"{space}_bits"]
    if bool(bits) != bool(found[f"{space}_le"]):
        return None
    return _Format(space, int(bits or 8), bool(found["full"]))
