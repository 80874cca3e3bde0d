"""Following a scan to its end."""

from __future__ import annotations

from collections.abc import Callable

from google.longrunning import operations_pb2

from mitate.clients import answers
from mitate.clients.flows_upload import OnProgress, best_effort
from mitate.clients.patience import Patience
from mitate.clients.results import Match, Progress
from mitate.clients.steps import Call, Flow
from mitate.kernels.errors import InternalError, MitateError, NotReady
from mitate.v1 import scan_pb2

OnSegment = Callable[[Match], None]


def watch(
    name: str, on_progress: OnProgress | None, on_segment: OnSegment | None
) -> Flow[operations_pb2.Operation]:
    """Follow a scan to its end; a broken connection is taken up again after the last event."""
    seen = _Seen(on_progress, on_segment)
    while True:
        request = scan_pb2.WatchScanRequest(operation=name, after_event=seen.event)
        try:
            last = yield Call("ScanService/WatchScan", request, on_message=seen.read, long=True)
        except NotReady as error:
            yield from seen.patience.pause(error)
            continue
        except MitateError:
            yield from cancel(name)
            raise
        if last is None or not last.HasField("done"):
            raise InternalError("the server ended the scan without a result")
        done: operations_pb2.Operation = last.done
        return done


def cancel(operation: str) -> Flow[None]:
    """Stop an operation, if the server can be reached."""
    request = operations_pb2.CancelOperationRequest(name=operation)
    yield from best_effort(Call("Operations/CancelOperation", request))


class _Seen:
    """What a scan has told, and to whom it is handed on."""

    def __init__(self, on_progress: OnProgress | None, on_segment: OnSegment | None) -> None:
        self.event = 0
        self.patience = Patience(self._tell)
        self._progress = Progress("read", 0.0)
        self._on_progress, self._on_segment = on_progress, on_segment

    def read(self, message: scan_pb2.WatchScanResponse) -> None:
        self.patience.reached()
        self.event = message.event
        if message.HasField("metadata"):
            self._progress = answers.progress(message.metadata.progress)
            self._tell()
        for segment in message.new_segments:
            if self._on_segment is not None:
                self._on_segment(answers.match(segment))

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self._progress)
