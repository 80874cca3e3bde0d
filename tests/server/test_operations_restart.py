"""Operations outlive the server that started them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import wrappers_pb2
from google.protobuf.message import Message
from operating import interrupted, server_of, start, value_of, wait

from mitate.kernels.errors import (
    InvalidArgument,
)
from mitate.server.database import Database
from mitate.server.operation import Operation
from mitate.server.operations import MAX_STARTS, Operations


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "catalog")) as database:
        yield database


def test_the_same_request_id_starts_the_work_once_also_after_a_restart(database: Database) -> None:
    runs = []

    def run(request: Any, operation: Operation) -> Message:
        runs.append(1)
        return wrappers_pb2.Int32Value()

    request_id = str(uuid.uuid4())
    with closing(server_of(database, run)) as operations:
        first = start(operations, request_id)
        again = start(operations, request_id)
        wait(first)
    with closing(server_of(database, run)) as operations:
        later = start(operations, request_id)
        assert later.done
        with pytest.raises(InvalidArgument, match="UUID"):
            start(operations, "no id")
    assert first.name == again.name == later.name
    assert runs == [1]


def test_what_the_end_of_the_server_interrupts_is_run_by_the_next(database: Database) -> None:
    name = interrupted(database)
    asked = []

    def run(request: Any, operation: Operation) -> Message:
        asked.append(request.value)
        return wrappers_pb2.Int32Value(value=8)

    operations = Operations(database, 1)
    operations.register("x", wrappers_pb2.StringValue, wrappers_pb2.StringValue, run)
    operation = operations.get(name)
    assert operation.resumed and not operation.done
    with closing(operations):
        assert operations.resume() == 1
        wait(operation)
        assert value_of(operations.get(name)) == 8
    assert asked == ["asked"]


def test_what_was_cancelled_is_not_run_by_the_next_server(database: Database) -> None:
    name = interrupted(database)
    with database.writing() as db:
        db.execute("UPDATE operation SET cancelled = 1")
    ran = []

    def run(request: Any, operation: Operation) -> Message:
        ran.append(1)
        return wrappers_pb2.Int32Value()

    with closing(server_of(database, run)) as operations:
        operation = operations.get(name)
        wait(operation)
    assert "cancelled" in operation.message().error.message
    assert not ran


def test_work_that_ends_the_server_each_time_is_given_up(database: Database) -> None:
    name = interrupted(database)
    with database.writing() as db:
        db.execute("UPDATE operation SET n_starts = ?", (MAX_STARTS,))
    with closing(server_of(database)) as operations:
        operation = operations.get(name)
        wait(operation)
    assert "not started again" in operation.message().error.message


def test_an_interruption_does_not_count_as_a_failed_start(database: Database) -> None:
    interrupted(database)
    with database.reading() as db:
        (n_starts,) = db.execute("SELECT n_starts FROM operation").fetchone()
    assert n_starts == 0


def test_a_response_committed_with_the_work_stays_when_the_server_dies(database: Database) -> None:
    committed = threading.Event()

    def run(request: Any, operation: Operation) -> Message:
        with database.writing() as db:
            operation.commit(db, wrappers_pb2.Int32Value(value=9))
        committed.set()
        operation.cancelled.wait(10)
        raise InterruptedError

    operations = server_of(database, run)
    name = start(operations).name
    assert committed.wait(10)
    with closing(server_of(database)) as after_the_kill:
        assert value_of(after_the_kill.get(name)) == 9
    operations.close()
