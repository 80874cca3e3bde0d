"""Many descriptors in one message, and the items of a stream of searches."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

import numpy.typing as npt

from mitate.clients import columns
from mitate.clients.columns import ComputedSignature, Hits, StreamAnswer
from mitate.clients.media import picture_bytes
from mitate.clients.results import SearchOptions
from mitate.clients.steps import Call, Flow
from mitate.clients.transport import status_error
from mitate.v1 import search_pb2

StreamItem = npt.NDArray[Any] | bytes | str | os.PathLike[str]


def search_signatures(layouts: npt.ArrayLike, options: SearchOptions | None) -> Flow[Hits]:
    """Search 1 to 4096 descriptors at once."""
    request = columns.batch_request(layouts, options)
    reply = yield Call("SearchService/BatchSearchSignatures", request)
    return columns.hits(reply.hits)


def compute_signature(
    picture: str | os.PathLike[str] | bytes, keep_borders: bool
) -> Flow[ComputedSignature]:
    """Have the server make the signature of a picture."""
    request = search_pb2.ComputeSignatureRequest(
        image=picture_bytes(picture),
        type=search_pb2.SIGNATURE_TYPE_CLD_33,
        keep_borders=keep_borders,
    )
    reply = yield Call("SearchService/ComputeSignature", request)
    return columns.computed_signature(reply)


def stream_requests(
    items: Iterable[StreamItem], options: SearchOptions | None, preserve_order: bool
) -> Iterator[search_pb2.StreamSearchRequest]:
    """Build the messages of a stream of searches; items are numbered from 0 on."""
    yield columns.stream_start(options, preserve_order)
    for sequence, item in enumerate(items):
        yield stream_request(sequence, item)


async def stream_requests_async(
    items: AsyncIterable[StreamItem], options: SearchOptions | None, preserve_order: bool
) -> AsyncIterator[search_pb2.StreamSearchRequest]:
    """Build the same messages from items that are waited for."""
    yield columns.stream_start(options, preserve_order)
    sequence = 0
    async for item in items:
        yield stream_request(sequence, item)
        sequence += 1


def stream_request(sequence: int, item: StreamItem) -> search_pb2.StreamSearchRequest:
    """Build the message of one item: descriptors, or a picture by its path or content."""
    if isinstance(item, bytes | str | os.PathLike):
        return search_pb2.StreamSearchRequest(sequence=sequence, image=picture_bytes(item))
    batch = columns.signature_batch(item)
    return search_pb2.StreamSearchRequest(sequence=sequence, signatures=batch)


def stream_answer(message: search_pb2.StreamSearchResponse) -> StreamAnswer:
    """Read the answer to one item."""
    if message.HasField("error"):
        return StreamAnswer(message.sequence, None, status_error(message.error))
    return StreamAnswer(message.sequence, columns.hits(message.hits))
