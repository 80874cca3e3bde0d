"""Traces by OpenTelemetry: one span for a call, one for each of its stages, sent over OTLP.

Made by hand, since grpcio-observability makes a grpc.aio server hang. A call goes on with the
trace that its caller names in `traceparent`; without one a share of the calls begin a trace. The
packages are those of the extra `tracing` and are imported only where traces are asked for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from mitate.kernels.errors import SettingsError
from mitate.server.calls import Call
from mitate.server.settings import Settings

FLUSH_MS = 5000  # in which the last spans are sent when the server stops


class Tracing:
    """Makes the spans of calls.

    Raises:
        SettingsError: the extra `tracing` is not installed.
    """

    def __init__(self, endpoint: str, share: float) -> None:
        try:
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise SettingsError(
                "trace_endpoint needs OpenTelemetry; install mitate[tracing]"
            ) from error
        self._trace = trace
        resource = Resource.create({"service.name": "mitate", "service.version": version("mitate")})
        self._provider = TracerProvider(
            resource=resource, sampler=ParentBased(TraceIdRatioBased(share))
        )
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mitate.server")
        self._propagator = TraceContextTextMapPropagator()
        self._epoch_ns = time.time_ns() - time.perf_counter_ns()

    def begin(self, call: Call, metadata: Mapping[str, Any]) -> None:
        """Begin the span of a call, with that of its caller above it."""
        carrier = {key: metadata[key] for key in ("traceparent", "tracestate") if key in metadata}
        span = self._tracer.start_span(
            call.method.lstrip("/"),
            context=self._propagator.extract(carrier),
            kind=self._trace.SpanKind.SERVER,
            start_time=self._ns(call.started),
        )
        call.trace_id = self._trace.format_trace_id(span.get_span_context().trace_id)
        if span.is_recording():
            call.span = span

    def end(self, call: Call) -> None:
        """End the span of a call, with its stages below it."""
        span = call.span
        if span is None:
            return
        context = self._trace.set_span_in_context(span)
        for name, started_s, ended_s in call.stages:
            stage = self._tracer.start_span(name, context, start_time=self._ns(started_s))
            stage.end(self._ns(ended_s))
        service, _, method = call.method.lstrip("/").rpartition("/")
        span.set_attributes(
            {
                "rpc.system": "grpc",
                "rpc.service": service,
                "rpc.method": method,
                "rpc.grpc.status": call.code,
                "mitate.reason": call.reason,
                "mitate.request_id": call.request_id,
                "enduser.id": call.caller.name,
            }
        )
        if call.code in ("INTERNAL", "UNKNOWN", "DATA_LOSS"):
            span.set_status(self._trace.StatusCode.ERROR, call.reason)
        span.end()

    def close(self) -> None:
        """Send what is left; blocks."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()

    def _ns(self, perf_counter_s: float) -> int:
        return self._epoch_ns + int(perf_counter_s * 1e9)


def make_tracing(settings: Settings) -> Tracing | None:
    """Return what traces calls, None where that is not asked for."""
    if not settings.trace_endpoint:
        return None
    return Tracing(settings.trace_endpoint, settings.trace_share)
