"""A server that has just started is waited for, as long as it loads its index."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from contract import Printed
from fake_server import FakeServer
from grpc_health.v1 import health_pb2

from mitate.clients import cli_access
from mitate.clients.client import Client

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def loading(server: FakeServer) -> FakeServer:
    server.health.set("", NOT_SERVING)
    return server


@pytest.mark.parametrize(("said_after_s", "n_told"), [(0.0, 1), (30.0, 0)])
def test_a_command_waits_and_says_so_once_when_it_takes_long(
    loading: FakeServer,
    printed: Printed,
    monkeypatch: pytest.MonkeyPatch,
    said_after_s: float,
    n_told: int,
) -> None:
    monkeypatch.setattr(cli_access, "SAID_AFTER_S", said_after_s)
    timer = threading.Timer(0.6, loading.health.set, ("", SERVING))
    timer.start()
    code, out, err = printed("stats", "--json")
    assert not timer.is_alive()
    assert (code, len(out.splitlines())) == (0, 1)
    assert err == f"mitate: {loading.address} is starting; waiting up to 60 s\n" * n_told


def test_waiting_ends_after_its_time_or_by_an_error_of_the_caller(
    client: Any, loading: FakeServer
) -> None:
    told: list[int] = []
    assert client.wait_while_loading(0.3, lambda: told.append(1)) is False
    assert told

    def stop() -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        client.wait_while_loading(30.0, stop)


def test_what_cannot_be_asked_is_not_waited_for(server: FakeServer) -> None:
    with Client(server.address) as client:
        server.stop()
        assert client.wait_while_loading(30.0) is True
