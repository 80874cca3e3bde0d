"""SearchService: pictures, signatures and clips."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, TypeVar

import grpc

from mitate.kernels.codec import decode_rows, encode33, encode35
from mitate.kernels.decode_pillow import PREPROCESSING_VERSION as RGB_VERSION
from mitate.kernels.errors import InvalidArgument, InvalidSignature, MitateError
from mitate.kernels.layout import Layouts
from mitate.kernels.signature import DESCRIPTOR_VERSION
from mitate.server import telemetry, translate
from mitate.server.admission import FRAME_MS, PICTURE_SIGNATURES
from mitate.server.app import App
from mitate.server.batches import Batched
from mitate.server.columns import columns_of
from mitate.server.receiving import receive
from mitate.server.records import Answer
from mitate.server.reports import Reports
from mitate.server.service_media import first_then_chunks
from mitate.server.streams import in_flight
from mitate.server.tickets import Priority
from mitate.v1 import match_pb2, search_pb2, search_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
MAX_SIGNATURES = 4096
MAX_IN_FLIGHT = 32  # messages of one stream that are worked on at once
MAX_INTERACTIVE = 16  # signatures of a batch; a larger one is bulk
Result = TypeVar(
    "Result", search_pb2.BatchSearchSignaturesResponse, search_pb2.StreamSearchResponse
)
ROW_BYTES = {search_pb2.SIGNATURE_TYPE_CLD_33: 33, search_pb2.SIGNATURE_TYPE_CLD_35: 35}


def layouts_of(batch: search_pb2.SignatureBatch) -> Layouts:
    """Return the descriptors of a batch, shape (count, 33).

    Raises:
        InvalidArgument: the type or count is not allowed.
        InvalidSignature: length, version, header or ranges are wrong.
    """
    if batch.type not in ROW_BYTES:
        raise InvalidArgument(f"signature type is {batch.type}; 1 (CLD_33) and 2 (CLD_35) are read")
    if not 1 <= batch.count <= MAX_SIGNATURES:
        raise InvalidArgument(f"count is {batch.count}; 1 to {MAX_SIGNATURES} are allowed")
    if batch.descriptor_version not in ("", DESCRIPTOR_VERSION):
        raise InvalidSignature(
            f"descriptor_version is {batch.descriptor_version!r}; this server compares "
            f"{DESCRIPTOR_VERSION!r}"
        )
    width = ROW_BYTES[batch.type]
    if len(batch.data) != batch.count * width:
        raise InvalidSignature(
            f"{len(batch.data)} bytes for {batch.count} signatures; "
            f"{batch.count * width} are needed, {width} each"
        )
    return decode_rows(batch.data, width)


class SearchService(search_pb2_grpc.SearchServiceServicer):
    """Translates; the work is done by the matcher."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def SearchImage(
        self, request: search_pb2.SearchImageRequest, context: Context
    ) -> search_pb2.SearchImageResponse:
        """Search one picture."""
        self._app.check_ready()
        answer = await self._picture(request.image, request.options, context, Priority.INTERACTIVE)
        return search_pb2.SearchImageResponse(
            verdict=translate.VERDICTS[answer.verdict],
            matches=translate.matches(answer.matches),
            exact=answer.exact,
            diagnostics=self._diagnostics(answer),
        )

    async def BatchSearchSignatures(
        self, request: search_pb2.BatchSearchSignaturesRequest, context: Context
    ) -> search_pb2.BatchSearchSignaturesResponse:
        """Search many signatures."""
        self._app.check_ready()
        large = request.signatures.count > MAX_INTERACTIVE
        usual = Priority.BULK if large else Priority.INTERACTIVE
        return await self._batch(
            request.signatures,
            request.options,
            context,
            usual,
            search_pb2.BatchSearchSignaturesResponse,
        )

    async def StreamSearch(
        self, request_iterator: AsyncIterator[search_pb2.StreamSearchRequest], context: Context
    ) -> AsyncIterator[search_pb2.StreamSearchResponse]:
        """Search many queries, a bounded number at once; answers may overtake each other."""
        self._app.check_ready()
        opening = await anext(aiter(request_iterator), None)
        if opening is None or opening.WhichOneof("content") != "config":
            raise InvalidArgument("the first message of StreamSearch must hold `config`")
        options = opening.config.options
        translate.wanted(options)
        answers = in_flight(
            request_iterator,
            lambda request: self._stream_item(request, options, context),
            MAX_IN_FLIGHT,
            ordered=opening.config.preserve_order,
            stop=self._app.stopping,
        )
        async for answer in answers:
            yield answer

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
        self._check_picture(request.image)
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

    def _check_picture(self, image: bytes) -> None:
        limit = self._app.settings.max_picture_bytes
        if not 0 < len(image) <= limit:
            raise InvalidArgument(
                f"a picture of {len(image)} bytes; 1 to {limit} are allowed (max_picture_bytes)"
            )

    async def _picture(
        self,
        image: bytes,
        options: match_pb2.SearchOptions,
        context: Context,
        usual: Priority,
    ) -> Answer:
        self._check_picture(image)
        wanted = translate.wanted(options)
        ticket = self._app.admission.ticket(context, PICTURE_SIGNATURES, options.priority, usual)
        async with self._app.pictures.through(ticket, len(image)):
            return await asyncio.to_thread(
                self._app.matcher.picture,
                image,
                replace(wanted, ticket=ticket),
                options.keep_borders,
            )

    async def _batch(
        self,
        batch: search_pb2.SignatureBatch,
        options: match_pb2.SearchOptions,
        context: Context,
        usual: Priority,
        answer: Callable[[], Result],
    ) -> Result:
        """Search signatures; return a message that holds `hits` and `diagnostics`."""
        layouts, wanted = layouts_of(batch), translate.wanted(options)
        ticket = self._app.admission.ticket(context, len(layouts), options.priority, usual)
        generation = self._app.engine.generation

        def pack(batched: Batched) -> Result:
            message = answer()
            translate.fill_hits(message.hits, batched.columns)
            message.diagnostics.index_generation = generation
            message.diagnostics.batch_signatures = batched.n_batched
            message.diagnostics.timings_ms["queue"] = batched.queue_ms
            message.diagnostics.timings_ms["search"] = batched.search_ms
            return message

        message = await self._app.batches.submit(layouts, replace(wanted, ticket=ticket), pack)
        timings_ms = message.diagnostics.timings_ms
        telemetry.told_in_answer(queue=timings_ms["queue"], search=timings_ms["search"])
        timings_ms["total"] = sum(timings_ms.values())
        return message

    async def _stream_item(
        self,
        request: search_pb2.StreamSearchRequest,
        options: match_pb2.SearchOptions,
        context: Context,
    ) -> search_pb2.StreamSearchResponse:
        try:
            kind = request.WhichOneof("content")
            if kind == "signatures":
                answer = await self._batch(
                    request.signatures,
                    options,
                    context,
                    Priority.BULK,
                    search_pb2.StreamSearchResponse,
                )
            elif kind == "image":
                found = await self._picture(request.image, options, context, Priority.BULK)
                answer = search_pb2.StreamSearchResponse(diagnostics=self._diagnostics(found))
                translate.fill_hits(answer.hits, columns_of([found], translate.top_k(options)))
            else:
                raise InvalidArgument("after `config` every message holds `signatures` or `image`")
        except MitateError as error:
            answer = search_pb2.StreamSearchResponse(error=translate.error_status(error))
        answer.sequence = request.sequence
        return answer
