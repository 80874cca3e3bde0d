"""The loader of CUDA sources, over a stand-in for CuPy that runs them on the CPU."""

from __future__ import annotations

import sys
import types
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cuda_source import KERNELS, HostLauncher
from test_describe_gpu import LIMITED, frame

from mitate.kernels.borders import Rect
from mitate.kernels.cuda import CupyLauncher
from mitate.kernels.describe_gpu import GpuDescriber
from mitate.kernels.errors import InvalidArgument


class FakeDevice(nullcontext[None]):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def use(self) -> None:
        if self.number:
            raise FakeError("invalid device ordinal")


class FakeError(Exception):
    pass


def fake_cupy(host: HostLauncher, log: dict[str, Any]) -> types.ModuleType:
    class RawModule:
        def __init__(self, code: str, options: tuple[str, ...]) -> None:
            log["code"], log["options"] = code, options

        def compile(self) -> None:
            log["compiled"] = True

        def get_function(self, name: str) -> Any:
            def run(grid: Any, block: Any, values: Any) -> None:
                arguments = [int(v) if isinstance(v, np.int32) else v for v in values]
                arguments = [None if isinstance(v, np.uintp) else v for v in arguments]
                assert all(v is None or isinstance(v, int | np.ndarray) for v in arguments)
                host.launch(name, grid, block[0], arguments)

            return run

    cupy: Any = types.ModuleType("cupy")
    cupy.RawModule, cupy.empty = RawModule, np.empty
    cupy.asarray, cupy.asnumpy = np.array, np.array
    null = types.SimpleNamespace(synchronize=lambda: None)
    cupy.cuda = types.SimpleNamespace(
        Device=FakeDevice,
        Stream=types.SimpleNamespace(null=null),
        runtime=types.SimpleNamespace(CUDARuntimeError=FakeError),
    )
    return cupy  # type: ignore[no-any-return]


def test_frames_are_described_through_the_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, log = HostLauncher(KERNELS / "describe.cu", tmp_path), dict[str, Any]()
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(host, log))
    one = frame(160, 96, LIMITED, "nv12", 5).device
    results = []
    for launcher in (CupyLauncher("describe.cu"), host):
        describer = GpuDescriber(1, launcher)
        describer.add(one, Rect(0, 0, 160, 96))
        results.append([*describer.frames(), describer.thumbnails(np.arange(1))])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert log["compiled"]
    assert "-fmad=false" in log["options"]
    assert log["code"] == (KERNELS / "describe.cu").read_text()


def test_a_missing_gpu_or_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(InvalidArgument, match=r"needs CuPy, which `mitate\[gpu\]` brings"):
        CupyLauncher("describe.cu")
    host = HostLauncher(KERNELS / "describe.cu", tmp_path)
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(host, {}))
    with pytest.raises(InvalidArgument, match="GPU 3 cannot be used: invalid device ordinal"):
        CupyLauncher("describe.cu", device=3)
