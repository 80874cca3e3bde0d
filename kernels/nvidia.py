"""What the NVIDIA driver of this machine offers: devices, and what their NVDEC engines decode.

Talks to libcuda and libnvcuvid through ctypes, so that it needs no package and says why where
there is no driver. Structures follow `cuviddec.h` of the Video Codec SDK.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

CUDA_LIBRARY, NVCUVID_LIBRARY = "libcuda.so.1", "libnvcuvid.so.1"

# FFmpeg's name of a codec -> cudaVideoCodec
CODECS = {
    "mpeg1video": 0,
    "mpeg2video": 1,
    "mpeg4": 2,
    "vc1": 3,
    "wmv3": 3,
    "h264": 4,
    "hevc": 8,
    "vp8": 9,
    "vp9": 10,
    "av1": 11,
}
CHROMAS = {"4:2:0": 1, "4:2:2": 2, "4:4:4": 3}  # -> cudaVideoChromaFormat

_COMPUTE_MAJOR, _COMPUTE_MINOR = 75, 76  # CUdevice_attribute
_NAME_BYTES = 256


class NoDriver(Exception):
    """There is no NVIDIA driver, no device, or a call failed; the text says which."""


class Device(NamedTuple):
    """One GPU."""

    number: int
    name: str
    compute: tuple[int, int]  # compute capability
    memory_bytes: int


class Capability(NamedTuple):
    """What the NVDEC engines of a device do with one kind of video."""

    engines: int
    min_width: int
    min_height: int
    max_width: int
    max_height: int
    max_macroblocks: int  # width times height over 256

    def why_not(self, width: int, height: int) -> str | None:
        """Return why a picture of this size is not decoded, None where it is."""
        if not (
            self.min_width <= width <= self.max_width
            and self.min_height <= height <= self.max_height
            and -(-width // 16) * -(-height // 16) <= self.max_macroblocks
        ):
            return (
                f"{width}x{height} is outside {self.min_width}x{self.min_height} to "
                f"{self.max_width}x{self.max_height}"
            )
        return None


class _DecodeCaps(ctypes.Structure):
    """CUVIDDECODECAPS."""

    _fields_ = (
        ("codec", ctypes.c_int),
        ("chroma", ctypes.c_int),
        ("depth_minus_8", ctypes.c_uint),
        ("reserved_1", ctypes.c_uint * 3),
        ("is_supported", ctypes.c_ubyte),
        ("engines", ctypes.c_ubyte),
        ("output_formats", ctypes.c_ushort),
        ("max_width", ctypes.c_uint),
        ("max_height", ctypes.c_uint),
        ("max_macroblocks", ctypes.c_uint),
        ("min_width", ctypes.c_ushort),
        ("min_height", ctypes.c_ushort),
        ("histogram", ctypes.c_ubyte * 4),
        ("reserved_3", ctypes.c_uint * 10),
    )


class Driver:
    """The NVIDIA driver of this machine."""

    def __init__(self, cuda: str = CUDA_LIBRARY) -> None:
        """Load the driver; raises NoDriver."""
        self._cuda = _load(cuda)
        self._check(self._cuda.cuInit(0), "cuInit")
        version = ctypes.c_int()
        self._check(self._cuda.cuDriverGetVersion(ctypes.byref(version)), "cuDriverGetVersion")
        self.cuda_version = (version.value // 1000, version.value % 1000 // 10)

    def devices(self) -> list[Device]:
        """Return the devices that this process may use; raises NoDriver."""
        count = ctypes.c_int()
        self._check(self._cuda.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
        return [self._device(number) for number in range(count.value)]

    def capability(
        self,
        number: int,  # of the device
        codec: str,  # a key of CODECS
        chroma: str,  # a key of CHROMAS
        depth: int,  # bits
        nvcuvid: str = NVCUVID_LIBRARY,
    ) -> Capability | None:
        """Return what the hardware does with such video, None when nothing; raises NoDriver."""
        library = _load(nvcuvid)
        asked = _DecodeCaps(CODECS[codec], CHROMAS[chroma], depth - 8)
        with self._context(number):
            self._check(library.cuvidGetDecoderCaps(ctypes.byref(asked)), "cuvidGetDecoderCaps")
        if not asked.is_supported:
            return None
        return Capability(
            # Drivers before 530 do not tell how many there are.
            max(1, asked.engines),
            *(asked.min_width, asked.min_height, asked.max_width, asked.max_height),
            asked.max_macroblocks,
        )

    def _device(self, number: int) -> Device:
        handle, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
        memory, part = ctypes.c_size_t(), ctypes.c_int()
        cuda = self._cuda
        self._check(cuda.cuDeviceGet(ctypes.byref(handle), number), "cuDeviceGet")
        self._check(cuda.cuDeviceGetName(name, _NAME_BYTES, handle), "cuDeviceGetName")
        self._check(cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), handle), "cuDeviceTotalMem")
        compute = []
        for attribute in (_COMPUTE_MAJOR, _COMPUTE_MINOR):
            result = cuda.cuDeviceGetAttribute(ctypes.byref(part), attribute, handle)
            self._check(result, "cuDeviceGetAttribute")
            compute.append(part.value)
        text = name.value.decode("utf-8", "replace")
        return Device(number, text, (compute[0], compute[1]), memory.value)

    @contextmanager
    def _context(self, number: int) -> Iterator[None]:
        """Make the primary context of a device current; other libraries share it."""
        cuda, handle, context = self._cuda, ctypes.c_int(), ctypes.c_void_p()
        self._check(cuda.cuDeviceGet(ctypes.byref(handle), number), "cuDeviceGet")
        retained = cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), handle)
        self._check(retained, "cuDevicePrimaryCtxRetain")
        try:
            self._check(cuda.cuCtxPushCurrent_v2(context), "cuCtxPushCurrent")
            try:
                yield
            finally:
                cuda.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))
        finally:
            cuda.cuDevicePrimaryCtxRelease_v2(handle)

    def _check(self, result: int, call: str) -> None:
        if result:
            text = ctypes.c_char_p()
            self._cuda.cuGetErrorString(result, ctypes.byref(text))
            reason = (text.value or b"unknown error").decode("utf-8", "replace")
            raise NoDriver(f"{call} failed with {result}: {reason}")


def n_engines(number: int, cuda: str = CUDA_LIBRARY, nvcuvid: str = NVCUVID_LIBRARY) -> int:
    """Return how many videos a GPU decodes at a time, 0 where it decodes none."""
    try:
        capability = Driver(cuda).capability(number, "h264", "4:2:0", 8, nvcuvid)
    except NoDriver:
        return 0
    return 0 if capability is None else capability.engines


def _load(name: str) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise NoDriver(f"the NVIDIA driver is missing: {error}") from error
