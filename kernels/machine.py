"""What this machine can do: decoders, GPU, search, versions, what falls back and why.

Every part is tried in a process of its own (`machine_probe`): a library that is broken or built for
another machine may end the process that imports it.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from mitate.kernels.nvidia import CODECS, Capability, Device, Driver, NoDriver

PROBE_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Part:
    """One part of mitate as it is on this machine."""

    name: str
    purpose: str
    works: bool
    detail: str  # what was tried, or why it does not work
    packages: dict[str, str]  # name and version of what is installed for it
    needed: bool  # mitate does not work without it
    instead: str | None  # what does its work where it does not


@dataclass(frozen=True, slots=True)
class Video:
    """A kind of video that NVDEC decodes on a device."""

    codec: str
    chroma: str
    depth: int
    capability: Capability


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device and the video that it decodes."""

    device: Device
    videos: tuple[Video, ...]
    reason: str | None  # why nothing is known of its decoders


@dataclass(frozen=True, slots=True)
class Machine:
    """All that is known."""

    versions: dict[str, str]
    cores: int
    driver: str | None  # the CUDA version that the NVIDIA driver supports
    no_driver: str | None  # why there is none
    gpus: tuple[Gpu, ...]
    parts: tuple[Part, ...]

    @property
    def works(self) -> bool:
        """Whether all works that mitate cannot do without."""
        return all(part.works for part in self.parts if part.needed)

    @property
    def works_on_gpu(self) -> bool:
        """Whether nothing falls back from the GPU."""
        return self.works and all(p.works for p in self.parts if p.name in _ON_GPU)


@dataclass(frozen=True, slots=True)
class _Plan:
    name: str
    purpose: str
    packages: tuple[str, ...]
    needed: bool = False
    instead: str | None = None


_PLANS = (
    _Plan("pyav", "decodes video on the CPU", ("av",), needed=True),
    _Plan("pillow", "decodes pictures", ("pillow",), needed=True),
    _Plan("decord", "decodes video where asked for by name", ("decord",), instead="pyav"),
    _Plan("pyav-cuda", "decodes video on the GPU", ("av",), instead="pyav"),
    _Plan("decord-cuda", "decodes video on the GPU where asked for", ("decord",), instead="pyav"),
    _Plan("faiss", "searches on the CPU", ("faiss-cpu", "faiss-gpu"), instead="numpy"),
    _Plan("faiss-gpu", "searches on the GPU", ("faiss-gpu",), instead="faiss"),
    _Plan("nvjpeg", "decodes JPEGs on the GPU", ("nvidia-nvimgcodec-cu12",), instead="pillow"),
    _Plan("cupy", "describes frames on the GPU", ("cupy-cuda12x",), instead="numba"),
)
_ON_GPU = ("pyav-cuda", "cupy", "faiss-gpu")  # what `works_on_gpu` asks for
_VERSIONS = ("mitate", "numpy", "numba", "grpcio")
# What NVDEC engines differ in: codec, chroma, depth.
_KINDS = tuple(
    (codec, chroma, depth)
    for codec in CODECS
    for chroma, depth in (("4:2:0", 8), ("4:2:0", 10), ("4:2:2", 10), ("4:4:4", 8))
    if codec in ("h264", "hevc", "vp9", "av1") or (chroma, depth) == ("4:2:0", 8)
)


def examine() -> Machine:
    """Try everything; takes some seconds."""
    with ThreadPoolExecutor(2) as pool:
        parts = tuple(pool.map(_try, _PLANS))
    driver, no_driver, gpus = _gpus()
    versions = {"python": platform.python_version()}
    versions |= {name: found for name in _VERSIONS if (found := _version(name)) is not None}
    return Machine(versions, os.cpu_count() or 1, driver, no_driver, gpus, parts)


def _try(plan: _Plan) -> Part:
    packages = {name: v for name in plan.packages if (v := _version(name)) is not None}
    command = [sys.executable, "-m", "mitate.kernels.machine_probe", plan.name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
        )
        told = json.loads(done.stdout)
        works, detail = bool(told["works"]), str(told["detail"])
    except subprocess.TimeoutExpired:
        works, detail = False, f"no answer within {PROBE_TIMEOUT_S} s"
    except ValueError:
        works, detail = False, f"the process that tried it ended with exit code {done.returncode}"
    return Part(plan.name, plan.purpose, works, detail, packages, plan.needed, plan.instead)


def _gpus() -> tuple[str | None, str | None, tuple[Gpu, ...]]:
    try:
        driver = Driver()
        devices = driver.devices()
    except NoDriver as error:
        return None, str(error), ()
    return "{}.{}".format(*driver.cuda_version), None, tuple(_gpu(driver, d) for d in devices)


def _gpu(driver: Driver, device: Device) -> Gpu:
    try:
        return Gpu(device, tuple(_videos(driver, device.number)), None)
    except NoDriver as error:
        return Gpu(device, (), str(error))


def _videos(driver: Driver, number: int) -> Iterator[Video]:
    for codec, chroma, depth in _KINDS:
        capability = driver.capability(number, codec, chroma, depth)
        if capability is not None:
            yield Video(codec, chroma, depth, capability)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
