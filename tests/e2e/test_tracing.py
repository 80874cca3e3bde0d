"""Traces from a client through the queue to the index, as a collector sees them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from conftest import Server, running
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1 import (
    trace_service_pb2,
    trace_service_pb2_grpc,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mitate.clients import Client
from mitate.kernels.errors import NotFound

LAYOUTS = np.full((4, 33), 16, np.uint8)


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the spans that it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self._lock = threading.Lock()

    def Export(self, request: Any, context: Any) -> Any:
        with self._lock:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    self.spans += scope.spans
        return trace_service_pb2.ExportTraceServiceResponse()

    def of(self, trace_id: int, n: int) -> dict[str, Any]:
        """The spans of a trace by name, once there are so many."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = [s for s in self.spans if int.from_bytes(s.trace_id, "big") == trace_id]
            if len(found) >= n:
                return {span.name: span for span in found}
            time.sleep(0.1)
        raise AssertionError([span.name for span in self.spans])


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, str]]:
    servicer, server = Collector(), grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"http://127.0.0.1:{port}"
    server.stop(0).wait()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, collector: tuple[Collector, str]
) -> Iterator[Server]:
    flags = ("--trace-endpoint", collector[1], "--trace-share", "0", "--log-format", "json")
    folder: Path = tmp_path_factory.mktemp("traced")
    with running(folder, "--workers", "1", "--log-level", "debug", *flags) as server:
        yield server


@pytest.fixture(scope="module")
def exported() -> InMemorySpanExporter:
    """The spans of this program, which uses OpenTelemetry."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


def test_a_search_is_one_trace_from_client_to_index(
    server: Server, collector: tuple[Collector, str], exported: InMemorySpanExporter
) -> None:
    with (
        Client(server.address) as client,
        trace.get_tracer("program").start_as_current_span("program") as program,
    ):
        client.search_signatures(LAYOUTS)
    trace_id = program.get_span_context().trace_id
    spans = collector[0].of(trace_id, 3)
    mine = {span.name: span for span in exported.get_finished_spans()}
    called = mine["SearchService/BatchSearchSignatures"]
    assert called.parent is not None and called.parent.span_id == mine["program"].context.span_id
    served = spans["mitate.v1.SearchService/BatchSearchSignatures"]
    assert int.from_bytes(served.parent_span_id, "big") == called.context.span_id
    for stage in ("queue", "search"):
        assert spans[stage].parent_span_id == served.span_id
        assert served.start_time_unix_nano <= spans[stage].start_time_unix_nano
        assert spans[stage].end_time_unix_nano <= served.end_time_unix_nano
    assert abs(served.start_time_unix_nano / 1e9 - time.time()) < 60
    attributes = {a.key: a.value.string_value for a in served.attributes}
    assert attributes["rpc.grpc.status"] == "OK" and attributes["enduser.id"] == "anonymous"


def test_a_failed_call_tells_its_reason(
    server: Server, collector: tuple[Collector, str], exported: InMemorySpanExporter
) -> None:
    with (
        Client(server.address) as client,
        trace.get_tracer("program").start_as_current_span("fails") as program,
        pytest.raises(NotFound),
    ):
        client.title(99)
    spans = collector[0].of(program.get_span_context().trace_id, 1)
    attributes = {
        a.key: a.value.string_value for a in spans["mitate.v1.CatalogService/GetTitle"].attributes
    }
    assert attributes["mitate.reason"] == "NOT_FOUND"


def test_a_call_without_a_trace_begins_none_where_the_share_is_zero(
    server: Server, collector: tuple[Collector, str], exported: InMemorySpanExporter
) -> None:
    channel = grpc.insecure_channel(server.address)
    before = len(collector[0].spans)
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
        "/mitate.v1.CatalogService/GetStats"
    )
    call(b"", timeout=10)
    channel.close()
    time.sleep(6)  # longer than spans are held back
    assert len(collector[0].spans) == before
