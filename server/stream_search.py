"""The messages of one StreamSearch: signatures and pictures, each to its answer or its error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import grpc

from mitate.kernels.codec import decode_rows
from mitate.kernels.errors import InvalidArgument, InvalidSignature, MitateError
from mitate.kernels.layout import Layouts
from mitate.kernels.signature import DESCRIPTOR_VERSION
from mitate.server import translate
from mitate.server.admission import PICTURE_SIGNATURES
from mitate.server.app import App
from mitate.server.batch_calls import Batched
from mitate.server.columns import columns_of
from mitate.server.matcher import Wanted
from mitate.server.records import Answer
from mitate.server.tickets import Priority
from mitate.server.translate_batch import stream_answer
from mitate.v1 import match_pb2, search_pb2

Context = grpc.aio.ServicerContext[Any, Any]
Response = search_pb2.StreamSearchResponse
MAX_SIGNATURES = 4096  # of one message
ROW_BYTES: dict[int, int] = {
    search_pb2.SIGNATURE_TYPE_CLD_33: 33,
    search_pb2.SIGNATURE_TYPE_CLD_35: 35,
}


class StreamOfSearches:
    """One stream. All its messages go with one ticket."""

    def __init__(self, app: App, options: match_pb2.SearchOptions, context: Context) -> None:
        self._app = app
        self._keep_borders = options.keep_borders
        wanted = translate.wanted(options)
        self.ticket = app.admission.ticket(context, 0, options.priority, Priority.BULK)
        self._wanted = replace(wanted, ticket=self.ticket)

    def answer(self, request: search_pb2.StreamSearchRequest) -> Awaitable[Response | bytes]:
        """Begin to answer a message; what is wrong with it is told in the answer."""
        kind = request.WhichOneof("content")
        if kind == "image":
            return self._picture(request.sequence, request.image)
        try:
            if kind != "signatures":
                raise InvalidArgument("after `config` every message holds `signatures` or `image`")
            layouts = layouts_of(request.signatures)
            self._app.admission.admit(self.ticket, len(layouts))
            pack: Callable[[Batched], Response | bytes] = partial(
                stream_answer, request.sequence, self._app.engine.generation
            )
            failed = partial(_failed, request.sequence)
            return self._app.batches.submit(layouts, self._wanted, pack, failed)
        except MitateError as error:
            done = asyncio.get_running_loop().create_future()
            done.set_result(_failed(request.sequence, error))
            return done

    async def _picture(self, sequence: int, image: bytes) -> Response:
        try:
            check_picture(self._app, image)
            self._app.admission.admit(self.ticket, PICTURE_SIGNATURES)
            found = await search_picture(self._app, image, self._wanted, self._keep_borders)
        except MitateError as error:
            return _failed(sequence, error)
        answer = Response(sequence=sequence)
        translate.fill_hits(answer.hits, columns_of([found], self._wanted.k))
        translate.fill_looks(answer.hits, found)
        generation = self._app.engine.generation
        translate.fill_diagnostics(answer.diagnostics, generation, found.timings_ms)
        return answer


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


def check_picture(app: App, image: bytes) -> None:
    """Raise InvalidArgument for a picture that is empty or too large."""
    limit = app.settings.max_picture_bytes
    if not 0 < len(image) <= limit:
        raise InvalidArgument(
            f"a picture of {len(image)} bytes; 1 to {limit} are allowed (max_picture_bytes)"
        )


async def search_picture(app: App, image: bytes, wanted: Wanted, keep_borders: bool) -> Answer:
    """Search a picture when its turn comes."""
    async with app.pictures.through(wanted.ticket, len(image)):
        return await asyncio.to_thread(app.matcher.picture, image, wanted, keep_borders)


def _failed(sequence: int, error: MitateError) -> Response:
    return Response(sequence=sequence, error=translate.error_status(error))
