"""Dockerfile.cuda cannot be built without a network and a daemon; what it says can be checked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

from mitate.server.settings_load import documented

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "Dockerfile.cuda"
LOCK = ROOT / "Dockerfile.cuda.lock"


class Step(NamedTuple):
    word: str  # FROM, RUN …
    text: str  # what follows, on one line


def steps() -> list[Step]:
    lines = [line for line in FILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Step(*line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stages() -> list[list[Step]]:
    found: list[list[Step]] = []
    for step in steps():
        if step.word == "FROM":
            found.append([])
        if found:
            found[-1].append(step)
    return found


def arguments() -> dict[str, str]:
    return dict(step.text.split("=", 1) for step in steps() if step.word == "ARG")


def base(stage: list[Step]) -> str:
    image = stage[0].text.split()[0]
    return re.sub(r"\$\{(\w+)\}", lambda name: arguments()[name[1]], image)


def name(stage: list[Step]) -> str:
    parts = stage[0].text.split()
    return parts[2] if len(parts) == 3 and parts[1] == "AS" else ""


def only(stage: list[Step], word: str) -> str:
    (text,) = [step.text for step in stage if step.word == word]
    return text


def test_every_base_is_an_exact_version() -> None:
    for stage in stages():
        assert re.search(r":\d+\.\d+\.\d+", base(stage)), base(stage)


def test_bases_are_of_one_cuda_12() -> None:
    versions = {found[1] for s in stages() if (found := re.match(r"nvidia/cuda:([\d.]+)", base(s)))}
    assert len(versions) == 1
    assert versions.pop().startswith("12.")


def test_stages_copy_from_stages_that_came_before() -> None:
    known: set[str] = set()
    for stage in stages():
        for step in stage:
            found = re.match(r"--from=(\S+)", step.text) if step.word == "COPY" else None
            assert found is None or found[1] in known, step
        known.add(name(stage))


def test_what_is_copied_from_here_exists() -> None:
    for step in steps():
        if step.word == "COPY" and not step.text.startswith("--from"):
            assert all((ROOT / source).exists() for source in step.text.split()[:-1]), step


def test_the_last_stage_has_no_compiler_and_serves_as_nobody_special() -> None:
    last = stages()[-1]
    assert "-base-" in base(last)
    assert only(last, "USER") == "10001"
    words = [step.word for step in last]
    assert words.index("USER") < words.index("HEALTHCHECK")
    assert json.loads(only(last, "HEALTHCHECK").split("CMD ")[1])[1:] == [
        "-m",
        "mitate.clients.health",
    ]
    assert "video" in next(s.text for s in last if s.word == "ENV" and "CAPABILITIES" in s.text)


def test_the_image_runs_mitate_with_settings_that_exist() -> None:
    last = stages()[-1]
    assert json.loads(only(last, "ENTRYPOINT")) == ["mitate"]
    assert json.loads(only(last, "CMD")) == ["serve"]
    variables = {setting.variable for setting in documented()}
    used = set(re.findall(r"\b(MITATE_\w+)=", " ".join(s.text for s in last if s.word == "ENV")))
    assert used == {"MITATE_DATA", "MITATE_LISTEN"} <= variables


def test_decord_is_a_commit_and_packages_are_locked() -> None:
    text = "\n".join(f"{step.word} {step.text}" for step in steps())
    assert re.search(r"github\.com/dmlc/decord\s+[0-9a-f]{40}\b", text)
    installs = re.findall(r"uv pip install[^&\n]*", text)
    assert len(installs) == 2
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)


def test_nvcuvid_is_stood_in_for_by_name_and_symbols() -> None:
    runs = "\n".join(step.text for stage in stages() for step in stage if step.word == "RUN")
    assert "-soname,libnvcuvid.so.1" in runs
    for symbol in ("CreateDecoder", "GetDecoderCaps", "MapVideoFrame64", "ParseVideoData"):
        assert re.search(rf"\b{symbol}\b", runs)


def test_the_lock_holds_all_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = dict(re.findall(r"^([\w.-]+)==([^ ]+) \\$", LOCK.read_text(), re.MULTILINE))
    wanted = project["dependencies"] + project["optional-dependencies"]["gpu"]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(locked[requirement.name]), requirement
    hashes = LOCK.read_text().count("--hash=sha256:")
    assert hashes >= len(locked)


def test_the_linter_finds_nothing() -> None:
    beside = Path(sys.executable).with_name("hadolint")
    linter = str(beside) if beside.exists() else shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, str(FILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
