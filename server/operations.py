"""Long-running operations: work that is started, watched, waited for and cancelled by name.

An operation is in the catalog before its start is answered, with the request that started it. One
that had not ended when the server did is run again by the next server. What it stores and its own
end are one transaction, and storing the same content twice changes nothing, so running again is
harmless. Callers take turns.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf.message import Message

from mitate.kernels.errors import (
    FailedPrecondition,
    InternalError,
    InvalidArgument,
    MitateError,
    NotFound,
    OperationCancelled,
    Overloaded,
)
from mitate.server import audit
from mitate.server import operation_rows as rows
from mitate.server.database import Database
from mitate.server.operation import Operation
from mitate.server.operation_rows import OperationRow
from mitate.server.pages import Page, check_page_size, last_id_of, token_after
from mitate.server.translate import error_status
from mitate.server.turns import Turns

log = logging.getLogger(__name__)
KEPT_S = 30 * 24 * 3600  # finished operations are forgotten after this time
MAX_STARTS = 3  # of work during which the server ended each time
RETRY_MS = 10_000  # when to ask again while too many wait

Run = Callable[[Any, Operation], Message]  # request, operation -> response


class Kind(NamedTuple):
    """What the operations of one kind have in common."""

    request: type[Message]
    metadata: type[Message]
    run: Run


class Operations:
    """All operations of this server. Methods block on the disk; any thread may call them."""

    def __init__(
        self,
        database: Database,
        n_threads: int,
        max_waiting: int = 10_000,
        used_up: Callable[[str], None] = lambda upload_id: None,
    ) -> None:
        self._database = database
        self._max_waiting = max_waiting
        self._used_up = used_up  # told of every upload that an operation has consumed
        self._kinds: dict[str, Kind] = {}
        self._live: dict[str, Operation] = {}
        self._waiting: Turns[Operation] = Turns()
        self._change = threading.Condition()
        self._closing = False
        with database.writing() as db:
            rows.delete_old(db, KEPT_S)
            left = rows.unfinished(db)
        for row in left:
            self._live[row.name] = Operation(row, None, self._commit, resumed=True)
        self._threads = [
            threading.Thread(target=self._loop, name=f"operation-{i}", daemon=True)
            for i in range(n_threads)
        ]

    @property
    def n_waiting(self) -> int:
        """Operations that wait for their turn."""
        return len(self._waiting)

    def register(
        self, kind: str, request: type[Message], metadata: type[Message], run: Run
    ) -> None:
        """Say how operations of a kind are run."""
        self._kinds[kind] = Kind(request, metadata, run)

    def resume(self) -> int:
        """Begin to run operations, first those of the server before; returns their number."""
        with self._change:
            left = list(self._live.values())
            for operation in left:
                kind = self._kinds[operation.kind]
                operation.set_metadata(kind.metadata())
                self._waiting.put(operation.row.caller, operation)
        for thread in self._threads:
            thread.start()
        return len(left)

    def start(
        self,
        kind: str,
        request: Message,
        request_id: str = "",
        upload_id: str = "",
        caller: str = "",
    ) -> Operation:
        """Start work, or return what the same `request_id` of this kind started before.

        Raises:
            Overloaded: too many operations wait.
        """
        with self._change:
            known = self.started(kind, request_id)
            if known is not None:
                return known
            if len(self._waiting) >= self._max_waiting:
                raise Overloaded(
                    f"{len(self._waiting)} operations wait; at most {self._max_waiting} may "
                    "(max_queue_operations)",
                    retry_after_ms=RETRY_MS,
                )
            name = f"operations/{kind}-{uuid.uuid4()}"
            data = request.SerializeToString()
            with self._database.writing() as db:
                row = rows.insert(db, name, kind, request_id, caller, data, upload_id)
            metadata = self._kinds[kind].metadata()
            operation = Operation(row, metadata, self._commit, resumed=False)
            self._live[name] = operation
            self._waiting.put(caller, operation)
            self._change.notify()
        return operation

    def started(self, kind: str, request_id: str) -> Operation | None:
        """Return what a request id of this kind has started.

        Raises:
            InvalidArgument: it is no UUID.
        """
        if not request_id:
            return None
        try:
            uuid.UUID(request_id)
        except ValueError:
            raise InvalidArgument(f"request_id is {request_id[:80]!r}; a UUID is allowed") from None
        with self._database.reading() as db:
            row = rows.by_request(db, kind, request_id)
        return None if row is None else self._of(row)

    def get(self, name: str) -> Operation:
        """Return the operation of that name.

        Raises:
            NotFound: there is none, or it is forgotten.
        """
        live = self._live.get(name)
        if live is not None:
            return live
        with self._database.reading() as db:
            row = rows.by_name(db, name)
        if row is None:
            raise NotFound(
                f"there is no operation {name[:200]!r}; finished ones are kept for "
                f"{KEPT_S // 86400} days"
            )
        return self._of(row)

    def page(
        self, page_size: int = 0, page_token: str = "", done: bool | None = None
    ) -> Page[Operation]:
        """Return operations, oldest first, 100 to the page or `page_size`, at most 1000."""
        limit, after = check_page_size(page_size), last_id_of("operations", page_token)
        with self._database.reading() as db:
            found = rows.page(db, after, limit + 1, done)
        more = len(found) > limit
        token = token_after("operations", found[limit - 1].number) if more else ""
        return Page(tuple(self._of(row) for row in found[:limit]), token, 0)

    def cancel(self, name: str) -> None:
        """Stop an operation; one that is done stays as it is. Raises NotFound."""
        operation = self.get(name)
        if operation.done:
            return
        with self._database.writing() as db:
            rows.set_cancelled(db, name)
        operation.cancelled.set()
        with self._change:
            waited = self._waiting.remove(operation.row.caller, operation)
        if waited:
            self._run(operation)

    def delete(self, name: str) -> None:
        """Forget a finished operation; raises NotFound, FailedPrecondition."""
        if not self.get(name).done:
            raise FailedPrecondition(f"operation {name!r} is running; cancel it first")
        with self._database.writing() as db:
            rows.delete(db, name)

    def close(self) -> None:
        """Interrupt what runs and wait for it to stop; the next server runs it again."""
        with self._change:
            self._closing = True
            running = list(self._live.values())
            self._change.notify_all()
        for operation in running:
            operation.cancelled.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _of(self, row: OperationRow) -> Operation:
        """Return the live operation of a row, or one that shows how it ended."""
        live = self._live.get(row.name)
        if live is not None:
            return live
        if row.outcome is None:  # it ended since the row was read
            with self._database.reading() as db:
                row = rows.by_name(db, row.name) or row
        return Operation(row, None, self._commit, resumed=False)

    def _loop(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                operation = self._waiting.pop()
            self._run(operation)

    def _run(self, operation: Operation) -> None:
        response, error = None, None
        try:
            response = self._work(operation)
        except MitateError as known:
            error = error_status(known)
        except Exception as defect:
            incident = uuid.uuid4().hex[:12]
            log.exception("operation failed name=%s incident=%s", operation.name, incident)
            error = error_status(defect, incident)
        if response is None and self._closing and not self._is_cancelled(operation):
            with self._database.writing() as db:
                rows.add_starts(db, operation.name, -1)
            log.info("operation interrupted name=%s", operation.name)
            return
        self._end(operation, operation.outcome(response, error))

    def _work(self, operation: Operation) -> Message:
        if operation.cancelled.is_set():
            raise OperationCancelled("the work was cancelled before it started")
        if operation.row.n_starts >= MAX_STARTS:
            raise InternalError(
                f"the work was started {operation.row.n_starts} times and the server ended "
                "each time; it is not started again"
            )
        with self._database.writing() as db:
            rows.add_starts(db, operation.name, 1)
        kind = self._kinds[operation.kind]
        return kind.run(kind.request.FromString(operation.row.request), operation)

    def _is_cancelled(self, operation: Operation) -> bool:
        with self._database.reading() as db:
            row = rows.by_name(db, operation.name)
        return row is not None and row.cancelled

    def _commit(self, db: sqlite3.Connection, operation: Operation, response: Message) -> None:
        outcome = operation.outcome(response, None).SerializeToString()
        rows.finish(db, operation.name, operation.row.upload_id or "", outcome)

    def _end(self, operation: Operation, outcome: Any) -> None:
        upload_id = operation.row.upload_id or ""
        stored = True
        try:
            with self._database.writing() as db:
                rows.finish(db, operation.name, upload_id, outcome.SerializeToString())
        except MitateError as error:
            log.error("outcome not stored name=%s error=%s", operation.name, error.message)
            stored = False
        if upload_id:
            self._used_up(upload_id)
        operation.finish(outcome)
        audit.tell_end(operation.kind, operation.row.caller, outcome)
        if stored:
            self._live.pop(operation.name, None)
