"""CompareService: why a search does or does not find one thing in another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc

from mitate.kernels.errors import InvalidArgument
from mitate.server import translate, translate_compare
from mitate.server.admission import FRAME_MS, PICTURE_SIGNATURES
from mitate.server.app import App
from mitate.server.compare_picture import draw
from mitate.server.comparison import Subject
from mitate.server.media import media_of
from mitate.server.placement import MAX_ID, check_id
from mitate.server.reports import Reports
from mitate.server.tickets import Priority, Ticket
from mitate.v1 import compare_pb2, compare_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class CompareService(compare_pb2_grpc.CompareServiceServicer):
    """Translates; the work is done by the comparer."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def Compare(
        self, request: compare_pb2.CompareRequest, context: Context
    ) -> AsyncIterator[compare_pb2.CompareResponse]:
        """Compare two things, telling how far their files are read."""
        self._app.check_ready()
        a, b = self._subject("A", request.a), self._subject("B", request.b)
        admission = self._app.admission
        ticket = admission.ticket(context, PICTURE_SIGNATURES, 0, Priority.INTERACTIVE)
        reports = Reports()
        work = asyncio.to_thread(self._compared, a, b, reports, ticket, not request.without_picture)
        task = asyncio.create_task(work)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            async for progress in reports.until(task):
                yield compare_pb2.CompareResponse(progress=progress)
            yield await task
        finally:
            ticket.cancelled = True
            reports.cancelled.set()
            admission.charge(ticket, reports.position_ms // FRAME_MS)

    def _compared(
        self, a: Subject, b: Subject, reports: Reports, ticket: Ticket, drawn: bool
    ) -> compare_pb2.CompareResponse:
        started = time.perf_counter()
        found = self._app.comparer.compare(a, b, reports.progress, reports.cancelled, ticket)
        compared = time.perf_counter()
        picture = draw(found) if drawn else b""
        timings_ms = {
            "compare": (compared - started) * 1000,
            "draw": (time.perf_counter() - compared) * 1000,
        }
        return compare_pb2.CompareResponse(
            comparison=translate_compare.comparison(found, picture),
            diagnostics=translate.diagnostics(self._app.engine.generation, timings_ms),
        )

    def _subject(self, letter: str, message: compare_pb2.Subject) -> Subject:
        at_ms = message.at_ms if message.HasField("at_ms") else None
        if at_ms is not None and not 0 <= at_ms <= MAX_ID:
            raise InvalidArgument(f"{letter}: at_ms is {at_ms}; times start at 0")
        kind = message.WhichOneof("subject")
        if kind == "media":
            media = media_of(self._app, message.media)
            return Subject(letter, media.path, media.file_name, at_ms=at_ms)
        if kind is None:
            raise InvalidArgument(f"{letter} is nothing; give media, episode_id or source_id")
        number = check_id(f"{letter}: {kind}", getattr(message, kind))
        if kind == "episode_id":
            return Subject(letter, episode_id=number, at_ms=at_ms)
        return Subject(letter, source_id=number, at_ms=at_ms)
