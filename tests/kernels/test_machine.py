from __future__ import annotations

import subprocess
import sys

import pytest

from mitate.kernels.machine import examine
from mitate.kernels.machine_probe import PROBES, tell


def test_what_is_needed_works_and_is_told_with_its_version() -> None:
    found = examine()
    parts = {part.name: part for part in found.parts}
    assert set(parts) == set(PROBES)
    assert found.works
    assert parts["pyav"].works and "FFmpeg" in parts["pyav"].detail
    assert parts["pyav"].packages.keys() == {"av"}
    assert parts["pillow"].needed
    assert (found.driver is None) != (found.no_driver is None)
    on_gpu = ("pyav-cuda", "cupy", "faiss-gpu")
    assert found.works_on_gpu == all(parts[name].works for name in on_gpu)
    assert all(part.works or part.detail for part in found.parts)


def test_a_part_that_ends_its_process_is_told_as_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    real_run = subprocess.run

    def run(command: list[str], **options: object) -> object:
        if command[-1] == "pyav":
            command = [sys.executable, "-c", "import os; os.abort()"]
        return real_run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    found = examine()
    part = found.parts[0]
    assert (part.name, part.works) == ("pyav", False)
    assert part.detail == "the process that tried it ended with exit code -6"
    assert not found.works


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    told = tell("faiss")
    assert not told["works"]
    assert "not installed: " in str(told["detail"]) and "faiss" in str(told["detail"])


def test_wrong_results_are_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mitate.kernels.machine_probe.N_FRAMES", 9)
    monkeypatch.setattr("mitate.kernels.machine_probe._encode", lambda path: _eight_frames(path))
    told = tell("pyav")
    assert told == {"works": False, "detail": "8 of 9 frames were decoded"}


def _eight_frames(path: object) -> None:
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(8):
            file.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        file.mux(stream.encode(None))
