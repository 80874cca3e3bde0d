"""Long-running operations."""

from __future__ import annotations

import asyncio
import threading

import pytest
from google.protobuf import wrappers_pb2
from google.protobuf.message import Message

from mitate.kernels.errors import FailedPrecondition, InvalidMedia, NotFound
from mitate.server.operations import Operation, Operations


@pytest.fixture
def operations() -> Operations:
    return Operations(2)


def metadata() -> Message:
    return wrappers_pb2.StringValue()


def wait(operation: Operation) -> None:
    asyncio.run(operation.news(10))
    assert operation.done


def test_the_response_of_the_work_is_the_response_of_the_operation(operations: Operations) -> None:
    operation = operations.start("x", metadata(), lambda _: wrappers_pb2.Int32Value(value=7))
    wait(operation)
    answer = wrappers_pb2.Int32Value()
    assert operation.message().response.Unpack(answer)
    assert answer.value == 7


def test_an_error_keeps_its_reason(operations: Operations) -> None:
    def work(_: Operation) -> Message:
        raise InvalidMedia("no picture in it")

    operation = operations.start("x", metadata(), work)
    wait(operation)
    assert operation.message().error.message == "no picture in it"


def test_a_defect_shows_only_its_incident(operations: Operations) -> None:
    def work(_: Operation) -> Message:
        raise ZeroDivisionError("secret")

    operation = operations.start("x", metadata(), work)
    wait(operation)
    assert "secret" not in operation.message().error.message
    assert "incident" in operation.message().error.message


def test_the_same_request_id_starts_the_work_once(operations: Operations) -> None:
    runs = []

    def work(_: Operation) -> Message:
        runs.append(1)
        return wrappers_pb2.Int32Value()

    first = operations.start("x", metadata(), work, "id")
    again = operations.start("x", metadata(), work, "id")
    wait(first)
    assert first is again
    assert runs == [1]


def test_a_running_operation_reports_and_cannot_be_deleted(operations: Operations) -> None:
    go = threading.Event()

    def work(operation: Operation) -> Message:
        operation.report(lambda message: setattr(message, "value", "half"))
        go.wait(10)
        return wrappers_pb2.Int32Value()

    operation = operations.start("x", metadata(), work)
    asyncio.run(operation.news(10, after_version=0))
    seen = wrappers_pb2.StringValue()
    assert operation.message().metadata.Unpack(seen)
    assert seen.value == "half"
    with pytest.raises(FailedPrecondition, match="running"):
        operations.delete(operation.name)
    go.set()
    wait(operation)
    operations.delete(operation.name)
    with pytest.raises(NotFound):
        operations.get(operation.name)
