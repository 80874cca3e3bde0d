"""Long-running operations: what they answer, and whose turn it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import wrappers_pb2
from google.protobuf.message import Message
from operating import interrupted, server_of, seven, start, value_of, wait

from mitate.kernels.errors import (
    FailedPrecondition,
    InvalidMedia,
    NotFound,
    Overloaded,
)
from mitate.server.database import Database
from mitate.server.operation import Operation
from mitate.server.operations import Operations
from mitate.server.upload_rows import UploadRow, put


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "catalog")) as database:
        yield database


def test_the_response_of_the_work_is_the_response_of_the_operation(database: Database) -> None:
    with closing(server_of(database)) as operations:
        operation = start(operations)
        wait(operation)
        assert value_of(operation) == 7
        assert operations.get(operation.name).message() == operation.message()


def test_an_error_keeps_its_reason(database: Database) -> None:
    def run(request: Any, operation: Operation) -> Message:
        raise InvalidMedia("no picture in it")

    with closing(server_of(database, run)) as operations:
        operation = start(operations)
        wait(operation)
    assert operation.message().error.message == "no picture in it"


def test_a_defect_shows_only_its_incident(database: Database) -> None:
    def run(request: Any, operation: Operation) -> Message:
        raise ZeroDivisionError("secret")

    with closing(server_of(database, run)) as operations:
        operation = start(operations)
        wait(operation)
    assert "secret" not in operation.message().error.message
    assert "incident" in operation.message().error.message


def test_a_running_operation_reports_and_cannot_be_deleted(database: Database) -> None:
    go = threading.Event()

    def run(request: Any, operation: Operation) -> Message:
        operation.report(lambda message: setattr(message, "value", "half"))
        go.wait(10)
        return wrappers_pb2.Int32Value()

    with closing(server_of(database, run)) as operations:
        operation = start(operations)
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


def test_cancelling_ends_what_waits_at_once(database: Database) -> None:
    go = threading.Event()

    def run(request: Any, operation: Operation) -> Message:
        go.wait(10)
        return wrappers_pb2.Int32Value()

    with closing(server_of(database, run, n_threads=1)) as operations:
        running, waiting = start(operations), start(operations)
        operations.cancel(waiting.name)
        assert waiting.done and not running.done
        operations.cancel(waiting.name)
        go.set()
        wait(running)


def test_callers_take_turns(database: Database) -> None:
    go, order = threading.Event(), []

    def run(request: Any, operation: Operation) -> Message:
        go.wait(10)
        order.append(operation.row.caller)
        return wrappers_pb2.Int32Value()

    with closing(server_of(database, run, n_threads=1)) as operations:
        first = start(operations, caller="first")
        all_ = [start(operations, caller="much") for _ in range(5)]
        all_.append(start(operations, caller="little"))
        go.set()
        for operation in (first, *all_):
            wait(operation)
    assert order.index("little") <= 2


def test_too_many_operations_are_refused_and_the_limit_is_named(database: Database) -> None:
    go = threading.Event()

    def run(request: Any, operation: Operation) -> Message:
        go.wait(10)
        return wrappers_pb2.Int32Value()

    with closing(server_of(database, run, n_threads=1, max_waiting=2)) as operations:
        for _ in range(2):
            start(operations)
        with pytest.raises(Overloaded, match="max_queue_operations") as refused:
            for _ in range(2):
                start(operations)
        assert refused.value.retry_after_ms
        go.set()


def test_pages_hold_every_operation_once_and_can_be_narrowed(database: Database) -> None:
    interrupted(database)
    operations = Operations(database, 1)
    operations.register("x", wrappers_pb2.StringValue, wrappers_pb2.StringValue, seven)
    names = [start(operations).name for _ in range(4)]
    page = operations.page(3)
    rest = operations.page(3, page.next_page_token)
    assert [one.name for one in (*page.items, *rest.items)][1:] == names
    assert not rest.next_page_token
    assert len(operations.page(done=False).items) == 5
    assert not operations.page(done=True).items


def test_an_upload_lasts_until_no_operation_needs_it(database: Database) -> None:
    with database.writing() as db:
        put(db, UploadRow("u", "a.mp4", 3, 3, "00", 0))
    used: list[str] = []
    go = threading.Event()

    def run(request: Any, operation: Operation) -> Message:
        go.wait(10)
        return wrappers_pb2.Int32Value()

    operations = Operations(database, 2, used_up=used.append)
    operations.register("x", wrappers_pb2.StringValue, wrappers_pb2.StringValue, run)
    operations.resume()
    both = [start(operations, upload_id="u") for _ in range(2)]
    operations.cancel(both[0].name)
    go.set()
    for one in both:
        wait(one)
    operations.close()
    with database.reading() as db:
        assert db.execute("SELECT count(*) FROM upload").fetchone()[0] == 0
    assert used == ["u", "u"]
