"""One piece of long work: metadata while it runs, then a response or an error."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2

from mitate.server.operation_rows import OperationRow


class Operation:
    """An operation; any thread may read it and report to it."""

    def __init__(
        self,
        row: OperationRow,
        metadata: Message | None,
        commit: Callable[[sqlite3.Connection, Operation, Message], None],
        *,
        resumed: bool,
    ) -> None:
        self.row = row
        self.name = row.name
        self.kind = row.kind
        self.resumed = resumed  # begun by a server before this one
        self.cancelled = threading.Event()
        if row.cancelled:
            self.cancelled.set()
        self.found: list[Any] = []  # what has come out so far; only grows
        self._commit = commit
        self._metadata = metadata
        self._outcome: operations_pb2.Operation | None = None
        if row.outcome is not None:
            self._outcome = operations_pb2.Operation.FromString(row.outcome)
        self._lock = threading.Lock()
        self._version = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def done(self) -> bool:
        """The operation has a response or an error."""
        return self._outcome is not None

    @property
    def version(self) -> int:
        """Grows with every report."""
        return self._version

    def set_metadata(self, metadata: Message) -> None:
        """Set what is reported while the work has not begun."""
        self._metadata = metadata

    def report(self, change: Callable[[Message], None]) -> None:
        """Change the metadata."""
        with self._lock:
            if self._metadata is not None:
                change(self._metadata)
        self.tell()

    def commit(self, db: sqlite3.Connection, response: Message) -> None:
        """Make the response part of a transaction, so that both are there or neither."""
        self._commit(db, self, response)

    def finish(self, outcome: operations_pb2.Operation) -> None:
        """Set the outcome."""
        self._outcome = outcome
        self.tell()

    async def news(
        self,
        timeout_s: float,
        after_version: int | None = None,
        *,
        stop: asyncio.Event | None = None,
    ) -> None:
        """Wait until done, something newer than `after_version` is reported, or `stop` is set."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()

        def listener() -> None:
            if self.done or (after_version is not None and self._version > after_version):
                loop.call_soon_threadsafe(event.set)

        self._listeners.append(listener)
        waits = [asyncio.ensure_future(one.wait()) for one in (event, stop) if one is not None]
        try:
            listener()
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            self._listeners.remove(listener)

    def tell(self) -> None:
        """Wake whoever waits for news."""
        self._version += 1
        for listener in tuple(self._listeners):
            listener()

    def message(self) -> operations_pb2.Operation:
        """Return the operation as it stands."""
        return self._outcome if self._outcome is not None else self.outcome(None, None)

    def outcome(
        self, response: Message | None, error: status_pb2.Status | None
    ) -> operations_pb2.Operation:
        """Return the operation with that response or error; with neither it is not done."""
        with self._lock:
            answer = operations_pb2.Operation(name=self.name)
            if self._metadata is not None:
                answer.metadata.Pack(self._metadata)
            if error is not None:
                answer.done = True
                answer.error.CopyFrom(error)
            elif response is not None:
                answer.done = True
                answer.response.Pack(response)
            return answer
