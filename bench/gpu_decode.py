"""Decoding and describing on a GPU: `python -m bench.gpu_decode FILE...`, in one command.

Tells, as JSON on standard output: what this machine's GPU is and decodes; the bandwidth of its
memory and what share of it the describing kernel reaches on batches of 1080p NV12; several files at
once, decoded by FFmpeg alone, decoded and described by mitate, and read by decord; whether the
signatures equal those of the CPU; and, with --minutes, how much memory grows.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from mitate.kernels.borders import Rect
from mitate.kernels.colour import Colour
from mitate.kernels.cuda import CupyLauncher
from mitate.kernels.decode import open_media
from mitate.kernels.describe_gpu import DevicePicture, DevicePlane, GpuDescriber
from mitate.kernels.errors import MitateError
from mitate.kernels.machine import examine
from mitate.kernels.sign import sign
from mitate.kernels.signature import Signature

WIDTH, HEIGHT, PITCH, FRAMES = 1920, 1080, 2048, 512
MIB = 1 << 20


def _gpu_s(cupy: Any, work: Callable[[], object], rounds: int = 20) -> float:
    """Return the least time on the GPU of some work, in seconds."""
    work()
    times = []
    for _ in range(rounds):
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(cupy.cuda.get_elapsed_time(begin, end) / 1000)
    return float(min(times))


def bandwidth() -> dict[str, float]:
    """Measure the memory of the GPU and how fast frames are reduced to sums."""
    import cupy

    data = cupy.zeros(FRAMES * PITCH * HEIGHT * 3 // 2, cupy.uint8)
    words = data.view(cupy.uint64)
    copy = cupy.empty_like(words)
    copy_s = _gpu_s(cupy, lambda: cupy.copyto(copy, words))
    launcher = CupyLauncher("describe.cu")
    describer = GpuDescriber(FRAMES, launcher)
    colour = Colour("yuv", "bt709", False)

    def frame(number: int) -> DevicePicture:
        luma = data.data.ptr + number * PITCH * HEIGHT * 3 // 2
        planes = (
            DevicePlane(luma, PITCH, WIDTH, HEIGHT, 1, 0, 1, 0),
            DevicePlane(luma + PITCH * HEIGHT, PITCH, WIDTH // 2, HEIGHT // 2, 2, 1, 1, 0),
        )
        return DevicePicture((), colour, WIDTH, HEIGHT, 0, device_planes=planes, owner=data)

    pictures = [frame(number) for number in range(FRAMES)]

    def batch() -> None:
        describer.sum_all(pictures, Rect(0, 0, WIDTH, HEIGHT))

    def one_by_one() -> None:
        describer.clear()
        for picture in pictures:
            describer.add(picture, Rect(0, 0, WIDTH, HEIGHT))

    read_bytes = FRAMES * WIDTH * HEIGHT * 3 // 2
    batch_s, single_s = _gpu_s(cupy, batch), _gpu_s(cupy, one_by_one)
    device_rate = 2 * words.nbytes / copy_s
    return {
        "device_gb_per_s": device_rate / 1e9,
        "describe_gb_per_s": read_bytes / batch_s / 1e9,
        "share_of_bandwidth": read_bytes / batch_s / device_rate,
        "describe_us_per_frame": single_s / FRAMES * 1e6,
    }


def _wall_s(work: Callable[[Path], object], paths: Sequence[Path]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(len(paths)) as pool:
        list(pool.map(work, paths))
    return time.perf_counter() - started


def _ffmpeg(path: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-hwaccel", "cuda", "-hwaccel_output_format", "cuda"]
    command += ["-i", str(path), "-map", "0:v:0", "-an", "-f", "null", "-"]
    subprocess.run(command, check=True)


def _decoded(path: Path) -> str:
    with open_media(path, backend="pyav-cuda") as decoder:
        for _ in decoder.frames():
            pass
        return decoder.fallback or decoder.info.backend


def throughput(paths: Sequence[Path]) -> dict[str, Any]:
    """Measure several files at once, by several ways, in seconds of wall time."""
    ways: dict[str, Callable[[Path], object]] = {
        "ffmpeg": _ffmpeg,
        "pyav-cuda, decoded only": _decoded,
        "pyav-cuda": lambda path: sign(path, backend="pyav-cuda"),
        "decord-cuda": lambda path: sign(path, backend="decord-cuda"),
    }
    seconds: dict[str, float | str] = {}
    for name, work in ways.items():
        try:
            seconds[name] = _wall_s(work, paths)
        except (MitateError, OSError, subprocess.CalledProcessError) as error:
            seconds[name] = f"not measured: {error}"
    return {"seconds": seconds, "decoders": sorted({_decoded(path) for path in paths})}


def _same(one: Signature, other: Signature) -> bool:
    names = [field.name for field in dataclasses.fields(Signature)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def growth(paths: Sequence[Path], minutes: float) -> dict[str, float]:
    """Sign files again and again; return the memory of the GPU after a minute and at the end."""
    import cupy

    def used_mib() -> float:
        free, total = cupy.cuda.runtime.memGetInfo()
        return float((total - free) / MIB)

    started, early_mib = time.monotonic(), None
    while (passed := time.monotonic() - started) < minutes * 60:
        _wall_s(lambda path: sign(path, backend="pyav-cuda"), paths)
        if early_mib is None and passed > 60:
            early_mib = used_mib()
    return {"early_mib": early_mib or used_mib(), "end_mib": used_mib()}


def main() -> int:
    """Measure what this machine can; exit code 1 when signatures differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_decode", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--minutes", type=float, default=0.0, help="how long to watch memory")
    given = parser.parse_args()
    machine = examine()
    result: dict[str, Any] = {"machine": dataclasses.asdict(machine)}
    if not machine.gpus:
        print(json.dumps(result, indent=1))
        print(f"nothing is measured: {machine.no_driver}", file=sys.stderr)
        return 2
    result |= {"bandwidth": bandwidth(), **throughput(given.files)}
    result["equal"] = {
        path.name: _same(sign(path, backend="pyav-cuda"), sign(path)) for path in given.files
    }
    if given.minutes:
        result["memory"] = growth(given.files, given.minutes)
    print(json.dumps(result, indent=1))
    return 0 if all(result["equal"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
