"""Operations over a database as a server has them, for tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

from google.protobuf import wrappers_pb2
from google.protobuf.message import Message

from mitate.server.database import Database
from mitate.server.operation import Operation
from mitate.server.operations import Operations

Run = Callable[[Any, Operation], Message]


def seven(request: Any, operation: Operation) -> Message:
    return wrappers_pb2.Int32Value(value=7)


def server_of(
    database: Database, run: Run = seven, *, n_threads: int = 2, max_waiting: int = 100
) -> Operations:
    """Operations as a server has them when it is ready."""
    operations = Operations(database, n_threads, max_waiting)
    operations.register("x", wrappers_pb2.StringValue, wrappers_pb2.StringValue, run)
    operations.resume()
    return operations


def start(operations: Operations, request_id: str = "", **rest: str) -> Operation:
    return operations.start("x", wrappers_pb2.StringValue(value="asked"), request_id, **rest)


def wait(operation: Operation) -> None:
    asyncio.run(operation.news(10))
    assert operation.done


def value_of(operation: Operation) -> int:
    answer = wrappers_pb2.Int32Value()
    assert operation.message().response.Unpack(answer)
    return int(answer.value)


def interrupted(database: Database) -> str:
    """Start work that the end of the server interrupts; returns its name."""
    begun = threading.Event()

    def run(request: Any, operation: Operation) -> Message:
        begun.set()
        operation.cancelled.wait(10)
        raise InterruptedError

    with closing(server_of(database, run)) as operations:
        name = start(operations).name
        assert begun.wait(10)
    return name
