"""Long-running operations: work that is started, watched, waited for and cancelled by name."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from google.longrunning import operations_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2

from mitate.kernels.errors import (
    FailedPrecondition,
    InvalidArgument,
    MitateError,
    NotFound,
    OperationCancelled,
)
from mitate.server.translate import error_status

log = logging.getLogger(__name__)
KEPT_S = 24 * 3600  # finished operations are forgotten after this time


class Work(Protocol):
    """What an operation runs; it reports through the operation and returns the response."""

    def __call__(self, operation: Operation) -> Message:
        """Run to the end."""
        ...


class Operation:
    """One piece of long work: metadata while it runs, then a response or an error."""

    def __init__(self, name: str, metadata: Message) -> None:
        self.name = name
        self.cancelled = threading.Event()
        self.created_s = time.time()
        self.finished_s = 0.0
        self.found: list[Any] = []  # what has come out so far; only grows
        self._metadata = metadata
        self._response: Message | None = None
        self._error: status_pb2.Status | None = None
        self._lock = threading.Lock()
        self._version = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def done(self) -> bool:
        """The operation has a response or an error."""
        return self._response is not None or self._error is not None

    @property
    def version(self) -> int:
        """Grows with every report."""
        return self._version

    def report(self, change: Callable[[Message], None]) -> None:
        """Change the metadata."""
        with self._lock:
            change(self._metadata)
        self._tell()

    def finish(self, response: Message | None, error: status_pb2.Status | None) -> None:
        """Set the outcome."""
        with self._lock:
            self._response, self._error = response, error
            self.finished_s = time.time()
        self._tell()

    async def news(self, timeout_s: float, after_version: int | None = None) -> None:
        """Wait until done, or until something newer than `after_version` is reported."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()

        def listener() -> None:
            if self.done or (after_version is not None and self._version > after_version):
                loop.call_soon_threadsafe(event.set)

        self._listeners.append(listener)
        try:
            listener()
            await asyncio.wait_for(event.wait(), timeout_s)
        except TimeoutError:
            return
        finally:
            self._listeners.remove(listener)

    def _tell(self) -> None:
        self._version += 1
        for listener in tuple(self._listeners):
            listener()

    def message(self) -> operations_pb2.Operation:
        """Return the operation as it stands."""
        with self._lock:
            answer = operations_pb2.Operation(name=self.name, done=self.done)
            answer.metadata.Pack(self._metadata)
            if self._error is not None:
                answer.error.CopyFrom(self._error)
            elif self._response is not None:
                answer.response.Pack(self._response)
            return answer


class Operations:
    """All operations of this server; safe to call from any thread."""

    def __init__(self, n_threads: int) -> None:
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="operation")
        self._by_name: dict[str, Operation] = {}
        self._by_request: dict[tuple[str, str], str] = {}  # kind and request id -> name
        self._lock = threading.Lock()

    def start(self, kind: str, metadata: Message, work: Work, request_id: str = "") -> Operation:
        """Start `work`, or return what the same `request_id` of this kind started before."""
        with self._lock:
            self._forget_old()
            if (kind, request_id) in self._by_request:
                return self._by_name[self._by_request[kind, request_id]]
            operation = Operation(f"operations/{kind}-{uuid.uuid4()}", metadata)
            self._by_name[operation.name] = operation
            if request_id:
                self._by_request[kind, request_id] = operation.name
        self._pool.submit(self._run, operation, work)
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
        with self._lock:
            name = self._by_request.get((kind, request_id))
            return self._by_name[name] if name is not None else None

    def get(self, name: str) -> Operation:
        """Return the operation of that name.

        Raises:
            NotFound: there is none, or it is forgotten.
        """
        with self._lock:
            if name not in self._by_name:
                raise NotFound(f"there is no operation {name!r}; finished ones are kept for a day")
            return self._by_name[name]

    def list(self) -> list[Operation]:
        """Return all operations, oldest first."""
        with self._lock:
            return sorted(self._by_name.values(), key=lambda operation: operation.created_s)

    def delete(self, name: str) -> None:
        """Forget a finished operation."""
        if not self.get(name).done:
            raise FailedPrecondition(f"operation {name!r} is running; cancel it first")
        with self._lock:
            self._by_name.pop(name, None)
            self._by_request = {k: v for k, v in self._by_request.items() if v != name}

    def close(self) -> None:
        """Cancel everything and wait for it to end."""
        for operation in self.list():
            operation.cancelled.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _forget_old(self) -> None:
        limit = time.time() - KEPT_S
        old = {o.name for o in self._by_name.values() if o.done and o.finished_s < limit}
        self._by_name = {k: v for k, v in self._by_name.items() if k not in old}
        self._by_request = {k: v for k, v in self._by_request.items() if v not in old}

    def _run(self, operation: Operation, work: Work) -> None:
        try:
            if operation.cancelled.is_set():
                raise OperationCancelled("the work was cancelled before it started")
            operation.finish(work(operation), None)
        except MitateError as error:
            operation.finish(None, error_status(error))
        except Exception as error:
            incident = uuid.uuid4().hex[:12]
            log.exception("operation failed name=%s incident=%s", operation.name, incident)
            operation.finish(None, error_status(error, incident))
