"""Every method of the wire contract: who is there, and how bad requests are refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bad_catalog import of_catalog
from bad_comparisons import of_comparisons
from bad_files import of_files
from bad_requests import ARGUMENT, UNDECODABLE, Bad
from bad_searches import of_searches
from conftest import Server, running
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from wire import Wire, methods, services

ALL = [*of_catalog(), *of_files(), *of_searches(), *of_comparisons()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("services"), "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire(server.address)
    yield wire
    wire.channel.close()


def test_every_service_is_healthy(wire: Wire) -> None:
    health = health_pb2_grpc.HealthStub(wire.channel)
    for name in ("", *services()):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, name


def test_reflection_shows_every_service_and_method(wire: Wire) -> None:
    shown = ProtoReflectionDescriptorDatabase(wire.channel)
    assert services() <= set(shown.get_services())
    for name in services():
        file = shown.FindFileContainingSymbol(name)
        (service,) = [one for one in file.service if f"{file.package}.{one.name}" == name]
        found = {f"{service.name}/{method.name}" for method in service.method}
        assert found == {key for key in methods() if key.startswith(f"{service.name}/")}


def test_every_method_has_a_bad_request() -> None:
    assert {request.method for request in ALL} == set(methods())


@pytest.mark.parametrize("request_", ALL, ids=[f"{bad.method}: {bad.what}" for bad in ALL])
def test_a_bad_request_is_refused_with_its_status_and_reason(wire: Wire, request_: Bad) -> None:
    refusal = wire.refusal(request_.method, *request_.requests)
    assert (refusal.status, refusal.reason) == request_.expected, refusal.message
    assert refusal.domain == "mitate"
    assert len(refusal.message) > 10


@pytest.mark.parametrize("method", sorted(methods()))
def test_bytes_that_are_no_message_are_refused(wire: Wire, method: str) -> None:
    refusal = wire.refusal(method, UNDECODABLE)
    assert (refusal.status, refusal.reason) == ARGUMENT, refusal.message
    assert refusal.domain == "mitate"


def test_a_server_that_refused_everything_still_answers(server: Server) -> None:
    (stats,) = server.answers("stats")
    assert stats["titles"] == stats["episodes"] == stats["queued_signatures"] == 0
    assert not list((server.data / "uploads").iterdir())
    assert not list((server.data / "tmp").iterdir())
