"""Requests that mean harm: each is refused precisely, and the server answers others as before."""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest
from bad_requests import ARGUMENT, MEDIA, SIGNATURE, a_picture
from conftest import Server, running
from google.protobuf.message import Message
from wire import Wire, refusal_of

from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import match_pb2 as match
from mitate.v1 import media_pb2 as media
from mitate.v1 import search_pb2 as search

MIB = 1 << 20
LIMIT_BYTES = 64 * MIB  # max_message_bytes
Send: TypeAlias = "grpc.UnaryUnaryMultiCallable[bytes, bytes]"
BATCH: dict[str, Any] = {"type": search.SIGNATURE_TYPE_CLD_33, "count": 1, "data": bytes(33)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    flags = ("--workers", "1", "--upload-stall-s", "2")
    with running(tmp_path_factory.mktemp("attacked"), *flags) as server:
        yield server


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    """A channel to the server, which has to be well and not much larger afterwards."""
    wire = Wire(server.address)
    wire.call("SearchService/SearchImage", search.SearchImageRequest(image=a_picture()))
    before = peak_bytes(server)
    yield wire
    started = time.monotonic()
    wire.call("SearchService/SearchImage", search.SearchImageRequest(image=a_picture()))
    assert time.monotonic() - started < 10
    assert peak_bytes(server) - before < 3 * LIMIT_BYTES
    assert server.process.poll() is None
    wire.channel.close()


def peak_bytes(server: Server) -> int:
    """Largest memory that the server has used so far."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def options(**fields: Any) -> search.BatchSearchSignaturesRequest:
    return search.BatchSearchSignaturesRequest(
        signatures=search.SignatureBatch(**BATCH), options=match.SearchOptions(**fields)
    )


def batch(**fields: Any) -> search.BatchSearchSignaturesRequest:
    return search.BatchSearchSignaturesRequest(signatures=search.SignatureBatch(**(BATCH | fields)))


def bomb(width: int, height: int) -> bytes:
    """A PNG of one colour that is small as a file and large as a picture."""
    packer, line = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


NESTED = b"\x0b" * 50_000  # groups in groups
ABSURD: dict[str, tuple[str, Message | bytes, tuple[str, str], str]] = {
    "four billion matches": (
        "SearchService/BatchSearchSignatures",
        options(top_k=2**32 - 1),
        ARGUMENT,
        "4294967295; 1 to 100",
    ),
    "four billion signatures": (
        "SearchService/BatchSearchSignatures",
        batch(count=2**32 - 1),
        ARGUMENT,
        "4294967295; 1 to 4096",
    ),
    "a million ids": (
        "SearchService/BatchSearchSignatures",
        options(title_ids=range(1, 1_000_001)),
        ARGUMENT,
        "title_ids has 1000000 ids; at most 10000",
    ),
    "a version of a megabyte, in letters of four bytes": (
        "SearchService/BatchSearchSignatures",
        batch(descriptor_version="𝄞" * (MIB // 4)),
        SIGNATURE,
        "descriptor_version",
    ),
    "a version of a megabyte": (
        "SearchService/BatchSearchSignatures",
        batch(descriptor_version="x" * MIB),
        SIGNATURE,
        "descriptor_version",
    ),
    "a title of ten megabytes": (
        "CatalogService/CreateTitle",
        catalog.CreateTitleRequest(title=catalog.Title(name="x" * 10 * MIB)),
        ARGUMENT,
        "500",
    ),
    "a hundred thousand references": (
        "CatalogService/CreateTitle",
        catalog.CreateTitleRequest(
            title=catalog.Title(name="x", refs={f"p{i}": "1" for i in range(100_000)})
        ),
        ARGUMENT,
        "64",
    ),
    "the largest id": (
        "CatalogService/GetTitle",
        catalog.GetTitleRequest(title_id=2**63 - 1),
        ("NOT_FOUND", "NOT_FOUND"),
        "9223372036854775807",
    ),
    "an upload of eight exabytes": (
        "MediaService/UploadMedia",
        media.UploadMediaRequest(start=media.UploadStart(file_name="a", total_bytes=2**63 - 1)),
        ARGUMENT,
        "max_upload_bytes",
    ),
    "groups in groups": ("CatalogService/CreateTitle", NESTED, ARGUMENT, "are not a message"),
    "a length beyond the end": (
        "CatalogService/CreateTitle",
        b"\x0a\xff\xff\xff\xff\x07",
        ARGUMENT,
        "6 bytes are not a message",
    ),
    "text that is no UTF-8": (
        "CatalogService/CreateTitle",
        b"\x0a\x03\x12\x01\xff",
        ARGUMENT,
        "5 bytes are not a message",
    ),
    "a picture of two billion points": (
        "SearchService/SearchImage",
        search.SearchImageRequest(image=bomb(50_000, 50_000)),
        MEDIA,
        "2500000000 pixels; the limit is 67108864",
    ),
    "a picture over the limit": (
        "SearchService/SearchImage",
        search.SearchImageRequest(image=bytes(26_000_000)),
        ARGUMENT,
        "max_picture_bytes",
    ),
}


def shortened(text: str) -> str:
    return text if len(text) < 300 else text[:300] + "…"


@pytest.mark.parametrize("what", sorted(ABSURD))
def test_absurd_requests_are_refused_with_the_limit_in_the_text(wire: Wire, what: str) -> None:
    method, request, expected, text = ABSURD[what]
    refusal = wire.refusal(method, request)
    assert (refusal.status, refusal.reason) == expected, shortened(refusal.message)
    assert text in refusal.message, shortened(refusal.message)
    assert len(refusal.message) <= 1501


def test_a_message_over_the_limit_is_refused_by_its_size(wire: Wire) -> None:
    refusal = wire.refusal(
        "SearchService/SearchImage", search.SearchImageRequest(image=bytes(LIMIT_BYTES + 1))
    )
    assert refusal.status == "RESOURCE_EXHAUSTED"
    assert str(LIMIT_BYTES) in refusal.message


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_compressed_bomb_is_refused_before_it_is_unpacked_whole(
    wire: Wire, compression: grpc.Compression
) -> None:
    send: Send = wire.channel.unary_unary("/mitate.v1.SearchService/SearchImage")
    with pytest.raises(grpc.RpcError) as caught:
        send(b"\x0a" + b"\0" * (6 * LIMIT_BYTES), timeout=60, compression=compression)
    refusal = refusal_of(caught.value)
    assert refusal.status in ("RESOURCE_EXHAUSTED", "INTERNAL"), refusal


def test_callers_who_say_nothing_hold_nothing_up(wire: Wire, server: Server) -> None:
    start = media.UploadMediaRequest(start=media.UploadStart(file_name="a", total_bytes=1 << 20))
    drip = media.UploadMediaRequest(chunk=b"x")
    ended: list[str] = []

    def loris() -> Iterator[Message]:
        yield start
        yield drip
        time.sleep(8)
        yield drip

    def upload() -> None:
        slow = Wire(server.address)
        try:
            list(slow.messages("MediaService/UploadMedia", given=loris()))
        except grpc.RpcError as error:
            ended.append(refusal_of(error).message)
        slow.channel.close()

    threads = [threading.Thread(target=upload) for _ in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    started = time.monotonic()
    for _ in range(5):
        wire.call("SearchService/SearchImage", search.SearchImageRequest(image=a_picture()))
    assert time.monotonic() - started < 10
    for thread in threads:
        thread.join(60)
    assert len(ended) == 40
    assert all("no chunk has come for 2 s, the limit (upload_stall_s)" in text for text in ended)
    assert not list((server.data / "uploads").iterdir())


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # TLS to plain text
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 4096,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + zlib.compress(os.urandom(1 << 16)),
        b"",
    ],
)
def test_what_is_not_grpc_is_dropped(wire: Wire, server: Server, garbage: bytes) -> None:
    host, port = server.address.split(":")
    sockets = [socket.create_connection((host, int(port)), timeout=10) for _ in range(50)]
    for one in sockets:
        one.sendall(garbage)
    wire.call("SearchService/SearchImage", search.SearchImageRequest(image=a_picture()))
    for one in sockets:
        one.close()


def test_random_bytes_never_break_a_method(wire: Wire) -> None:
    chance = random.Random(7)
    send: Send = wire.channel.unary_unary("/mitate.v1.SearchService/BatchSearchSignatures")
    valid = batch().SerializeToString()
    for _ in range(500):
        data = bytearray(valid if chance.random() < 0.7 else chance.randbytes(80))
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            send(bytes(data), timeout=10)
        except grpc.RpcError as error:
            refusal = refusal_of(error)
            assert refusal.status == "INVALID_ARGUMENT" and refusal.domain == "mitate", refusal
