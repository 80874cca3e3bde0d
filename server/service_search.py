"""SearchService: pictures, signatures and clips."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import grpc

from mitate.kernels.codec import encode33, encode35
from mitate.kernels.decode_pillow import PREPROCESSING_VERSION as RGB_VERSION
from mitate.kernels.errors import InvalidArgument
from mitate.kernels.signature import DESCRIPTOR_VERSION
from mitate.server import telemetry, translate
from mitate.server.admission import FRAME_MS, PICTURE_SIGNATURES
from mitate.server.app import App
from mitate.server.batch_calls import Batched
from mitate.server.receiving import receive
from mitate.server.records import Answer
from mitate.server.reports import Reports
from mitate.server.service_media import first_then_chunks
from mitate.server.stream_search import (
    ROW_BYTES,
    StreamOfSearches,
    check_picture,
    layouts_of,
    search_picture,
)
from mitate.server.streams import in_flight
from mitate.server.tickets import Priority
from mitate.server.translate_batch import batch_answer, stages_ms
from mitate.v1 import match_pb2, search_pb2, search_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
MAX_IN_FLIGHT = 32  # messages of one stream that are worked on at once
MAX_INTERACTIVE = 16  # signatures of a batch; a larger one is bulk


class SearchService(search_pb2_grpc.SearchServiceServicer):
    """Translates; the work is done by the matcher."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def SearchImage(
        self, request: search_pb2.SearchImageRequest, context: Context
    ) -> search_pb2.SearchImageResponse:
        """Search one picture."""
        self._app.check_ready()
        options = request.options
        wanted = translate.wanted(options)
        check_picture(self._app, request.image)
        ticket = self._app.admission.ticket(
            context, PICTURE_SIGNATURES, options.priority, Priority.INTERACTIVE
        )
        answer = await search_picture(
            self._app, request.image, replace(wanted, ticket=ticket), options.keep_borders
        )
        return search_pb2.SearchImageResponse(
            verdict=translate.VERDICTS[answer.verdict],
            matches=translate.matches(answer.matches),
            exact=answer.exact,
            diagnostics=self._diagnostics(answer),
        )

    async def BatchSearchSignatures(
        self, request: search_pb2.BatchSearchSignaturesRequest, context: Context
    ) -> bytes:
        """Search many signatures; returns a BatchSearchSignaturesResponse."""
        self._app.check_ready()
        batch, options = request.signatures, request.options
        layouts, wanted = layouts_of(batch), translate.wanted(options)
        usual = Priority.BULK if batch.count > MAX_INTERACTIVE else Priority.INTERACTIVE
        ticket = self._app.admission.ticket(context, len(layouts), options.priority, usual)
        answer, timings_ms = await self._app.batches.submit(
            layouts, replace(wanted, ticket=ticket), partial(_pack, self._app.engine.generation)
        )
        telemetry.told_in_answer(**timings_ms)
        return answer

    async def StreamSearch(
        self, request_iterator: AsyncIterator[search_pb2.StreamSearchRequest], context: Context
    ) -> AsyncIterator[search_pb2.StreamSearchResponse | bytes]:
        """Search many queries, a bounded number at once; answers may overtake each other."""
        self._app.check_ready()
        opening = await anext(aiter(request_iterator), None)
        if opening is None or opening.WhichOneof("content") != "config":
            raise InvalidArgument("the first message of StreamSearch must hold `config`")
        stream = StreamOfSearches(self._app, opening.config.options, context)
        answers = in_flight(
            request_iterator,
            stream.answer,
            MAX_IN_FLIGHT,
            ordered=opening.config.preserve_order,
            stop=self._app.stopping,
        )
        try:
            async for answer in answers:
                yield answer
        finally:
            stream.ticket.cancelled = True

    async def SearchVideo(
        self, request_iterator: AsyncIterator[search_pb2.SearchVideoRequest], context: Context
    ) -> AsyncIterator[search_pb2.SearchVideoResponse]:
        """Search a clip: spool it, sign it in a worker, align it."""
        self._app.check_ready()
        config, chunks = await first_then_chunks(request_iterator, "config")
        options = config.options
        wanted = translate.wanted(options)
        ticket = self._app.admission.ticket(
            context, PICTURE_SIGNATURES, options.priority, Priority.INTERACTIVE
        )
        wanted = replace(wanted, ticket=ticket)
        uploads = self._app.uploads
        upload = await asyncio.to_thread(uploads.spool, "clip", config.total_bytes)
        reports = Reports()
        try:
            await receive(uploads, upload, chunks)
            task = asyncio.create_task(
                asyncio.to_thread(
                    self._app.matcher.clip,
                    upload.path,
                    wanted,
                    reports.progress,
                    reports.cancelled,
                )
            )
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            async for progress in reports.until(task):
                yield search_pb2.SearchVideoResponse(progress=progress)
            answer = await task
        finally:
            ticket.cancelled = True
            reports.cancelled.set()
            self._app.admission.charge(ticket, reports.position_ms // FRAME_MS)
            uploads.discard(upload)
        yield search_pb2.SearchVideoResponse(
            answer=search_pb2.ClipAnswer(
                kind=translate.KINDS[answer.kind],
                verdict=translate.VERDICTS[answer.verdict],
                matches=translate.matches(answer.matches),
                exact=answer.exact,
            ),
            diagnostics=self._diagnostics(answer),
        )

    async def ComputeSignature(
        self, request: search_pb2.ComputeSignatureRequest, context: Context
    ) -> search_pb2.ComputeSignatureResponse:
        """Make the signature of a picture."""
        if request.type not in (*ROW_BYTES, search_pb2.SIGNATURE_TYPE_UNSPECIFIED):
            raise InvalidArgument(f"signature type is {request.type}; 1 and 2 are made")
        encode = encode35 if request.type == search_pb2.SIGNATURE_TYPE_CLD_35 else encode33
        check_picture(self._app, request.image)
        ticket = self._app.admission.ticket(context, PICTURE_SIGNATURES, 0, Priority.INTERACTIVE)
        async with self._app.pictures.through(ticket, len(request.image)):
            views = await asyncio.to_thread(
                self._app.pool.views, request.image, keep_borders=request.keep_borders
            )
        described = views.names.index("inner" if "inner" in views.names else "full")
        return search_pb2.ComputeSignatureResponse(
            signature=encode(views.layouts[described]),
            descriptor_version=DESCRIPTOR_VERSION,
            preprocessing_version=RGB_VERSION,
            quality=int(views.quality[described]),
        )

    def _diagnostics(self, answer: Answer) -> match_pb2.Diagnostics:
        return translate.diagnostics(self._app.engine.generation, answer.timings_ms)


def _pack(generation: int, batched: Batched) -> tuple[bytes, dict[str, float]]:
    """Return an answer and the times of its stages."""
    return batch_answer(generation, batched), stages_ms(batched)
