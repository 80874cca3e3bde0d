"""`mitate doctor`."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from mitate.clients.cli_text import shown
from mitate.kernels.machine import Gpu, Machine, Part, examine


def doctor(arguments: Namespace) -> bool:
    """Tell what this machine can do; returns whether that is enough."""
    machine = examine()
    if arguments.json:
        sys.stdout.write(json.dumps(_data(machine)) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(machine)) + "\n")
    return machine.works_on_gpu if arguments.gpu else machine.works


def _data(machine: Machine) -> dict[str, Any]:
    return {
        "works": machine.works,
        "works_on_gpu": machine.works_on_gpu,
        "versions": machine.versions,
        "cores": machine.cores,
        "cuda_driver": machine.driver,
        "no_driver": machine.no_driver,
        "gpus": [_gpu_data(gpu) for gpu in machine.gpus],
        "parts": [asdict(part) for part in machine.parts],
    }


def _gpu_data(gpu: Gpu) -> dict[str, Any]:
    videos = [
        {"codec": v.codec, "chroma": v.chroma, "depth": v.depth, **v.capability._asdict()}
        for v in gpu.videos
    ]
    return {**gpu.device._asdict(), "decodes": videos, "reason": gpu.reason}


def _lines(machine: Machine) -> Iterator[str]:
    yield ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    yield f"{machine.cores} processor cores"
    if machine.no_driver is not None:
        yield f"no GPU: {shown(machine.no_driver)}"
    else:
        yield f"NVIDIA driver for CUDA {machine.driver}, {len(machine.gpus)} GPU(s)"
    for gpu in machine.gpus:
        yield from _gpu_lines(gpu)
    yield ""
    for part in machine.parts:
        yield _part_line(part)
    yield ""
    yield "mitate works here" if machine.works else "mitate does not work here"


def _gpu_lines(gpu: Gpu) -> Iterator[str]:
    device = gpu.device
    gib = device.memory_bytes / 2**30
    major, minor = device.compute
    yield f"  {device.number}: {shown(device.name)}, {gib:.0f} GiB, compute {major}.{minor}"
    if gpu.reason is not None:
        yield f"     decodes no video: {shown(gpu.reason)}"
    for video in gpu.videos:
        able = video.capability
        yield (
            f"     decodes {video.codec} {video.depth} bit {video.chroma} up to "
            f"{able.max_width}x{able.max_height}, {able.engines} engine(s)"
        )


def _part_line(part: Part) -> str:
    packages = " ".join(f"{name} {version}" for name, version in part.packages.items())
    word = "works" if part.works else "FAILS" if part.needed else "absent"
    told = f"{word:6}  {part.name:10}  {part.purpose}: {shown(part.detail)}"
    if packages:
        told += f" ({packages})"
    if not part.works and part.instead is not None:
        told += f"; {part.instead} does it instead"
    return told
