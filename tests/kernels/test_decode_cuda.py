"""The NVDEC path as far as it runs without a GPU: frames of NV12 and P010 in place of surfaces."""

from __future__ import annotations

import importlib.util
import weakref
from pathlib import Path
from typing import Any

import av.error
import numpy as np
import pytest
from cuda_source import KERNELS, HostLauncher
from making import make_video, run

from mitate.kernels import decode_cuda, describer
from mitate.kernels.decode import Limits, MediaInfo, open_media
from mitate.kernels.decode_cuda import PyavCudaDecoder, why_not_cuda
from mitate.kernels.describe_gpu import DevicePicture, GpuDescriber
from mitate.kernels.errors import InvalidArgument
from mitate.kernels.nvidia import Capability, NoDriver
from mitate.kernels.sign import SignatureStream, sign
from mitate.kernels.signature import Signature

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "12")
MOVING = "testsrc2=s=98x66:r=25:d=2"
ABLE = Capability(1, 48, 16, 4096, 4096, 65536)
COLUMNS = ("times_ms", "kept_first", "layouts", "mirrored", "quality", "run_first", "windows")


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> HostLauncher:
    return HostLauncher(KERNELS / "describe.cu", tmp_path_factory.mktemp("describe"))


class Surfaces:
    """Decodes in software into NV12 or P010, as the hardware does, and may give up."""

    def __init__(self) -> None:
        self.gives_up_after: int | None = None
        self.n_packets = 0
        self.devices: set[int] = set()  # on which frames were described

    def decode(self, decoder: PyavCudaDecoder, packet: Any) -> list[Any]:
        self.n_packets += 1
        if self.gives_up_after is not None and self.n_packets > self.gives_up_after:
            raise av.error.ExternalError(542398533, "hardware error")
        deep = decoder._software_format.endswith("10le")
        frames = decoder._stream.decode(packet)
        return [as_surface(frame, "p010le" if deep else "nv12") for frame in frames]


def as_surface(frame: Any, name: str) -> Any:
    """Interleave the chroma of a frame; no sample changes."""
    surface = frame.reformat(format=name)
    surface.pts, surface.time_base, surface.duration = frame.pts, frame.time_base, frame.duration
    return surface


@pytest.fixture
def surfaces(monkeypatch: pytest.MonkeyPatch, launcher: HostLauncher) -> Surfaces:
    """Let the hardware be a decoder in software and the GPU the CPU."""
    made = Surfaces()

    class Decoder(PyavCudaDecoder):
        def _acceleration(self) -> None:  # type: ignore[override]
            return None

        def _decode(self, packet: Any) -> list[Any]:
            if self.fallback is not None:
                return super()._decode(packet)
            try:
                return made.decode(self, packet)
            except av.error.ExternalError as error:
                raise decode_cuda.HardwareGaveUp(str(error)) from error

    class OnHost(describer.DeviceDescriber):
        def __init__(self, capacity: int, device: int) -> None:
            made.devices.add(device)
            self._gpu = GpuDescriber(capacity, launcher)

    monkeypatch.setattr(decode_cuda, "PyavCudaDecoder", Decoder)
    monkeypatch.setattr(decode_cuda, "_capability", lambda *asked: ABLE)
    monkeypatch.setattr(describer, "DeviceDescriber", OnHost)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    return made


def same(one: Signature, other: Signature) -> bool:
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in COLUMNS) and (
        np.array_equal(one.thumbnails, other.thumbnails)
        and (one.rect, one.duration_ms, one.partial)
        == (other.rect, other.duration_ms, other.partial)
    )


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("size", ["98x66", "322x182"])
def test_a_video_has_the_same_signature_on_both_paths(
    pixels: str, size: str, surfaces: Surfaces, ffmpeg: str, tmp_path: Path
) -> None:
    path = make_video(
        ffmpeg,
        tmp_path / "v.mkv",
        *H264,
        "-pix_fmt",
        pixels,
        source=f"testsrc2=s={size}:r=25:d=0.4",
    )
    with SignatureStream(path, backend="pyav-cuda") as stream:
        assert (stream.info.backend, stream.fallback) == ("pyav-cuda", None)
    assert same(sign(path, backend="pyav-cuda"), sign(path))
    assert surfaces.n_packets > 10


@pytest.mark.parametrize(
    "name", ["bbb_npm_1080p-30sec.mp4", "pennychip_outro.mp4", "bbb_ivideo.mp4"]
)
def test_real_clips_have_the_same_signature_on_both_paths(
    name: str, surfaces: Surfaces, clips: Path, ffmpeg: str, tmp_path: Path
) -> None:
    part = tmp_path / f"part.{name.rpartition('.')[2]}"
    run(ffmpeg, "-i", str(clips / name), "-an", "-sn", "-c", "copy", "-frames:v", "5", str(part))
    with SignatureStream(part, backend="pyav-cuda") as stream:
        assert stream.info.backend == "pyav-cuda"
    assert same(sign(part, backend="pyav-cuda"), sign(part))


def test_the_cpu_goes_on_where_the_hardware_gives_up(
    surfaces: Surfaces, ffmpeg: str, tmp_path: Path
) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264, source=MOVING)
    surfaces.gives_up_after = 20
    with SignatureStream(path, backend="pyav-cuda") as stream:
        chunks = list(stream)
        assert str(stream.fallback).startswith("the hardware gave up after ")
        assert stream.info.backend == "pyav"
    assert len(chunks) == 2
    surfaces.n_packets = 0
    assert same(sign(path, backend="pyav-cuda"), sign(path))


def test_surfaces_are_handed_on_without_copies(
    surfaces: Surfaces, ffmpeg: str, tmp_path: Path
) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264, source=MOVING)
    with open_media(path, backend="pyav-cuda") as decoder:
        for picture in decoder.frames():
            assert isinstance(picture, DevicePicture)
            frame = picture.owner[0]  # type: ignore[index]
            for plane, surface in zip(picture.device_planes, frame.planes, strict=True):
                memory = np.frombuffer(surface, np.uint8)
                assert plane.address == memory.ctypes.data
                assert plane.pitch_bytes == surface.line_size


def test_few_surfaces_are_held_at_a_time(
    surfaces: Surfaces, ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264, source=MOVING)
    alive: list[weakref.ref[Any]] = []
    most = 0
    real = decode_cuda.device_picture

    class Owner:
        def __init__(self, parts: object) -> None:
            self.parts = parts

    def watched(*args: Any) -> DevicePicture:
        nonlocal most
        picture = real(*args)
        picture.owner = Owner(picture.owner)
        alive.append(weakref.ref(picture.owner))
        most = max(most, sum(ref() is not None for ref in alive))
        return picture

    monkeypatch.setattr(decode_cuda, "device_picture", watched)
    sign(path, backend="pyav-cuda")
    assert len(alive) == 50
    assert most <= 4


def test_a_video_whose_part_is_too_small_is_described_by_the_cpu(
    surfaces: Surfaces, ffmpeg: str, tmp_path: Path
) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264, source="testsrc2=s=64x14:r=25:d=1")
    assert same(sign(path, backend="pyav-cuda"), sign(path))


def info(codec: str, pixels: str, width: int = 1920, height: int = 1080) -> MediaInfo:
    return MediaInfo("video", "mp4", codec, "", pixels, width, height, 0, 25.0, "pyav", "planes/1")


def test_each_file_is_decided_by_codec_format_size_and_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    able = {("h264", 8): ABLE, ("hevc", 8): ABLE, ("hevc", 10): ABLE}
    monkeypatch.setattr(
        decode_cuda, "_capability", lambda d, codec, depth: able.get((codec, depth))
    )
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert why_not_cuda(info("h264", "yuv420p")) is None
    assert why_not_cuda(info("hevc", "yuv420p10le")) is None
    reasons = {
        info("h264", "yuv420p10le"): "does not decode h264 of 10 bits",
        info("av1", "yuv420p"): "does not decode av1 of 8 bits",
        info("h264", "yuv444p"): "frames of yuv444p cannot be handed on without a copy",
        info("theora", "yuv420p"): "NVDEC does not know theora",
        info("h264", "yuv420p", 8000, 8000): "8000x8000 is outside 48x16 to 4096x4096",
    }
    for video, reason in reasons.items():
        assert reason in str(why_not_cuda(video))


def test_without_a_driver_or_cupy_the_cpu_decodes_and_says_why(
    ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_driver(*asked: object) -> None:
        raise NoDriver("the NVIDIA driver is missing")

    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264)
    monkeypatch.setattr(decode_cuda, "_capability", no_driver)
    with PyavCudaDecoder(path, Limits()) as decoder:
        assert "CuPy is not installed" in str(decoder.fallback)
        assert decoder.info.backend == "pyav"
        assert sum(1 for _ in decoder.frames()) == 25
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    with PyavCudaDecoder(path, Limits()) as decoder:
        assert decoder.fallback == "the NVIDIA driver is missing"


def test_hardware_that_refuses_to_open_a_file_leaves_it_to_the_cpu(
    ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264)
    monkeypatch.setattr(decode_cuda, "why_not_cuda", lambda *asked: None)
    with PyavCudaDecoder(path, Limits()) as decoder:  # there is no CUDA here
        assert sum(1 for _ in decoder.frames()) == 25
        assert decoder.fallback is not None or decoder.info.backend == "pyav-cuda"


def test_decord_says_when_it_has_no_gpu(ffmpeg: str, tmp_path: Path) -> None:
    pytest.importorskip("decord")
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264)
    with pytest.raises(InvalidArgument, match=r"decord cannot use a GPU: .*CUDA not enabled"):
        open_media(path, backend="decord-cuda")


def test_the_gpu_that_is_named_decodes_and_describes(
    surfaces: Surfaces, ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def capability(device: int, *video: object) -> Capability:
        asked.append(device)
        return ABLE

    monkeypatch.setattr(decode_cuda, "_capability", capability)
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264, source=MOVING)
    assert same(sign(path, backend="pyav-cuda:2"), sign(path))
    assert (asked, surfaces.devices) == ([2], {2})


@pytest.mark.parametrize("name", ["pyav:1", "pyav-cuda:", "pyav-cuda:x", "pyav-cuda:-1", "cuda"])
def test_a_backend_that_there_is_not_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=f"backend '{name}'; allowed are auto, .*pyav-cuda:N"):
        open_media(tmp_path / "v.mkv", backend=name)
