"""CUDA sources in tests: built for the CPU and run there; compiled by nvcc where it is present."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

KERNELS = Path(__file__).resolve().parents[2] / "kernels"
HEADER = Path(__file__).with_name("cuda_host.h")
ARCHITECTURES = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_100")
OPTIONS = ("-fmad=false", "-std=c++17")


def kernels_of(source: Path) -> list[str]:
    """Return the names of the kernels in a source."""
    return re.findall(
        r'extern "C" __global__ void (?:__launch_bounds__\S+ )?(\w+)', source.read_text()
    )


def host_library(source: Path, folder: Path) -> ctypes.CDLL:
    """Build a source for the CPU; `run_NAME(grid, block, arguments)` launches a kernel of it.

    Floating point follows the source: no fused multiply-add, no rearranging.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    calls = "\n".join(
        f'extern "C" void run_{name}(const unsigned *grid, const unsigned *block, void **values) '
        f"{{ launch({name}, grid, block, values); }}"
        for name in kernels_of(source)
    )
    unit, target = folder / f"{source.stem}.cpp", folder / f"lib{source.stem}.so"
    unit.write_text(f'#include "{HEADER}"\n#include "{source}"\n{calls}\n')
    flags = ["-O2", "-std=c++17", "-ffp-contract=off", "-fno-strict-aliasing", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", str(target), str(unit)], check=True)
    return ctypes.CDLL(str(target))


class HostLauncher:
    """Launches kernels of a source on the CPU; device memory is that of NumPy arrays."""

    def __init__(self, source: Path, folder: Path) -> None:
        self._library = host_library(source, folder)
        self.n_downloads = 0
        self.downloaded_bytes = 0

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        # What a device hands out is not zero.
        return (
            np.frombuffer(b"\xa5" * int(np.prod(shape) * np.dtype(dtype).itemsize), dtype)
            .reshape(shape)
            .copy()
        )

    def address(self, array: npt.NDArray[Any]) -> int:
        return array.ctypes.data

    def upload(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return array.copy()

    def download(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        self.n_downloads += 1
        self.downloaded_bytes += array.nbytes
        return array.copy()

    def finish(self) -> None:
        """Everything has run when it was launched."""

    def launch(
        self, name: str, grid: tuple[int, int, int], threads: int, arguments: Sequence[Any]
    ) -> None:
        values = [
            ctypes.c_void_p(a.ctypes.data)
            if isinstance(a, np.ndarray)
            else ctypes.c_void_p(None)
            if a is None
            else ctypes.c_longlong(int(a))
            if isinstance(a, np.int64)
            else ctypes.c_int(a)
            for a in arguments
        ]
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(v) for v in values])
        sizes = (ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(threads, 1, 1)
        getattr(self._library, f"run_{name}")(*sizes, pointers)


def compile_for(source: Path, architecture: str, folder: Path) -> bytes:
    """Return the machine code of a source for a GPU; skips the test where there is no nvcc."""
    compiler = shutil.which("nvcc")
    if compiler is None:
        pytest.skip("nvcc is not installed")
    target = folder / f"{architecture}.cubin"
    command = [compiler, "-cubin", f"-arch={architecture}", *OPTIONS, "-Werror", "all-warnings"]
    done = subprocess.run(
        [*command, "-o", str(target), str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target.read_bytes()
