"""FFmpeg's `signature` filter on two videos: one run for each pair, in its mode `full`.

Both are reduced once to luma of 128x128, of which the filter's 32x32 grid of cells takes 4x4
samples each, so that the runs themselves need not decode. The filter goes by numbers of frames and
never by their times; frames are told to it at RATE, which turns the times that it prints into
numbers again.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench.quality.method import code_version

RATE = 25  # frames per second, as told
VERSION = code_version("bench/quality/signature_filter.py")
_SIDE = 128
_FRAME_BYTES = _SIDE * _SIDE
_MATCH = re.compile(r"\bmatching of video 0 at ([\d.]+) and 1 at ([\d.]+), (\d+) frames matching")
_NO_MATCH = "no matching of video 0 and 1"
_REDUCED = f"format=yuv420p,extractplanes=y,scale={_SIDE}:{_SIDE}:flags=area,format=gray"
_FILTER = "[0:v][1:v]signature=nb_inputs=2:detectmode=full"
_INPUT = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{_SIDE}x{_SIDE}", "-r", str(RATE))


class Found(NamedTuple):
    """Frames that the filter takes for the same, and how many about them."""

    first: int  # number of a frame of the first video
    second: int
    n_frames: int


def reduce(video: Path, to: Path) -> int:
    """Write the luma of every frame of a video; return how many there are."""
    _run(["-i", video, "-map", "0:v:0", "-vf", _REDUCED, "-fps_mode", "passthrough"], to)
    return to.stat().st_size // _FRAME_BYTES


def compare(first: Path, second: Path) -> Found | None:
    """Return what two reduced videos have in common."""
    inputs: list[str | Path] = [*_INPUT, "-i", first, *_INPUT, "-i", second]
    return parse(_run([*inputs, "-filter_complex_threads", "1", "-filter_complex", _FILTER]))


def parse(log: str) -> Found | None:
    """Return the match that the filter reports, None where it reports that there is none."""
    match = _MATCH.search(log)
    if match:
        first, second = (round(float(text) * RATE) for text in match.groups()[:2])
        return Found(first, second, int(match[3]))
    if _NO_MATCH in log:
        return None
    raise ValueError(f"ffmpeg says nothing of a match in {log[-300:]!r}")


def _run(options: Sequence[str | Path], to: Path | None = None) -> str:
    """Run ffmpeg and return its log."""
    output: list[str | Path] = ["-f", "null", "-"] if to is None else ["-f", "rawvideo", "-y", to]
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-nostats", *options, *output]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
    if done.returncode:
        raise RuntimeError(f"ffmpeg ended with {done.returncode}: {done.stderr[-300:]}")
    return done.stderr
