"""Fixtures of the clients' tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from both import Awaited
from contract import Printed, Run
from fake_answers import State
from fake_server import FakeServer

from mitate.clients.cli import main
from mitate.clients.client import Client


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server with canned answers."""
    made = FakeServer()
    yield made
    made.stop()


@pytest.fixture
def state(server: FakeServer) -> State:
    """What that server holds and saw."""
    return server.state


@pytest.fixture(params=["blocking", "asyncio"])
def client(server: FakeServer, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of that server; the asyncio one is made to block."""
    if request.param == "blocking":
        with Client(server.address, timeout_s=10, work_timeout_s=20) as made:
            yield made
    else:
        awaited = Awaited(server.address, timeout_s=10, work_timeout_s=20)
        yield awaited
        awaited.finish()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A file that the fake takes for a video of more than two chunks."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"match " * 400_000)
    return path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A file that begins like a JPEG."""
    path = tmp_path / "still.jpg"
    path.write_bytes(b"\xff\xd8\xff match")
    return path


@pytest.fixture
def printed(
    server: FakeServer,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Printed:
    """Run a command; returns its exit code, stdout and stderr."""
    monkeypatch.setenv("MITATE_SERVER", server.address)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


@pytest.fixture
def run(printed: Printed) -> Run:
    """Run a command with --json; returns its exit code, lines and stderr."""

    def command(*arguments: object) -> tuple[int, list[dict[str, Any]], str]:
        code, out, err = printed(*arguments, "--json")
        return code, [json.loads(line) for line in out.splitlines()], err

    return command
