"""ScanService: from a video made of many sources to its timeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import grpc
from google.longrunning import operations_pb2

from mitate.kernels.errors import InvalidArgument
from mitate.server import translate
from mitate.server.admission import FRAME_MS, PICTURE_SIGNATURES, PRIORITIES, caller_name
from mitate.server.app import App
from mitate.server.live import LiveScan
from mitate.server.media import media_of
from mitate.server.operation import Operation
from mitate.server.records import Match
from mitate.server.reports import report_progress
from mitate.server.tickets import Priority, Ticket
from mitate.v1 import match_pb2, scan_pb2, scan_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
KIND = "scan"
IDLE_S = 10.0  # an event comes at least this often, so that a caller knows the scan is alive


def _report_found(operation: Operation, segments: Sequence[Match]) -> None:
    operation.found.extend(translate.matches(segments))
    n_found = len(operation.found)
    operation.report(lambda metadata: setattr(metadata, "segments", n_found))


def _found(operation: Operation) -> Sequence[match_pb2.Match]:
    """Return the segments of a scan so far."""
    message = operation.message()
    if not message.HasField("response"):
        return operation.found
    response = scan_pb2.ScanVideoResponse()
    message.response.Unpack(response)
    return response.segments


def _goes_on_anew(operation: Operation) -> bool:
    """Tell whether a scan was begun by another server and has to find again what it told."""
    return operation.resumed and not operation.message().HasField("response")


def _told(segments: Sequence[Match], live: LiveScan) -> scan_pb2.ScanLiveResponse:
    return scan_pb2.ScanLiveResponse(
        new_segments=translate.matches(segments), position_ms=live.position_ms
    )


class ScanService(scan_pb2_grpc.ScanServiceServicer):
    """Scans as operations; what they found so far can be watched."""

    def __init__(self, app: App) -> None:
        self._app = app
        app.operations.register(KIND, scan_pb2.ScanVideoRequest, scan_pb2.ScanMetadata, self._scan)

    async def ScanVideo(
        self, request: scan_pb2.ScanVideoRequest, context: Context
    ) -> operations_pb2.Operation:
        """Start a scan."""
        self._app.check_ready()
        self._app.admission.ticket(
            context, PICTURE_SIGNATURES, request.options.priority, Priority.BULK
        )
        operation = await asyncio.to_thread(self._start, request)
        return operation.message()

    def _start(self, request: scan_pb2.ScanVideoRequest) -> Operation:
        started = self._app.operations.started(KIND, request.request_id)
        if started is not None:
            return started
        translate.wanted(request.options)
        media_of(self._app, request.media)
        return self._app.operations.start(
            KIND, request, request.request_id, request.media.upload_id, caller_name()
        )

    def _scan(
        self, request: scan_pb2.ScanVideoRequest, operation: Operation
    ) -> scan_pb2.ScanVideoResponse:
        options = request.options
        ticket = Ticket(operation.row.caller, PRIORITIES.get(options.priority, Priority.BULK))
        media, progress = media_of(self._app, request.media), report_progress(operation)
        timeline = self._app.matcher.scan(
            media.path,
            replace(translate.wanted(options), ticket=ticket),
            progress,
            operation.cancelled,
            lambda segments: _report_found(operation, segments),
        )
        self._app.admission.charge(ticket, timeline.duration_ms // FRAME_MS)
        response = translate.scan_response(timeline, self._app.engine.generation)
        if request.with_picture:
            response.picture = self._app.drawer.draw(
                media.path, media.file_name, timeline, progress, operation.cancelled
            )
        return response

    async def ScanLive(
        self, request_iterator: AsyncIterator[scan_pb2.ScanLiveRequest], context: Context
    ) -> AsyncIterator[scan_pb2.ScanLiveResponse]:
        """Scan frames as a caller pushes them."""
        self._app.check_ready()
        requests = aiter(request_iterator)
        opening = await anext(requests, None)
        if opening is None or opening.WhichOneof("content") != "config":
            raise InvalidArgument("the first message of ScanLive must hold `config`")
        options = opening.config.options
        ticket = self._app.admission.ticket(
            context, PICTURE_SIGNATURES, options.priority, Priority.INTERACTIVE
        )
        wanted = replace(translate.wanted(options), ticket=ticket)
        live = LiveScan(lambda part: self._app.matcher.look(part, wanted), opening.config.lag_ms)
        async for request in requests:
            if request.WhichOneof("content") != "frames":
                raise InvalidArgument("after `config` every message of ScanLive holds `frames`")
            before_ms = live.position_ms
            segments = await asyncio.to_thread(live.feed, request.frames)
            self._app.admission.charge(ticket, (live.position_ms - before_ms) // FRAME_MS)
            yield _told(segments, live)
            self._app.check_ready()
        yield _told(await asyncio.to_thread(live.finish), live)

    async def WatchScan(
        self, request: scan_pb2.WatchScanRequest, context: Context
    ) -> AsyncIterator[scan_pb2.WatchScanResponse]:
        """Follow a scan to its end."""
        operation = await asyncio.to_thread(self._app.operations.get, request.operation)
        if operation.kind != KIND:
            raise InvalidArgument(f"operation {operation.name!r} is no scan")
        told = request.after_event
        n_known = len(_found(operation))
        if told > n_known and not _goes_on_anew(operation):
            raise InvalidArgument(f"after_event is {told}; {n_known} segments are told so far")
        while True:
            done, version = operation.done, operation.version
            segments = _found(operation)[told:]
            told += len(segments)
            message = operation.message()
            answer = scan_pb2.WatchScanResponse(event=told, new_segments=segments)
            message.metadata.Unpack(answer.metadata)
            if done:
                answer.done.CopyFrom(message)
            yield answer
            if done:
                return
            await operation.news(IDLE_S, version, stop=self._app.stopping)
            self._app.check_ready()
