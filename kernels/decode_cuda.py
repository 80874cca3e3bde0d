"""Decoding with NVDEC through PyAV: frames stay on the GPU.

Per file it is decided whether the hardware decodes it (`why_not_cuda`). Where the hardware gives up
in the middle, the rest is decoded on the CPU: the bits of a frame are the same on both. Frames are
handed on one by one and never queued, since the decoder has few surfaces.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import av.container
import av.video.frame
import av.video.stream
from av.codec.hwaccel import HWAccel

from mitate.kernels.decode import Limits, MediaInfo, Picture
from mitate.kernels.decode_pyav import Packet, PyavDecoder
from mitate.kernels.describe_gpu import DevicePicture, DevicePlane
from mitate.kernels.errors import InvalidMedia
from mitate.kernels.nvidia import CODECS, Capability, Driver, NoDriver
from mitate.kernels.pyav_open import ERRORS, open_video
from mitate.kernels.pyav_planes import PlaneReader

# Formats of software decoders whose hardware counterpart can be handed on without a copy.
_FORMAT = re.compile(r"yuvj?420p(?:(?P<depth>10|12)le)?")


class HardwareGaveUp(Exception):
    """The hardware failed on a packet."""


class PyavCudaDecoder(PyavDecoder):
    """One video file, decoded by NVDEC; where that fails, from there on by the CPU."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        limits: Limits,
        threads: int = 1,
        *,
        keys_only: bool = False,
        device: int = 0,
    ) -> None:
        self._device = device
        super().__init__(path, limits, threads, keys_only=keys_only)
        self._software_format = self.info.pixel_format
        self.fallback = why_not_cuda(self.info, device)
        if self.fallback is None:
            self._reopen()

    def frames(self) -> Iterator[Picture]:
        """Yield every frame in the order shown; raises InvalidMedia when over a limit."""
        n_frames = 0
        try:
            for picture in super().frames():
                yield picture
                n_frames += 1
        except HardwareGaveUp as error:
            self.fallback = f"the hardware gave up after {n_frames} frames: {error}"
            self.info = replace(self.info, backend="pyav")
            cpu = PyavDecoder(self._path, self._limits, self._threads, keys_only=self._keys_only)
            with cpu as rest:
                yield from islice(rest.frames(), n_frames, None)
                self.partial, self.n_errors, self.end_ms = rest.partial, rest.n_errors, rest.end_ms

    def _reopen(self) -> None:
        try:
            opened = open_video(self._path, self._limits, 1, self._acceleration())
        except (InvalidMedia, NotImplementedError) as error:
            self.fallback = f"the hardware refused it: {error}"
            return
        self._container.close()
        self._container, self._stream = opened
        self.info = replace(self.info, backend="pyav-cuda")

    def _acceleration(self) -> HWAccel:
        return HWAccel("cuda", device=str(self._device), is_hw_owned=True)

    def _decode(self, packet: Packet | None) -> list[av.video.frame.VideoFrame]:
        if self.fallback is not None:
            return super()._decode(packet)
        try:
            return self._stream.decode(packet)
        except ERRORS as error:
            raise HardwareGaveUp(str(error)) from error

    def _picture(
        self, frame: av.video.frame.VideoFrame, reader: PlaneReader, time_ms: int
    ) -> Picture:
        if frame.format.name in ("cuda", "nv12", "p010le"):
            return device_picture(frame, reader, self._software_format, time_ms, self._device)
        return super()._picture(frame, reader, time_ms)


def why_not_cuda(info: MediaInfo, device: int = 0) -> str | None:
    """Return why a video is decoded on the CPU, None where NVDEC decodes it."""
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed; `mitate[gpu]` brings it"
    if info.codec not in CODECS:
        return f"NVDEC does not know {info.codec}"
    found = _FORMAT.fullmatch(info.pixel_format)
    if found is None:
        return f"frames of {info.pixel_format} cannot be handed on without a copy"
    depth = int(found["depth"] or 8)
    try:
        capability = _capability(device, info.codec, depth)
    except NoDriver as error:
        return str(error)
    if capability is None:
        return f"GPU {device} does not decode {info.codec} of {depth} bits"
    return capability.why_not(info.width, info.height)


@lru_cache(maxsize=64)
def _capability(device: int, codec: str, depth: int) -> Capability | None:
    return Driver().capability(device, codec, "4:2:0", depth)


def device_picture(
    frame: av.video.frame.VideoFrame,
    reader: PlaneReader,
    software_format: str,  # what a decoder in software would give
    time_ms: int,
    device: int = 0,
) -> DevicePicture:
    """Return a frame of NV12, P010 or P016 without copying it."""
    luma, chroma = (_exported(plane) for plane in frame.planes)
    colour = reader.colour(frame, software_format)
    shift = 16 - colour.depth if luma.sample_bytes == 2 else 0
    # The exported height of chroma is that of luma halved and rounded down; there is one more line.
    half = -(-frame.width // 2), -(-frame.height // 2)
    planes = (
        DevicePlane(
            *(luma.address, luma.pitch_bytes, frame.width, frame.height),
            *(1, 0, luma.sample_bytes, shift),
        ),
        DevicePlane(chroma.address, chroma.pitch_bytes, *half, 2, 1, chroma.sample_bytes, shift),
    )
    return DevicePicture(
        planes=(),
        device_planes=planes,
        owner=(frame, luma.owner, chroma.owner),
        colour=colour,
        width=frame.width,
        height=frame.height,
        time_ms=time_ms,
        rotation=round(frame.rotation / 90) % 4 * 90,
        key=bool(frame.key_frame),
        device=device,
    )


class _Exported(NamedTuple):
    address: int
    pitch_bytes: int
    sample_bytes: int
    owner: object  # the capsule, which keeps the frame


class _Tensor(ctypes.Structure):
    """DLTensor of DLPack before version 1."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("type_code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


_capsule_pointer: Any = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)


def _exported(plane: Any) -> _Exported:
    """Return where a plane lies, by DLPack."""
    capsule = plane.__dlpack__()
    tensor = _Tensor.from_address(_capsule_pointer(capsule, b"dltensor"))
    sample_bytes = tensor.bits // 8
    address = (tensor.data or 0) + tensor.byte_offset
    return _Exported(address, tensor.strides[0] * sample_bytes, sample_bytes, capsule)
