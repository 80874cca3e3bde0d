from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mitate.clients import cli_doctor
from mitate.clients.cli import main
from mitate.kernels.machine import Gpu, Machine, Part, Video
from mitate.kernels.nvidia import Capability, Device

PYAV = Part("pyav", "decodes video", True, "8 frames signed", {"av": "18.1.0"}, True, None)
CUPY = Part("cupy", "describes frames", False, "not installed", {}, False, "numba")
PLAIN = Machine({"python": "3.11"}, 2, None, "no driver", (), (PYAV, CUPY))
VIDEO = Video("h264", "4:2:0", 8, Capability(7, 48, 16, 4096, 4096, 65536))
GPU = Gpu(Device(0, "Some GPU", (9, 0), 80 << 30), (VIDEO,), None)
FAISS = replace(CUPY, name="faiss-gpu", works=True)


def run(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *args: str,
) -> tuple[int, str]:
    monkeypatch.setattr(cli_doctor, "examine", lambda: machine)
    code = main(["doctor", *args])
    return code, capsys.readouterr().out


def test_a_person_reads_what_falls_back_and_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = run(PLAIN, monkeypatch, capsys)
    assert code == 0
    assert "no GPU: no driver" in text
    assert "describes frames: not installed; numba does it instead" in text
    assert text.endswith("mitate works here\n")


def test_a_machine_reads_one_object_on_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = run(replace(PLAIN, gpus=(GPU,)), monkeypatch, capsys, "--json")
    assert code == 0
    assert text.count("\n") == 1
    told = json.loads(text)
    assert told["works"] and not told["works_on_gpu"]
    assert told["gpus"][0]["decodes"][0]["max_width"] == 4096
    assert told["parts"][1]["instead"] == "numba"


def test_the_exit_code_tells_whether_that_is_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = replace(PLAIN, parts=(replace(PYAV, works=False), CUPY))
    code, text = run(broken, monkeypatch, capsys)
    assert code == 1 and "FAILS" in text
    assert run(PLAIN, monkeypatch, capsys, "--gpu")[0] == 1
    on_gpu = replace(PLAIN, parts=(PYAV, replace(CUPY, works=True), FAISS))
    assert run(on_gpu, monkeypatch, capsys, "--gpu")[0] == 0


def test_every_kind_of_video_that_a_gpu_decodes_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = Gpu(Device(1, "Other", (8, 0), 40 << 30), (), "libnvcuvid is missing")
    machine = replace(PLAIN, driver="12.6", no_driver=None, gpus=(GPU, silent))
    _, text = run(machine, monkeypatch, capsys)
    assert "decodes h264 8 bit 4:2:0 up to 4096x4096, 7 engine(s)" in text
    assert "decodes no video: libnvcuvid is missing" in text
