"""Decoding and describing against decoding alone: frames per second of CPU time, one thread.

The reference is `ffmpeg -threads 1 -i FILE -map 0:v:0 -an -f null -`. Start-up is measured with a
file of one frame and taken off both. Rounds alternate, so that a drift of the machine meets both.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.measure import Spread, cpu_s, machine

SECONDS = 60
CASES = {  # clip and how often it is repeated to last a minute or more
    "H.264 1080p": ("bbb_npm_1080p-30sec.mp4", 2),
    "H.264 720p": ("pennychip_carnival.mp4", 8),
    "HEVC 10 bit 1080p": ("bbb_npm_1080p-30sec.mp4", 2),
}


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def prepare(name: str, clip: Path, repeats: int, folder: Path) -> Path:
    """Return a file of a minute or more made from a clip."""
    target = folder / f"{name.replace(' ', '_')}.mp4"
    loop = ["-stream_loop", str(repeats - 1), "-i", str(clip), "-an"]
    if name.startswith("HEVC"):
        codec = ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "26", "-pix_fmt", "yuv420p10le"]
        _ffmpeg(*loop, *codec, "-x265-params", "log-level=error", str(target))
    else:
        _ffmpeg(*loop, "-c", "copy", str(target))
    return target


def _commands(path: Path) -> tuple[list[str], list[str]]:
    code = f"from mitate.kernels.sign import sign; print(sign({str(path)!r}).n_frames)"
    reference = f"ffmpeg -v error -threads 1 -i {path} -map 0:v:0 -an -f null -".split()
    return [sys.executable, "-c", code], reference


def measure(path: Path, one_frame: Path, rounds: int) -> dict[str, Any]:
    """Return CPU times of both ways and their ratio."""
    ours_start, reference_start = (
        min(cpu_s(command) for _ in range(3)) for command in _commands(one_frame)
    )
    ours, reference = _commands(path)
    pairs = [(cpu_s(ours) - ours_start, cpu_s(reference) - reference_start) for _ in range(rounds)]
    n_frames = int(subprocess.run(ours, check=True, capture_output=True, text=True).stdout)
    return {
        "frames": n_frames,
        "mitate_fps": n_frames / Spread.of([a for a, _ in pairs]).median,
        "ffmpeg_fps": n_frames / Spread.of([b for _, b in pairs]).median,
        "ratio": Spread.of([b / a for a, b in pairs]),
        "start_up_s": {"mitate": ours_start, "ffmpeg": reference_start},
    }


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Measure every case whose clip is there."""
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case, (clip, repeats) in CASES.items():
            path = prepare(case, media / clip, repeats, folder)
            one_frame = folder / "one.mp4"
            _ffmpeg("-i", str(path), "-frames:v", "1", "-c", "copy", str(one_frame))
            results[case] = measure(path, one_frame, rounds)
    return {"machine": machine(), "rounds": rounds, "cases": results}
