from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av.error
import numpy as np
import numpy.typing as npt
import pytest
from making import cut, make_video, probe_times_ms, run

from mitate.kernels.blocks import cell_sums, cell_sums_numpy
from mitate.kernels.decode import Limits, Picture, open_media
from mitate.kernels.decode_pyav import Packet, PyavDecoder
from mitate.kernels.errors import InvalidMedia

H264 = ("-c:v", "libx264", "-preset", "veryfast")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0")
VARIABLE = ("-vf", "select=not(mod(n\\,3))+lt(n\\,10)", "-vsync", "vfr")
SMALL = "testsrc2=s=160x90:r=25:d=1"
ODD = "testsrc2=s=161x91:r=25:d=1"

# name -> ffmpeg arguments, source
CORPUS: dict[str, tuple[tuple[str, ...], str]] = {
    "h264_b_frames.mkv": ((*H264, "-bf", "2", "-g", "12"), SMALL),
    "h264_b_frames.mp4": ((*H264, "-bf", "2", "-g", "12"), SMALL),
    "h264_fragmented.mp4": ((*H264, "-g", "12", "-movflags", "frag_keyframe+empty_moov"), SMALL),
    "h264_hi10.mkv": ((*H264, "-pix_fmt", "yuv420p10le"), SMALL),
    "h264_422_10.mkv": ((*H264, "-pix_fmt", "yuv422p10le"), SMALL),
    "h264_444_odd.mkv": ((*H264, "-pix_fmt", "yuv444p"), ODD),
    "h264_interlaced.mkv": ((*H264, "-flags", "+ilme+ildct"), "testsrc2=s=160x96:r=25:d=1"),
    "h264_anamorphic.mp4": ((*H264, "-vf", "setsar=40/33"), SMALL),
    "h264_variable_rate.mkv": ((*VARIABLE, *H264), SMALL),
    "h264_variable_rate.mp4": ((*VARIABLE, *H264), SMALL),
    "h264_starts_late.mkv": ((*H264, "-output_ts_offset", "37.5"), SMALL),
    "hevc_10.mp4": (
        ("-c:v", "libx265", "-x265-params", "log-level=0", "-pix_fmt", "yuv420p10le"),
        SMALL,
    ),
    "vp9.webm": (("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"), SMALL),
    "vp8.webm": (("-c:v", "libvpx", "-deadline", "realtime"), SMALL),
    "av1.mkv": (("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8"), SMALL),
    "mpeg2.ts": (("-c:v", "mpeg2video", "-bf", "2", "-g", "12"), SMALL),
    "flv1.flv": (("-c:v", "flv"), SMALL),
    "theora.ogv": (("-c:v", "libtheora"), SMALL),
    "mjpeg_full_range.avi": (("-c:v", "mjpeg", "-pix_fmt", "yuvj422p"), SMALL),
    "ffv1_420_odd.mkv": (("-c:v", "ffv1", "-pix_fmt", "yuv420p"), ODD),
    "ffv1_411.mkv": (("-c:v", "ffv1", "-pix_fmt", "yuv411p"), SMALL),
    "ffv1_410.mkv": (("-c:v", "ffv1", "-pix_fmt", "yuv410p"), SMALL),
    "ffv1_440.mkv": (("-c:v", "ffv1", "-pix_fmt", "yuv440p"), SMALL),
    "ffv1_422_16.mkv": (("-c:v", "ffv1", "-pix_fmt", "yuv422p16le"), SMALL),
    "ffv1_grey.mkv": (("-c:v", "ffv1", "-pix_fmt", "gray"), SMALL),
    "ffv1_grey_10.mkv": (("-c:v", "ffv1", "-pix_fmt", "gray10le"), SMALL),
    "ffv1_gbr_10.mkv": (("-c:v", "ffv1", "-pix_fmt", "gbrp10le"), SMALL),
    "ffv1_bgr.mkv": (("-c:v", "ffv1", "-pix_fmt", "bgr0"), SMALL),
    "png_palette.mov": (("-c:v", "png", "-pix_fmt", "pal8"), SMALL),
    "raw_bgr.avi": (("-c:v", "rawvideo", "-pix_fmt", "bgr24"), SMALL),
}


def expected_planes(
    ffmpeg: str, path: Path, pictures: list[Picture], pixel_format: str
) -> Iterator[list[npt.NDArray[np.generic]]]:
    """Yield the planes of each frame as ffmpeg writes them, in the order of `Picture`."""
    first = pictures[0]
    packed = first.planes[0].channels == 3
    args = ("-noautorotate", "-i", str(path), "-map", "0:v:0", "-vsync", "passthrough")
    raw = run(ffmpeg, *args, "-f", "rawvideo", "-pix_fmt", "rgb24" if packed else pixel_format, "-")
    samples = np.frombuffer(raw, first.planes[0].buffer.dtype)
    shapes = [(p.buffer.shape[0], p.width * p.channels) for p in first.planes]
    ends = np.cumsum([height * width for height, width in shapes])
    assert len(samples) == len(pictures) * ends[-1]
    for frame in samples.reshape(len(pictures), -1):
        parts = np.split(frame, ends[:-1])
        planes = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        yield [planes[i] for i in (2, 0, 1)] if pixel_format.startswith("gbr") else planes


@pytest.mark.parametrize("name", CORPUS)
def test_times_and_block_sums_are_those_of_ffmpeg(name: str, ffmpeg: str, tmp_path: Path) -> None:
    args, source = CORPUS[name]
    path = make_video(ffmpeg, tmp_path / name, *args, source=source)
    with open_media(path) as decoder:
        pictures = list(decoder.frames())
        info, partial, n_errors = decoder.info, decoder.partial, decoder.n_errors
    assert info.backend == "pyav"
    assert not partial
    assert n_errors == 0
    np.testing.assert_allclose([p.time_ms for p in pictures], probe_times_ms(path), atol=0.51)
    for picture, planes in zip(
        pictures, expected_planes(ffmpeg, path, pictures, info.pixel_format), strict=True
    ):
        for plane, expected in zip(picture.planes, planes, strict=True):
            whole = (0, 0, plane.width, plane.buffer.shape[0])
            got = cell_sums(plane.buffer, *whole, 8, 8, plane.channels)
            want = cell_sums_numpy(np.ascontiguousarray(expected), *whole, 8, 8, plane.channels)
            np.testing.assert_array_equal(got, want)


def times_of(path: Path) -> list[int]:
    with open_media(path) as decoder:
        return [picture.time_ms for picture in decoder.frames()]


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_avi_times_increase_and_stay_within_two_frames(
    codec: str, ffmpeg: str, tmp_path: Path
) -> None:
    path = make_video(ffmpeg, tmp_path / "b.avi", "-c:v", codec, "-bf", "2", "-g", "12")
    times = times_of(path)
    assert len(times) == 25
    assert all(one < other for one, other in pairwise(times))
    np.testing.assert_allclose(times, np.arange(25) * 40 + 40, atol=80)


def test_only_frames_within_the_edit_list_are_shown(ffmpeg: str, tmp_path: Path) -> None:
    whole = make_video(ffmpeg, tmp_path / "whole.mp4", *H264, "-bf", "2", "-g", "12")
    path = tmp_path / "edited.mp4"
    run(ffmpeg, "-ss", "0.3", "-i", str(whole), "-c", "copy", str(path))
    np.testing.assert_allclose(times_of(path), probe_times_ms(path), atol=0.51)
    assert len(times_of(path)) < 25


def test_sound_in_a_transport_stream_does_not_disturb(ffmpeg: str, tmp_path: Path) -> None:
    sound = ("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac")
    path = make_video(ffmpeg, tmp_path / "sound.ts", *sound, *H264, "-bf", "2")
    np.testing.assert_allclose(times_of(path), probe_times_ms(path), atol=0.51)


def test_a_size_change_gives_both_sizes(ffmpeg: str, tmp_path: Path) -> None:
    small = make_video(ffmpeg, tmp_path / "small.ts", *H264)
    large = tmp_path / "large.ts"
    offset = ("-output_ts_offset", "1")
    make_video(ffmpeg, large, *H264, *offset, source="testsrc2=s=320x180:r=25:d=1")
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    with open_media(both) as decoder:
        pictures = list(decoder.frames())
    assert {(p.width, p.height) for p in pictures} == {(160, 90), (320, 180)}
    assert all(one.time_ms < other.time_ms for one, other in pairwise(pictures))


@pytest.mark.parametrize("container", ["mkv", "mp4", "flv", "avi"])
def test_a_file_cut_short_gives_what_is_there(container: str, ffmpeg: str, tmp_path: Path) -> None:
    args = ("-c:v", "flv") if container == "flv" else (*H264, "-g", "12")
    args = (*args, "-movflags", "faststart") if container == "mp4" else args
    source = "testsrc2=s=160x90:r=25:d=3"
    whole = make_video(ffmpeg, tmp_path / f"whole.{container}", *args, source=source)
    with open_media(cut(whole, tmp_path / f"cut.{container}")) as decoder:
        n_frames = sum(1 for _ in decoder.frames())
        assert decoder.partial
        assert 0 < decoder.end_ms < 2500
    assert 10 < n_frames < 70


def test_a_file_without_its_index_cannot_be_read(ffmpeg: str, tmp_path: Path) -> None:
    whole = make_video(ffmpeg, tmp_path / "whole.mp4", *H264)
    with pytest.raises(InvalidMedia, match="no video can be read from it"):
        open_media(cut(whole, tmp_path / "cut.mp4"))


def test_damaged_packets_are_skipped(ffmpeg: str, tmp_path: Path) -> None:
    path = make_video(
        ffmpeg, tmp_path / "vp9.webm", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-g", "5"
    )
    data = bytearray(path.read_bytes())
    for position in range(len(data) // 3, len(data), 199):
        data[position] ^= 0x55
    path.write_bytes(data)
    with open_media(path) as decoder:
        times = [picture.time_ms for picture in decoder.frames()]
    assert 5 <= len(times) <= 25
    assert all(one < other for one, other in pairwise(times))


def test_a_cover_picture_is_not_a_video(ffmpeg: str, tmp_path: Path) -> None:
    video = make_video(ffmpeg, tmp_path / "video.mp4", *H264)
    cover = tmp_path / "cover.png"
    run(ffmpeg, "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", str(cover))
    song, first = tmp_path / "song.mp3", tmp_path / "first.mp4"
    inputs = ("-f", "lavfi", "-i", "sine=d=1", "-i", str(cover))
    run(ffmpeg, *inputs, "-map", "0", "-map", "1", "-c:v", "copy", str(song))
    with pytest.raises(InvalidMedia, match="only a cover picture"):
        open_media(song)
    both = ("-i", str(cover), "-i", str(video), "-map", "0", "-map", "1", "-c", "copy")
    run(ffmpeg, *both, "-disposition:v:0", "attached_pic", str(first))
    assert len(times_of(first)) == 25


def test_sound_alone_is_not_a_video(ffmpeg: str, tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    run(ffmpeg, "-f", "lavfi", "-i", "sine=d=1", str(path))
    with pytest.raises(InvalidMedia, match=r"no video in it .*streams: audio"):
        open_media(path)


def test_files_that_name_other_files_are_refused(ffmpeg: str, tmp_path: Path) -> None:
    make_video(ffmpeg, tmp_path / "other.mp4", *H264)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nother.mp4\n")
    for name in ("list.mp4", "list.m3u8"):
        with pytest.raises(InvalidMedia, match="no video can be read from it"):
            open_media(tmp_path / name)


def test_limits_name_the_value_and_what_is_allowed(ffmpeg: str, tmp_path: Path) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264, source="testsrc2=s=160x90:r=25:d=3")
    with pytest.raises(InvalidMedia, match="160x90 = 14400 pixels; the limit is 10000"):
        open_media(path, limits=Limits(max_pixels=10_000))
    with pytest.raises(InvalidMedia, match="at least 3 s; the limit is 2 s"):
        open_media(path, limits=Limits(max_duration_s=2))
    with (
        open_media(path, limits=Limits(max_frames=10)) as decoder,
        pytest.raises(InvalidMedia, match="more than 10 frames"),
    ):
        list(decoder.frames())


def test_rotation_is_told_and_not_applied(ffmpeg: str, tmp_path: Path) -> None:
    upright = make_video(ffmpeg, tmp_path / "upright.mp4", *H264)
    turned = tmp_path / "turned.mp4"
    run(ffmpeg, "-i", str(upright), "-c", "copy", "-metadata:s:v:0", "rotate=90", str(turned))
    with open_media(turned) as decoder:
        picture = next(decoder.frames())
    assert (picture.rotation, picture.width, picture.height) == (90, 160, 90)


def test_samples_are_different_key_frames_spread_over_the_file(ffmpeg: str, tmp_path: Path) -> None:
    path = make_video(
        ffmpeg, tmp_path / "v.mkv", *H264, "-g", "5", source="testsrc2=s=160x90:r=25:d=4"
    )
    with open_media(path) as decoder:
        samples = list(decoder.sample(8))
    assert len(samples) == 8
    sums = {int(sample.planes[0].buffer.astype(np.int64).sum()) for sample in samples}
    assert len(sums) == 8


def test_a_file_with_one_key_frame_is_sampled_from_its_start(ffmpeg: str, tmp_path: Path) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264, source="testsrc2=s=160x90:r=25:d=2")
    with open_media(path) as decoder:
        assert len(list(decoder.sample(6))) == 6


def test_a_stream_that_comes_and_goes_does_not_end_the_video(ffmpeg: str, tmp_path: Path) -> None:
    large = "testsrc2=s=320x180:r=25:d=7,noise=alls=40"
    silent = make_video(ffmpeg, tmp_path / "silent.ts", *H264, source=large)
    sound = ("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", "-output_ts_offset", "7")
    loud = make_video(ffmpeg, tmp_path / "loud.ts", *sound, *H264, source="testsrc2=s=320x180:d=1")
    later = tmp_path / "later.ts"
    run(ffmpeg, "-i", str(silent), "-c", "copy", "-output_ts_offset", "8", str(later))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in (silent, loud, later)))
    with open_media(joined) as decoder:
        assert len(list(decoder.frames())) == 375


class _Stumbling:
    """A container that fails after some packets, and goes on when asked again."""

    def __init__(self, packets: list[Packet], stops: list[int]) -> None:
        self._packets, self._stops = iter(packets), stops

    def demux(self) -> Iterator[Packet]:
        for n_read, packet in enumerate(self._packets, 1):
            yield packet
            if self._stops and n_read == self._stops[0]:
                self._stops.pop(0)
                raise av.error.InvalidDataError(1, "broken")


@pytest.mark.parametrize("stops", [[], [3], [16, 4], [5, 18, 1]])
def test_packets_read_ahead_come_in_order_whatever_breaks(
    stops: list[int], ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(ffmpeg, tmp_path / "a.mp4", *H264, source=SMALL)
    n_errors = len(stops)
    with PyavDecoder(path, Limits()) as decoder, monkeypatch.context() as patched:
        packets = list(decoder._container.demux())
        patched.setattr(decoder, "_container", _Stumbling(packets, stops))
        read = list(decoder._packets())
        patched.undo()
    assert len(packets) > 16
    assert [packet.pts for packet in read] == [packet.pts for packet in packets]
    assert decoder.n_errors == n_errors
