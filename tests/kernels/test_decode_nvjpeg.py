"""JPEGs through nvImageCodec: its CPU decoder stands in for the GPU, which is not at hand."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mitate.kernels import decode_nvjpeg
from mitate.kernels.decode import Limits, Picture, open_media
from mitate.kernels.decode_nvjpeg import NvjpegDecoder, open_pictures
from mitate.kernels.decode_pillow import PillowDecoder
from mitate.kernels.errors import InvalidMedia


class Counting:
    """A decoder that counts the pictures of each call."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self.calls: list[int] = []

    def decode(self, encoded: Sequence[bytes], params: Any) -> Any:
        self.calls.append(len(encoded))
        return self._decoder.decode(encoded, params=params)


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Let the CPU decoder of nvImageCodec be that of the GPU."""
    library: Any = pytest.importorskip("nvidia.nvimgcodec")
    backends = [library.Backend(library.BackendKind.CPU_ONLY)]
    decoder = library.Decoder(device_id=library.NVIMGCODEC_DEVICE_CPU_ONLY, backends=backends)
    upright = library.DecodeParams(
        apply_exif_orientation=True, allow_any_depth=False, color_spec=library.ColorSpec.SRGB
    )
    counting = Counting(decoder)
    monkeypatch.setattr(
        decode_nvjpeg, "_codec", lambda device: decode_nvjpeg._Codec(counting, upright)
    )
    return counting


def drawn(mode: str = "RGB", size: tuple[int, int] = (64, 40), **options: Any) -> bytes:
    noise = np.random.default_rng(sum(size)).integers(0, 256, (5, 8, 3), np.uint8)
    file = io.BytesIO()
    picture = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)
    picture.save(file, options.pop("format", "JPEG"), **options)
    return file.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return drawn(exif=exif)


def only(decoder: PillowDecoder) -> Picture:
    with decoder:
        (picture,) = decoder.frames()
    return picture


def same(one: Picture, other: Picture) -> bool:
    return (one.width, one.height, one.colour) == (other.width, other.height, other.colour) and (
        np.array_equal(one.planes[0].buffer, other.planes[0].buffer)
    )


@pytest.mark.parametrize(
    "encoded",
    [drawn(), drawn("L"), drawn(subsampling=0), drawn(progressive=True), turned()],
    ids=["colour", "grey", "full chroma", "progressive", "turned"],
)
def test_a_jpeg_is_decoded_upright_as_rgb(encoded: bytes, on_cpu: Counting) -> None:
    decoder = NvjpegDecoder(encoded, Limits())
    picture = only(decoder)
    assert same(picture, only(PillowDecoder(encoded, Limits())))
    assert decoder.fallback is None
    assert (decoder.info.backend, decoder.info.preprocessing_version) == ("nvjpeg", "nvjpeg-rgb/1")


@pytest.mark.parametrize("encoded", [drawn("CMYK"), drawn(format="PNG")], ids=["cmyk", "png"])
def test_what_is_no_jpeg_of_rgb_or_grey_is_left_to_pillow(encoded: bytes, on_cpu: Counting) -> None:
    decoder = NvjpegDecoder(encoded, Limits())
    assert same(only(decoder), only(PillowDecoder(encoded, Limits())))
    assert decoder.fallback is not None
    assert decoder.fallback.startswith("nvJPEG is for JPEGs, this is")
    assert (decoder.info.backend, on_cpu.calls) == ("pillow", [])


def test_many_jpegs_are_decoded_in_one_call(on_cpu: Counting, tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(drawn(size=(33, 17)))
    sources: list[bytes | Path] = [drawn(size=(8 * n, 24)) for n in range(1, 6)]
    sources += [drawn(format="PNG"), file]
    opened = open_pictures(sources, Limits())
    for decoder, source in zip(opened, sources, strict=True):
        assert isinstance(decoder, NvjpegDecoder)
        assert same(only(decoder), only(PillowDecoder(source, Limits())))
    assert on_cpu.calls == [6]


def test_batches_are_bounded_in_number_and_pixels(
    on_cpu: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode_nvjpeg, "_BATCH", 4)
    monkeypatch.setattr(decode_nvjpeg, "_BATCH_PIXELS", 3 * 64 * 40)
    opened = open_pictures([drawn()] * 5 + [drawn(size=(200, 100))], Limits())
    assert on_cpu.calls == [3, 2, 1]
    assert all(isinstance(d, NvjpegDecoder) and d.fallback is None for d in opened)


def test_a_broken_picture_does_not_disturb_the_others(on_cpu: Counting) -> None:
    whole = drawn(size=(160, 120))
    opened = open_pictures([whole, whole[: len(whole) // 2], b"\xff\xd8\xffnothing"], Limits())
    good, cut, nothing = opened
    assert isinstance(good, NvjpegDecoder)
    assert same(only(good), only(PillowDecoder(whole, Limits())))
    assert isinstance(cut, NvjpegDecoder)
    assert cut.fallback == "nvImageCodec refused the picture"
    with pytest.raises(InvalidMedia, match="truncated"):
        only(cut)
    assert isinstance(nothing, InvalidMedia)


def test_limits_hold_before_anything_is_decoded(on_cpu: Counting) -> None:
    (refused,) = open_pictures([drawn()], Limits(max_still_pixels=100))
    assert isinstance(refused, InvalidMedia)
    assert on_cpu.calls == []


def test_without_a_gpu_or_the_library_pillow_decodes_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_nvjpeg._codec.cache_clear()
    path = tmp_path / "a.jpg"
    path.write_bytes(drawn())
    monkeypatch.setattr(decode_nvjpeg, "_PACKAGE", "nvidia_absent")
    with open_media(path, backend="nvjpeg") as decoder:
        assert sum(1 for _ in decoder.frames()) == 1
        assert "nvImageCodec is not installed" in str(decoder.fallback)
        assert decoder.info.backend == "pillow"


def test_a_gpu_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    library: Any = pytest.importorskip("nvidia.nvimgcodec")

    def refuse(**wanted: Any) -> None:
        raise RuntimeError(f"no device {wanted['device_id']}")

    decode_nvjpeg._codec.cache_clear()
    monkeypatch.setattr(library, "Decoder", refuse)
    monkeypatch.setattr(importlib, "import_module", lambda name: library)
    decoder = NvjpegDecoder(drawn(), Limits(), device=3)
    assert only(decoder).width == 64
    assert decoder.fallback == "nvImageCodec cannot use GPU 3: no device 3"
