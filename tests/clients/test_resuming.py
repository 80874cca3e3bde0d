"""Several servers, busy servers, and connections that break while a file is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from both import Awaited
from fake_server import FakeServer
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from mitate.clients.address import check_addresses
from mitate.clients.client import Client
from mitate.kernels.errors import InvalidArgument, QuotaExceeded
from mitate.v1 import media_pb2, media_pb2_grpc, search_pb2, search_pb2_grpc

LAYOUT = np.zeros((1, 33), np.uint8)
Make = Callable[..., Any]
Register = Callable[[Any, grpc.Server], None]


@pytest.fixture(params=["blocking", "asyncio"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes clients of either kind."""
    made: list[Any] = []

    def make(address: str) -> Any:
        options: dict[str, Any] = {"timeout_s": 10, "work_timeout_s": 20}
        kind = Client if request.param == "blocking" else Awaited
        made.append(kind(address, **options))
        return made[-1]

    yield make
    for client in made:
        client.close() if request.param == "blocking" else client.finish()


@contextmanager
def serving(register: Callable[[grpc.Server], None]) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(4))
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def test_searches_go_to_all_servers_and_the_rest_to_the_first(make: Make) -> None:
    servers = [FakeServer(), FakeServer()]
    client = make(",".join(server.address for server in servers))
    for _ in range(40):
        client.search_signatures(LAYOUT)
        client.titles()
    searches = "/mitate.v1.SearchService/BatchSearchSignatures"
    titles = "/mitate.v1.CatalogService/ListTitles"
    counts = [server.state.calls for server in servers]
    assert all(calls[searches] >= 10 for calls in counts)
    assert (counts[0][titles], counts[1][titles]) == (40, 0)
    for server in servers:
        server.stop()


def test_searches_go_on_when_one_of_several_servers_has_gone(make: Make) -> None:
    servers = [FakeServer(), FakeServer()]
    client = make(",".join(server.address for server in servers))
    client.search_signatures(LAYOUT)
    servers[1].stop()
    for _ in range(10):
        client.search_signatures(LAYOUT)
    servers[0].stop()


def test_every_one_of_several_addresses_is_checked() -> None:
    assert check_addresses("a:1, b:2") == ("a:1", "b:2")
    with pytest.raises(InvalidArgument, match="'b'"):
        check_addresses("a:1,b")


class Busy(search_pb2_grpc.SearchServiceServicer):
    """Refuses the first calls and says when to come back."""

    def __init__(self, n_refused: int, delay_ms: int) -> None:
        self.n_refused, self.delay_ms, self.n_calls = n_refused, delay_ms, 0

    def ComputeSignature(self, request: Any, context: Any) -> Any:
        self.n_calls += 1
        if self.n_calls <= self.n_refused:
            status = status_pb2.Status(code=8, message="too much")
            info = error_details_pb2.ErrorInfo(reason="QUOTA_EXCEEDED", domain="mitate")
            status.details.add().Pack(info)
            delay = Duration()
            delay.FromMilliseconds(self.delay_ms)
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            context.abort_with_status(rpc_status.to_status(status))
        return search_pb2.ComputeSignatureResponse(signature=bytes(33))


@pytest.mark.parametrize(
    ("n_refused", "delay_ms", "n_calls"), [(2, 20, 3), (9, 20, 4), (1, 60_000, 1)]
)
def test_a_busy_server_is_asked_again_when_it_says_but_not_for_ever(
    make: Make, n_refused: int, delay_ms: int, n_calls: int
) -> None:
    busy = Busy(n_refused, delay_ms)
    register: Register = search_pb2_grpc.add_SearchServiceServicer_to_server
    with serving(lambda server: register(busy, server)) as address:
        client = make(address)
        if n_refused < n_calls:
            assert client.compute_signature(b"\xff\xd8\xff").layout.shape == (33,)
        else:
            with pytest.raises(QuotaExceeded, match="too much") as refused:
                client.compute_signature(b"\xff\xd8\xff")
            assert refused.value.retry_after_ms == delay_ms
    assert busy.n_calls == n_calls


class Breaking(media_pb2_grpc.MediaServiceServicer):
    """Breaks off the first streams after one chunk each."""

    def __init__(self, n_broken: int) -> None:
        self.n_broken = n_broken
        self.content: dict[str, bytes] = {}
        self.n_received = 0

    def UploadMedia(self, requests: Any, context: Any) -> Any:
        start = next(requests).start
        held = self.content.setdefault(start.upload_id, b"")
        if start.offset_bytes != len(held):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{len(held)} bytes are there")
        for request in requests:
            self.content[start.upload_id] += request.chunk
            self.n_received += len(request.chunk)
            if self.n_broken:
                self.n_broken -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset")
        return self.GetUpload(start, context)

    def GetUpload(self, request: Any, context: Any) -> Any:
        held = self.content[request.upload_id]
        return media_pb2.Upload(
            upload_id=request.upload_id,
            size_bytes=len(held),
            sha256=hashlib.sha256(held).hexdigest(),
            complete=True,
        )


def test_an_upload_that_breaks_off_goes_on_where_it_was(make: Make, clip: Path) -> None:
    media = Breaking(n_broken=2)
    register: Register = media_pb2_grpc.add_MediaServiceServicer_to_server
    with serving(lambda server: register(media, server)) as address:
        sent = make(address).upload(clip)
    content = clip.read_bytes()
    assert sent.sha256 == hashlib.sha256(content).hexdigest()
    assert media.n_received == len(content)
