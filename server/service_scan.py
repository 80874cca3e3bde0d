"""ScanService: from a video made of many sources to its timeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.longrunning import operations_pb2

from mitate.server import translate
from mitate.server.app import App
from mitate.server.media import media_of
from mitate.server.operations import Operation
from mitate.server.reports import progress_message
from mitate.v1 import scan_pb2, scan_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
IDLE_S = 10.0  # an event comes at least this often, so that a caller knows the scan is alive


class ScanService(scan_pb2_grpc.ScanServiceServicer):
    """Scans as operations; what they found so far can be watched."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def ScanVideo(
        self, request: scan_pb2.ScanVideoRequest, context: Context
    ) -> operations_pb2.Operation:
        """Start a scan."""
        self._app.check_ready()
        wanted = translate.wanted(request.options)
        media = media_of(self._app, request.media)

        def work(operation: Operation) -> scan_pb2.ScanVideoResponse:
            def progress(*numbers: int) -> None:
                message = progress_message(*numbers)
                operation.report(lambda metadata: metadata.progress.CopyFrom(message))  # type: ignore[attr-defined]

            try:
                timeline = self._app.matcher.scan(media.path, wanted, progress, operation.cancelled)
            finally:
                self._app.uploads.delete(request.media.upload_id)
            return translate.scan_response(timeline, self._app.engine.generation)

        operation = self._app.operations.start(
            "scan", scan_pb2.ScanMetadata(), work, request.request_id
        )
        return operation.message()

    async def WatchScan(
        self, request: scan_pb2.WatchScanRequest, context: Context
    ) -> AsyncIterator[scan_pb2.WatchScanResponse]:
        """Follow a scan to its end."""
        operation = self._app.operations.get(request.operation)
        event = request.after_event
        while True:
            done, version = operation.done, operation.version
            event += 1
            answer = scan_pb2.WatchScanResponse(event=event)
            message = operation.message()
            message.metadata.Unpack(answer.metadata)
            if done:
                result = scan_pb2.ScanVideoResponse()
                if message.response.Unpack(result):
                    answer.new_segments.extend(result.segments)
                answer.done.CopyFrom(message)
            yield answer
            if done:
                return
            await operation.news(IDLE_S, version)
