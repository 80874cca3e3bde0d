"""Fixtures of the clients' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from both import Awaited
from fake_answers import State
from fake_server import FakeServer

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
