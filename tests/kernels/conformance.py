"""The conformance corpus: what every decoder is held to, made by ffmpeg.

A case says how a file is made, how many frames it has and when they are shown, or why it is
refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from making import cut, make_video, run
from PIL import Image

STEP_MS = 40
SECOND = tuple(range(0, 1000, STEP_MS))  # 25 frames a second, for one second
SMALL = "testsrc2=s=160x90:r=25:d=1"
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "12")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")

Make = Callable[[str, Path], object]


class Case(NamedTuple):
    """One file."""

    suffix: str
    make: Make
    times_ms: Sequence[int] | None = SECOND  # of its frames; None: they increase, no more is known
    n_frames: range = range(25, 26)  # how many there may be
    refused: str | None = None  # what the error says
    partial: bool = False
    tolerance_ms: int = 1
    distinct: float = 0.8  # share of the frames that differ; the test picture always moves


def encoded(*args: str, source: str = SMALL) -> Make:
    return lambda ffmpeg, path: make_video(ffmpeg, path, *args, source=source)


def changed(args: tuple[str, ...], change: Callable[[bytes], bytes], source: str = SMALL) -> Make:
    def make(ffmpeg: str, path: Path) -> None:
        make_video(ffmpeg, path, *args, source=source)
        path.write_bytes(change(path.read_bytes()))

    return make


def shortened(*args: str) -> Make:
    def make(ffmpeg: str, path: Path) -> None:
        whole = make_video(
            ffmpeg, path.with_stem("whole"), *args, source="testsrc2=s=160x90:r=25:d=3"
        )
        cut(whole, path)

    return make


def copied(*args: str, before: tuple[str, ...] = ()) -> Make:
    def make(ffmpeg: str, path: Path) -> None:
        whole = make_video(ffmpeg, path.with_stem("whole"), *H264, "-bf", "2")
        run(ffmpeg, *before, "-i", str(whole), "-c", "copy", *args, str(path))

    return make


def with_cover(ffmpeg: str, path: Path) -> None:
    video, cover = path.with_stem("video"), path.with_suffix(".png")
    make_video(ffmpeg, video, *H264)
    run(ffmpeg, "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", str(cover))
    inputs = ("-i", str(cover), "-i", str(video), "-map", "0", "-map", "1", "-c", "copy")
    run(ffmpeg, *inputs, "-disposition:v:0", "attached_pic", str(path))


def song_with_cover(ffmpeg: str, path: Path) -> None:
    cover = path.with_suffix(".png")
    run(ffmpeg, "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", str(cover))
    inputs = ("-f", "lavfi", "-i", "sine=d=1", "-i", str(cover))
    run(ffmpeg, *inputs, "-map", "0", "-map", "1", "-c:v", "copy", str(path))


def animated(ffmpeg: str, path: Path) -> None:
    frames = [Image.new("RGB", (64, 48), (10 * n, 90, 200 - 8 * n)) for n in range(10)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=STEP_MS, lossless=True)


def damaged(data: bytes) -> bytes:
    changed_data = bytearray(data)
    for position in range(len(data) // 3, len(data) - 64, 199):
        changed_data[position] ^= 0x55
    return bytes(changed_data)


def huge(data: bytes) -> bytes:
    """Make the width and height in a header of raw pictures enormous."""
    return data.replace(struct.pack("<ii", 160, 90), struct.pack("<ii", 16000, 16000))


VARIABLE = ("-vf", "select=not(mod(n\\,3))+lt(n\\,10)", "-vsync", "vfr")
VARIABLE_MS = tuple(n * STEP_MS for n in range(25) if n < 10 or n % 3 == 0)
TEN = tuple(range(0, 10 * STEP_MS, STEP_MS))

CASES: dict[str, Case] = {
    "h264 mkv": Case("mkv", encoded(*H264, "-bf", "2")),
    "h264 mp4": Case("mp4", encoded(*H264, "-bf", "2")),
    "h264 ts with sound": Case(
        "ts", encoded("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", *H264), tolerance_ms=70
    ),
    "h264 avi": Case("avi", encoded(*H264, "-bf", "0"), tolerance_ms=STEP_MS),
    "h264 avi with b frames": Case("avi", encoded(*H264, "-bf", "2"), tolerance_ms=80),
    "h264 fragmented mp4": Case("mp4", encoded(*H264, "-movflags", "frag_keyframe+empty_moov")),
    "h264 10 bit": Case("mkv", encoded(*H264, "-pix_fmt", "yuv420p10le")),
    "h264 4:2:2 10 bit": Case("mkv", encoded(*H264, "-pix_fmt", "yuv422p10le")),
    "h264 4:4:4": Case("mkv", encoded(*H264, "-pix_fmt", "yuv444p")),
    "h264 interlaced": Case(
        "mkv", encoded(*H264, "-flags", "+ilme+ildct", source="testsrc2=s=160x96:r=25:d=1")
    ),
    "h264 odd size": Case(
        "mkv", encoded(*H264, "-pix_fmt", "yuv444p", source="testsrc2=s=161x91:r=25:d=1")
    ),
    "h264 anamorphic": Case("mp4", encoded(*H264, "-vf", "setsar=40/33")),
    "h264 rotated": Case("mp4", copied("-metadata:s:v:0", "rotate=90")),
    "h264 variable rate mkv": Case(
        "mkv", encoded(*VARIABLE, *H264), VARIABLE_MS, range(15, 16), tolerance_ms=1
    ),
    "h264 variable rate mp4": Case("mp4", encoded(*VARIABLE, *H264), VARIABLE_MS, range(15, 16)),
    "h264 with an edit list": Case(
        "mp4",
        copied(before=("-ss", "0.3")),
        tuple(range(0, 17 * STEP_MS, STEP_MS)),
        range(17, 18),
        tolerance_ms=STEP_MS,
    ),
    "h264 that starts late": Case("mkv", encoded(*H264, "-output_ts_offset", "37.5")),
    "h264 with a cover picture": Case("mp4", with_cover),
    "hevc 8 bit": Case("mkv", encoded(*HEVC)),
    "hevc 10 bit": Case("mp4", encoded(*HEVC, "-pix_fmt", "yuv420p10le")),
    "vp8 webm": Case("webm", encoded("-c:v", "libvpx", "-deadline", "realtime")),
    "vp9 webm": Case("webm", encoded(*VP9)),
    "av1 mkv": Case("mkv", encoded("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8")),
    "mpeg2 ts": Case("ts", encoded("-c:v", "mpeg2video", "-bf", "2", "-g", "12")),
    "mpeg4 avi": Case("avi", encoded("-c:v", "mpeg4", "-bf", "0")),
    "wmv2 asf": Case("wmv", encoded("-c:v", "wmv2"), tolerance_ms=2),
    "flv1 flv": Case("flv", encoded("-c:v", "flv")),
    "theora ogv": Case("ogv", encoded("-c:v", "libtheora")),
    "mjpeg avi": Case("avi", encoded("-c:v", "mjpeg", "-pix_fmt", "yuvj422p")),
    "ffv1 16 bit": Case("mkv", encoded("-c:v", "ffv1", "-pix_fmt", "yuv422p16le")),
    "gif": Case("gif", animated, TEN, range(10, 11)),
    "apng": Case("png", animated, TEN, range(10, 11)),
    "webp": Case("webp", animated, TEN, range(10, 11)),
    "h264 mkv cut short": Case("mkv", shortened(*H264), None, range(30, 60), partial=True),
    "h264 mp4 cut short": Case(
        "mp4", shortened(*H264, "-movflags", "faststart"), None, range(30, 60), partial=True
    ),
    "h264 mp4 without its index": Case(
        "mp4", shortened(*H264), refused="no video can be read from it"
    ),
    "vp9 with damaged packets": Case(
        "webm", changed((*VP9, "-g", "5"), damaged), None, range(5, 26), distinct=0.1
    ),
    "mpeg4 with damaged packets": Case(
        "avi", changed(("-c:v", "mpeg4"), damaged), None, range(5, 26), distinct=0.1
    ),
    "a song with a cover": Case("mp3", song_with_cover, refused="only a cover picture"),
    "sound alone": Case(
        "m4a",
        lambda ffmpeg, path: run(ffmpeg, "-f", "lavfi", "-i", "sine=d=1", str(path)),
        refused="no video in it",
    ),
    "no frames": Case(
        "mkv",
        lambda ffmpeg, path: run(
            ffmpeg, "-f", "lavfi", "-i", SMALL, *H264, "-frames:v", "0", str(path)
        ),
        refused="no (video|frame|picture)",
    ),
    "huge dimensions": Case(
        "avi", changed(("-c:v", "rawvideo"), huge), refused="16000x16000 = 256000000 pixels"
    ),
    "nothing": Case("mp4", lambda ffmpeg, path: path.touch(), refused="the file is empty"),
}


# What decord is known to do wrong.
DECORD_FAILS: dict[str, str] = {
    "h264 ts with sound": "cannot find the end of the stream",
    "h264 with an edit list": "shows the frames that the edit list cuts away",
    "av1 mkv": "its FFmpeg has no decoder for AV1",
    "mpeg2 ts": "repeats frames in the place of others",
    "theora ogv": "ends its process",
    "gif": "ends its process",
    "apng": "ends its process",
    "webp": "ends its process",
    "h264 mkv cut short": "does not notice that the end is missing",
    "h264 mp4 cut short": "ends its process",
    "vp9 with damaged packets": "ends its process",
    "a song with a cover": "ends its process",
    "huge dimensions": "ends its process",
    "sound alone": "ends its process",
}
