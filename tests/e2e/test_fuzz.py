"""Any message at all, to any method: answered or refused in the tree of errors, never a defect.

MITATE_FUZZ_EXAMPLES sets how many; 300 take seconds, 60000 about ten minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from conftest import Server, running
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import Wire, methods, refusal_of

from mitate.v1 import search_pb2 as search

EXAMPLES = int(os.environ.get("MITATE_FUZZ_EXAMPLES", "300"))
PLANNED = {
    *("INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED"),
    *("FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"),
}
F = FieldDescriptor
INTEGERS = {
    F.TYPE_INT32: (-(2**31), 2**31 - 1),
    F.TYPE_UINT32: (0, 2**32 - 1),
    F.TYPE_INT64: (-(2**63), 2**63 - 1),
    F.TYPE_UINT64: (0, 2**64 - 1),
}
VALID = search.SignatureBatch(type=search.SIGNATURE_TYPE_CLD_33, count=2, data=bytes(66))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("fuzzed"), "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire(server.address)
    yield wire
    wire.channel.close()


def integers(low: int, high: int) -> st.SearchStrategy[int]:
    edges = st.sampled_from([low, -1 if low < 0 else 0, 0, 1, 2, 33, 100, 4096, high])
    return edges | st.integers(low, high)


def values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    """Values of a field, the likely wrong ones among them."""
    if field.type in INTEGERS:
        return integers(*INTEGERS[field.type])
    if field.type == F.TYPE_ENUM:
        return st.integers(-1, 9)
    if field.type in (F.TYPE_DOUBLE, F.TYPE_FLOAT):
        return st.floats(width=32)
    if field.type == F.TYPE_BOOL:
        return st.booleans()
    if field.type == F.TYPE_BYTES:
        return st.binary(max_size=200) | st.just(VALID.data)
    if field.type == F.TYPE_STRING:
        return st.text(max_size=60) | st.sampled_from(
            ["operations/x", "00000000-" * 4, "../../etc"]
        )
    assert field.message_type is not None
    return messages(field.message_type, depth + 1)


@st.composite
def messages(draw: st.DrawFn, descriptor: Descriptor, depth: int = 0) -> Any:
    """Messages of a type with some fields set."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if depth > 3 or not draw(st.booleans()):
            continue
        options = field.message_type.GetOptions() if field.message_type is not None else None
        if options is not None and options.map_entry:
            entries = draw(st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3))
            getattr(message, field.name).update(entries)
        elif field.is_repeated:
            found = draw(st.lists(values(field, depth), max_size=3))
            getattr(message, field.name).extend(found)
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(draw(values(field, depth)))
        else:
            setattr(message, field.name, draw(values(field, depth)))
    return message


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """A method, and the bytes of one request or of a stream of them, some of them changed."""
    name = draw(st.sampled_from(sorted(methods())))
    method = methods()[name]
    n = draw(st.integers(0, 4)) if method.client_streaming else 1
    found = []
    for _ in range(n):
        data = bytearray(draw(messages(method.input_type)).SerializeToString())
        if data and draw(st.integers(0, 4)) == 0:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        found.append(bytes(data))
    return name, found


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(request_=requests())
def test_any_request_is_answered_or_refused_as_planned(
    wire: Wire, request_: tuple[str, list[bytes]]
) -> None:
    name, sent = request_
    try:
        for _ in wire.messages(name, *sent):
            pass
    except grpc.RpcError as error:
        refusal = refusal_of(error)
        assert refusal.status in PLANNED and refusal.domain == "mitate", (name, refusal)


def test_the_server_is_well_after_all_of_it(server: Server, wire: Wire) -> None:
    request = search.BatchSearchSignaturesRequest(signatures=VALID)
    assert wire.call("SearchService/BatchSearchSignatures", request).hits.exact
    assert server.answers("stats")
