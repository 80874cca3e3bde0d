"""ScanService: from a video made of many sources to its timeline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.longrunning import operations_pb2

from mitate.kernels.errors import InvalidArgument
from mitate.server import translate
from mitate.server.app import App
from mitate.server.media import media_of
from mitate.server.operations import Operation
from mitate.server.records import Match
from mitate.server.reports import report_progress
from mitate.v1 import scan_pb2, scan_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
KIND = "scan"
IDLE_S = 10.0  # an event comes at least this often, so that a caller knows the scan is alive


def _report_found(operation: Operation, segments: Sequence[Match]) -> None:
    operation.found.extend(translate.matches(segments))
    n_found = len(operation.found)
    operation.report(lambda metadata: setattr(metadata, "segments", n_found))


class ScanService(scan_pb2_grpc.ScanServiceServicer):
    """Scans as operations; what they found so far can be watched."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ScanVideo(
        self, request: scan_pb2.ScanVideoRequest, context: Context
    ) -> operations_pb2.Operation:
        """Start a scan."""
        self._app.check_ready()
        started = self._app.operations.started(KIND, request.request_id)
        if started is not None:
            return started.message()
        wanted = translate.wanted(request.options)
        media = media_of(self._app, request.media)

        def work(operation: Operation) -> scan_pb2.ScanVideoResponse:
            try:
                timeline = self._app.matcher.scan(
                    media.path,
                    wanted,
                    report_progress(operation),
                    operation.cancelled,
                    lambda segments: _report_found(operation, segments),
                )
            finally:
                self._app.uploads.delete(request.media.upload_id)
            return translate.scan_response(timeline, self._app.engine.generation)

        operation = self._app.operations.start(
            KIND, scan_pb2.ScanMetadata(), work, request.request_id
        )
        return operation.message()

    async def WatchScan(
        self, request: scan_pb2.WatchScanRequest, context: Context
    ) -> AsyncIterator[scan_pb2.WatchScanResponse]:
        """Follow a scan to its end."""
        operation = self._app.operations.get(request.operation)
        if not operation.name.startswith(f"operations/{KIND}-"):
            raise InvalidArgument(f"operation {operation.name!r} is no scan")
        told = request.after_event
        if told > len(operation.found):
            raise InvalidArgument(
                f"after_event is {told}; {len(operation.found)} segments are told so far"
            )
        while True:
            done, version = operation.done, operation.version
            segments = operation.found[told:]
            told += len(segments)
            message = operation.message()
            answer = scan_pb2.WatchScanResponse(event=told, new_segments=segments)
            message.metadata.Unpack(answer.metadata)
            if done:
                answer.done.CopyFrom(message)
            yield answer
            if done:
                return
            await operation.news(IDLE_S, version)
