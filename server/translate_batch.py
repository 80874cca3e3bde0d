"""Answers to signatures, written as the bytes of their messages.

An answer to 256 signatures holds 100 kB of columns. Put into a message that is then serialised they
are copied four times, and nothing else runs meanwhile; here they are copied once. What is small is
left to Protocol Buffers: the bytes of a message may be followed by those of more of its fields,
each with its key (number and wire type) and its length before it.
"""

from __future__ import annotations

from google.protobuf.message import Message

from mitate.server.batch_calls import Batched
from mitate.server.columns import ARRAYS
from mitate.server.translate import entry, fill_diagnostics, fill_hits
from mitate.v1 import search_pb2

Answer = search_pb2.StreamSearchResponse | search_pb2.BatchSearchSignaturesResponse
MANY = 32  # queries from which on copies cost more than fields written one by one
_LENGTH_DELIMITED = 2  # wire type


def _key(message: type[Message], field: str) -> bytes:
    return bytes([message.DESCRIPTOR.fields_by_name[field].number << 3 | _LENGTH_DELIMITED])


_COLUMNS = [(name, _key(search_pb2.HitColumns, name)) for name in ARRAYS if name != "exact"]
_IN_STREAM = _key(search_pb2.StreamSearchResponse, "hits")
_IN_BATCH = _key(search_pb2.BatchSearchSignaturesResponse, "hits")


def stream_answer(sequence: int, generation: int, batched: Batched) -> bytes:
    """Return the StreamSearchResponse to one message."""
    answer = search_pb2.StreamSearchResponse(sequence=sequence)
    fill_diagnostics(answer.diagnostics, generation, stages_ms(batched), batched.n_batched)
    return _with_hits(answer, _IN_STREAM, batched)


def batch_answer(generation: int, batched: Batched) -> bytes:
    """Return the BatchSearchSignaturesResponse to one call."""
    answer = search_pb2.BatchSearchSignaturesResponse()
    fill_diagnostics(answer.diagnostics, generation, stages_ms(batched), batched.n_batched)
    return _with_hits(answer, _IN_BATCH, batched)


def stages_ms(batched: Batched) -> dict[str, float]:
    """Return how long the stages of an answer took."""
    return {"queue": batched.queue_ms, "search": batched.search_ms}


def _with_hits(answer: Answer, key: bytes, batched: Batched) -> bytes:
    columns = batched.columns
    if columns.n_queries < MANY:
        fill_hits(answer.hits, columns)
        return answer.SerializeToString()
    hits = search_pb2.HitColumns(
        top_k=columns.episode_indexes.shape[1],
        episodes=[entry(names) for names in columns.episodes],
        exact=bool(columns.exact.all()),
    )
    parts: list[bytes | memoryview] = [hits.SerializeToString()]
    length = len(parts[0])
    for name, its_key in _COLUMNS:
        array = getattr(columns, name)
        if n_bytes := array.nbytes:
            before = its_key + varint(n_bytes)
            parts += (before, array.data)
            length += len(before) + n_bytes
    return b"".join((answer.SerializeToString(), key, varint(length), *parts))


def varint(number: int) -> bytes:
    """Return a number as Protocol Buffers write it: 7 bits a byte, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
