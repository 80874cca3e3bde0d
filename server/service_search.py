"""SearchService: pictures, signatures and clips."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc

from mitate.kernels.codec import decode_rows, encode33, encode35
from mitate.kernels.decode_pillow import PREPROCESSING_VERSION as RGB_VERSION
from mitate.kernels.errors import InvalidArgument, InvalidSignature, MitateError
from mitate.kernels.layout import Layouts
from mitate.kernels.signature import DESCRIPTOR_VERSION
from mitate.server import translate
from mitate.server.app import App
from mitate.server.receiving import receive
from mitate.server.records import Answer
from mitate.server.reports import Reports
from mitate.server.service_media import first_then_chunks
from mitate.server.streams import in_flight
from mitate.v1 import match_pb2, search_pb2, search_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
MAX_SIGNATURES = 4096
MAX_IN_FLIGHT = 4  # queries of one stream that are worked on at once
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
        answer = await self._picture(request.image, request.options)
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
        hits, diagnostics = await self._batch(request.signatures, request.options)
        return search_pb2.BatchSearchSignaturesResponse(hits=hits, diagnostics=diagnostics)

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
            lambda request: self._stream_item(request, options),
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
        wanted = translate.wanted(config.options)
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
            reports.cancelled.set()
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

    async def _picture(self, image: bytes, options: match_pb2.SearchOptions) -> Answer:
        self._check_picture(image)
        return await asyncio.to_thread(
            self._app.matcher.picture, image, translate.wanted(options), options.keep_borders
        )

    async def _batch(
        self, batch: search_pb2.SignatureBatch, options: match_pb2.SearchOptions
    ) -> tuple[search_pb2.HitColumns, match_pb2.Diagnostics]:
        layouts, wanted = layouts_of(batch), translate.wanted(options)
        started = time.perf_counter()
        answers = await asyncio.to_thread(self._app.matcher.signatures, layouts, wanted)
        timings_ms = {"total": (time.perf_counter() - started) * 1000}
        hits = translate.hit_columns(answers, wanted.k)
        generation = self._app.engine.generation
        return hits, translate.diagnostics(generation, timings_ms, len(layouts))

    async def _stream_item(
        self, request: search_pb2.StreamSearchRequest, options: match_pb2.SearchOptions
    ) -> search_pb2.StreamSearchResponse:
        answer = search_pb2.StreamSearchResponse(sequence=request.sequence)
        try:
            kind = request.WhichOneof("content")
            if kind == "signatures":
                hits, diagnostics = await self._batch(request.signatures, options)
            elif kind == "image":
                found = await self._picture(request.image, options)
                hits = translate.hit_columns([found], translate.top_k(options))
                diagnostics = self._diagnostics(found)
            else:
                raise InvalidArgument("after `config` every message holds `signatures` or `image`")
            answer.hits.CopyFrom(hits)
            answer.diagnostics.CopyFrom(diagnostics)
        except MitateError as error:
            answer.error.CopyFrom(translate.error_status(error))
        return answer
