"""What a server refuses for want of room, and what it tells about it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from conftest import Server, running
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from wire import Wire, refusal_of

from mitate.clients import Client
from mitate.kernels.errors import QuotaExceeded
from mitate.v1 import match_pb2
from mitate.v1 import search_pb2 as search

PER_S = 50  # signatures; ten times as many at once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    flags = ("--caller-signatures-per-s", str(PER_S), "--workers", "1", "--max-loop-lag-s", "60")
    with running(tmp_path_factory.mktemp("limits"), *flags) as server:
        yield server


def batch(n: int) -> search.SignatureBatch:
    layouts = np.random.default_rng(n).integers(0, 32, (n, 33), np.uint8)
    return search.SignatureBatch(type=search.SIGNATURE_TYPE_CLD_33, data=layouts.tobytes(), count=n)


def test_a_caller_over_its_quota_is_told_when_to_come_back(server: Server) -> None:
    wire = Wire(server.address)
    request = search.BatchSearchSignaturesRequest(signatures=batch(10 * PER_S))
    wire.call("SearchService/BatchSearchSignatures", request)
    request.signatures.CopyFrom(batch(PER_S))
    with pytest.raises(grpc.RpcError) as refused:
        wire.call("SearchService/BatchSearchSignatures", request)
    refusal = refusal_of(refused.value)
    assert (refusal.status, refusal.reason) == ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
    assert "caller_signatures_per_s" in refusal.message
    status, retry = rpc_status.from_call(refused.value), error_details_pb2.RetryInfo()
    assert status is not None and status.details[1].Unpack(retry)
    wait_s = retry.retry_delay.ToMilliseconds() / 1000
    assert 0 < wait_s <= 1
    time.sleep(wait_s + 0.05)
    wire.call("SearchService/BatchSearchSignatures", request)


def test_a_stream_over_its_quota_gets_the_error_in_its_place_and_lives_on(server: Server) -> None:
    wire = Wire(server.address)
    config = search.StreamSearchConfig(
        options=match_pb2.SearchOptions(priority=match_pb2.PRIORITY_INTERACTIVE)
    )
    answers = list(
        wire.messages(
            "SearchService/StreamSearch",
            search.StreamSearchRequest(config=config),
            *(search.StreamSearchRequest(sequence=i, signatures=batch(400)) for i in range(3)),
            search.StreamSearchRequest(sequence=3, signatures=batch(1)),
        )
    )
    assert {answer.sequence for answer in answers} == {0, 1, 2, 3}
    refused = [answer.error for answer in answers if answer.HasField("error")]
    assert refused and all(status.code == 8 for status in refused)
    assert any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in refused[0].details)


def test_the_client_knows_the_error_and_the_time(server: Server) -> None:
    layouts = np.zeros((4096, 33), np.uint8)
    with Client(server.address) as client, pytest.raises(QuotaExceeded) as refused:
        for _ in range(3):
            client.search_signatures(layouts)
    assert refused.value.retry_after_ms is not None and refused.value.retry_after_ms > 0
