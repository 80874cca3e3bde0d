"""Decoding of JPEG pictures on NVIDIA GPUs through nvImageCodec, many in one call.

Pillow reads the header first, so that limits hold before anything is decoded, and decodes all that
the GPU leaves: other formats, CMYK, what nvImageCodec refuses, and everything where there is no
GPU or no nvImageCodec. nvJPEG rounds otherwise than libjpeg, so what it decodes has a
preprocessing version of its own.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.colour import Colour
from mitate.kernels.decode import Limits, Picture, Plane
from mitate.kernels.decode_pillow import PillowDecoder
from mitate.kernels.errors import InvalidMedia

PREPROCESSING_VERSION = "nvjpeg-rgb/1"
Pixels = npt.NDArray[np.uint8]

_PACKAGE = "nvidia.nvimgcodec"
_MODES = ("RGB", "L")  # of Pillow: YCbCr and grey
_BATCH = 64
_BATCH_PIXELS = 1 << 26


class NoNvjpeg(Exception):
    """JPEGs cannot be decoded on this GPU."""


class NvjpegDecoder(PillowDecoder):
    """One picture, decoded by a GPU; where that cannot be by Pillow, and `fallback` says why."""

    def __init__(
        self, source: str | os.PathLike[str] | bytes, limits: Limits, device: int = 0
    ) -> None:
        super().__init__(source, limits)
        self._device = device
        self._pixels: Pixels | None = None
        if not self.is_for_gpu:
            self.fallback = f"nvJPEG is for JPEGs, this is {self.info.codec} {self._image.mode}"

    @property
    def is_for_gpu(self) -> bool:
        """Whether it is a picture of a kind that nvJPEG decodes."""
        return self.info.codec == "jpeg" and self._image.mode in _MODES

    def encoded(self) -> bytes:
        """Return the file."""
        return self._source if isinstance(self._source, bytes) else Path(self._source).read_bytes()

    def take(self, decoded: Pixels | str) -> None:
        """Take the picture that the GPU made, (h, w, 3) RGB, or why it made none."""
        size = self.info.height, self.info.width, 3
        if isinstance(decoded, str):
            self.fallback = decoded
        elif decoded.shape != size:
            self.fallback = f"nvJPEG made {decoded.shape} of a picture of {size}"
        else:
            self._pixels = decoded
            self.info = replace(
                self.info, backend="nvjpeg", preprocessing_version=PREPROCESSING_VERSION
            )

    def frames(self) -> Iterator[Picture]:
        """Yield every frame in the order shown; raises InvalidMedia when over a limit."""
        if self._pixels is None and self.fallback is None:
            _decode([self], self._device)
        if self._pixels is None:
            yield from super().frames()
            return
        height, width, _ = self._pixels.shape
        plane = Plane(self._pixels.reshape(height, width * 3), width, channels=3)
        yield Picture((plane,), Colour("rgb"), width, height, 0)


def open_pictures(
    sources: Sequence[str | os.PathLike[str] | bytes], limits: Limits, device: int = 0
) -> list[NvjpegDecoder | InvalidMedia]:
    """Open pictures, the JPEGs among them decoded together; or say why one cannot be read."""
    opened: list[NvjpegDecoder | InvalidMedia] = []
    for source in sources:
        try:
            opened.append(NvjpegDecoder(source, limits, device))
        except InvalidMedia as error:
            opened.append(error)
    _decode([d for d in opened if isinstance(d, NvjpegDecoder) and d.is_for_gpu], device)
    return opened


def _decode(decoders: Sequence[NvjpegDecoder], device: int) -> None:
    """Decode JPEGs, as many in one call as memory allows."""
    try:
        codec = _codec(device)
    except NoNvjpeg as error:
        for decoder in decoders:
            decoder.take(str(error))
        return
    batch: list[NvjpegDecoder] = []
    n_pixels = 0
    for decoder in decoders:
        more = decoder.info.width * decoder.info.height
        if batch and (len(batch) == _BATCH or n_pixels + more > _BATCH_PIXELS):
            _decode_batch(codec, batch)
            batch, n_pixels = [], 0
        batch.append(decoder)
        n_pixels += more
    if batch:
        _decode_batch(codec, batch)


def _decode_batch(codec: _Codec, batch: Sequence[NvjpegDecoder]) -> None:
    images = codec.decoder.decode([d.encoded() for d in batch], params=codec.parameters)
    for decoder, image in zip(batch, images, strict=True):
        refused = "nvImageCodec refused the picture"
        decoder.take(refused if image is None else np.asarray(image.cpu()))


class _Codec(NamedTuple):
    decoder: Any
    parameters: Any


@lru_cache(maxsize=8)
def _codec(device: int) -> _Codec:
    """Return the decoder of a GPU; raises NoNvjpeg."""
    try:
        library = importlib.import_module(_PACKAGE)
    except ImportError as error:
        raise NoNvjpeg(
            f"nvImageCodec is not installed, `mitate[gpu]` brings it: {error}"
        ) from error
    kinds = library.BackendKind
    on_gpu = (kinds.HW_GPU_ONLY, kinds.GPU_ONLY, kinds.HYBRID_CPU_GPU)
    backends = [library.Backend(kind) for kind in on_gpu]
    try:
        decoder = library.Decoder(
            device_id=device, backends=backends, options=":fancy_upsampling=1"
        )
    except RuntimeError as error:
        raise NoNvjpeg(f"nvImageCodec cannot use GPU {device}: {error}") from error
    upright = library.DecodeParams(
        apply_exif_orientation=True, allow_any_depth=False, color_spec=library.ColorSpec.SRGB
    )
    return _Codec(decoder, upright)
