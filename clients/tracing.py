"""Traces of a program that uses OpenTelemetry: each exchange with a server becomes a span.

Without a program that has imported OpenTelemetry nothing is imported and nothing is done.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mitate.kernels.errors import MitateError

Metadata = tuple[tuple[str, str], ...]


@contextmanager
def exchange(method: str) -> Iterator[Metadata]:
    """Give the metadata that lets the server go on with the trace, inside a span of the method."""
    if "opentelemetry.trace" not in sys.modules:
        yield ()
        return
    from opentelemetry import propagate, trace

    span = trace.get_tracer("mitate.clients").start_span(method, kind=trace.SpanKind.CLIENT)
    carrier: dict[str, str] = {}
    propagate.inject(carrier, trace.set_span_in_context(span))
    try:
        yield tuple(carrier.items())
    except MitateError as error:
        span.set_status(trace.StatusCode.ERROR, error.reason)
        raise
    finally:
        span.end()
