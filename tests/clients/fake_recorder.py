"""Counts the calls of a fake server and lets them fail."""

from __future__ import annotations

from typing import Any

import grpc
from fake_answers import State, status_of
from grpc_status import rpc_status

from mitate.kernels.errors import MitateError


class Recorder(grpc.ServerInterceptor):
    """Counts calls, fails those that a test wants to fail, and turns errors into statuses."""

    def __init__(self, state: State) -> None:
        self.state = state

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = continuation(details)
        if handler is None:
            return None
        many = handler.response_streaming
        kind = (
            f"{'stream' if handler.request_streaming else 'unary'}_{'stream' if many else 'unary'}"
        )
        inner = getattr(handler, kind)
        method = details.method

        def begin(request: Any, context: Any) -> None:
            with self.state.lock:
                self.state.calls[method] += 1
                self.state.requests.setdefault(method, []).append((request, context))
            if method != "/mitate.v1.ScanService/WatchScan":
                self.state.fail(method, context)

        def one(request: Any, context: Any) -> Any:
            begin(request, context)
            try:
                return inner(request, context)
            except MitateError as error:
                context.abort_with_status(rpc_status.to_status(status_of(error)))

        def stream(request: Any, context: Any) -> Any:
            begin(request, context)
            try:
                yield from inner(request, context)
            except MitateError as error:
                context.abort_with_status(rpc_status.to_status(status_of(error)))

        return getattr(grpc, f"{kind}_rpc_method_handler")(
            stream if many else one,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
