"""Adding videos to a live server, against decoding alone and against another pipeline.

- `add`: CPU time of server, workers and client for one video, start-up off, against
  `ffmpeg -threads 1 -f null`.
- `scale`: ffmpeg scales to 320x180 RGB, a second process makes descriptors (what trace.moe does).
- `two at once`: CPU time over wall time while two videos are added, as a share of two cores.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.decode import prepare
from bench.measure import Spread, cpu_s, machine

CASES = {"H.264 1080p": ("bbb_npm_1080p-30sec.mp4", 2), "H.264 720p": ("pennychip_carnival.mp4", 8)}
_DESCRIBE = """
import sys, numpy as np
from mitate.kernels.blocks import cell_counts, cell_sums
from mitate.kernels.layout import describe
counts, sums = cell_counts(320, 180, 8, 8), []
def flush():
    describe(np.stack(sums) / counts[:, :, None])
    sums.clear()
while data := sys.stdin.buffer.read(320 * 180 * 3):
    pixels = np.frombuffer(data, np.uint8).reshape(180, 960)
    sums.append(cell_sums(pixels, 0, 0, 320, 180, 8, 8, channels=3))
    if len(sums) == 256:
        flush()
if sums:
    flush()
"""


def _ffmpeg(path: Path, *output: str) -> list[str]:
    return ["ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), "-map", "0:v:0", *output]


def decode_cpu_s(path: Path) -> float:
    """Return the CPU time of decoding alone."""
    return cpu_s(_ffmpeg(path, "-an", "-f", "null", "-"))


def scale_cpu_s(path: Path) -> float:
    """Return the CPU time of scaling in one process and describing in another."""
    scaled = _ffmpeg(path, "-vf", "scale=320:180", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    first = subprocess.Popen(scaled, stdout=subprocess.PIPE)
    second = subprocess.Popen([sys.executable, "-c", _DESCRIBE], stdin=first.stdout)
    assert first.stdout is not None
    first.stdout.close()
    return _ended(first) + _ended(second)


def add_cpu_s(paths: list[Path]) -> tuple[float, float]:
    """Return the CPU time of server, workers and client while videos are added, and wall time."""
    with tempfile.TemporaryDirectory() as name:
        serve = [sys.executable, "-m", "mitate.server", "--data", name, "--listen", "127.0.0.1:0"]
        server = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert server.stdout is not None
        address = server.stdout.readline().decode().split()[-1]
        server.stdout.close()
        add = [sys.executable, "-m", "mitate.clients.cli", "add", *map(str, paths)]
        started = time.perf_counter()
        client_s = cpu_s([*add, "--server", address, "--json"])
        wall_s = time.perf_counter() - started
        server.send_signal(signal.SIGTERM)
        return client_s + _ended(server), wall_s


def _ended(process: subprocess.Popen[bytes]) -> float:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{process.args!r} failed with exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def measure(path: Path, one_frame: Path, rounds: int) -> dict[str, Any]:
    """Return the ratios of one video; rounds alternate."""
    starts = [
        min(work(one_frame) for _ in range(3))
        for work in (decode_cpu_s, scale_cpu_s, lambda p: add_cpu_s([p])[0])
    ]
    against_decoding, against_scaling = [], []
    for _ in range(rounds):
        decoding = decode_cpu_s(path) - starts[0]
        scaling = scale_cpu_s(path) - starts[1]
        adding = add_cpu_s([path])[0] - starts[2]
        against_decoding.append(decoding / adding)
        against_scaling.append(scaling / adding)
    return {
        "add_against_decoding": Spread.of(against_decoding),
        "add_against_scaling": Spread.of(against_scaling),
    }


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Measure every case whose clip is there, and two videos at once."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = []
        for case, (clip, repeats) in CASES.items():
            path, one_frame = prepare(case, media / clip, repeats, folder), folder / "one.mp4"
            only_one = ["-frames:v", "1", "-c", "copy", str(one_frame)]
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(path), *only_one], check=True)
            results[case] = measure(path, one_frame, rounds)
            paths.append(path)
        cpu, wall = add_cpu_s(paths)
        results["two at once"] = {"cores_busy": cpu / wall}
    return {"machine": machine(), "rounds": rounds, "cases": results}
