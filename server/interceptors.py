"""Errors to gRPC statuses, in one place for every method.

A MitateError becomes its status with google.rpc.ErrorInfo; anything else is a defect: the log gets
the traceback under an incident id, the caller gets the id and INTERNAL.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from mitate.kernels.errors import InvalidArgument, MitateError
from mitate.server.translate import error_status

log = logging.getLogger(__name__)
OURS = ("/mitate.", "/google.longrunning.")
Context = grpc.aio.ServicerContext[Any, Any]


async def _abort(context: Context, error: Exception, method: str) -> NoReturn:
    incident = ""
    if not isinstance(error, MitateError):
        incident = uuid.uuid4().hex[:12]
        log.error("call failed method=%s incident=%s", method, incident, exc_info=error)
    await context.abort_with_status(rpc_status.to_status(error_status(error, incident)))
    raise AssertionError("abort returns to nobody")


def _parse(deserialize: Callable[[bytes], Any], data: bytes, method: str) -> Any:
    try:
        return deserialize(data)
    except DecodeError:
        raise InvalidArgument(
            f"{len(data)} bytes are not a message that {method} takes; see its definition"
        ) from None


def _parser(
    deserialize: Callable[[bytes], Any] | None, method: str, *, many: bool
) -> Callable[[Any], Any]:
    """Return what turns the bytes of a request, or of a stream of them, into messages."""
    if deserialize is None:
        return lambda request: request

    async def each(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for data in requests:
            yield _parse(deserialize, data, method)

    return each if many else lambda data: _parse(deserialize, data, method)


def _answer_once(
    behaviour: Callable[..., Awaitable[Any]], parse: Callable[[Any], Any], method: str
) -> Callable[..., Any]:
    async def call(request: Any, context: Context) -> Any:
        try:
            return await behaviour(parse(request), context)
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the outermost layer
            await _abort(context, error, method)

    return call


def _answer_many(
    behaviour: Callable[..., AsyncIterator[Any]], parse: Callable[[Any], Any], method: str
) -> Callable[..., Any]:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:
        try:
            async for message in behaviour(parse(request), context):
                yield message
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the outermost layer
            await _abort(context, error, method)

    return call


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler so that errors leave as statuses."""

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the handler, wrapped."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        method = str(handler_call_details.method)
        kinds: tuple[tuple[str, Callable[..., Any]], ...] = (
            ("unary_unary", _answer_once),
            ("stream_unary", _answer_once),
            ("unary_stream", _answer_many),
            ("stream_stream", _answer_many),
        )
        for kind, wrap in kinds:
            behaviour = getattr(handler, kind)
            if behaviour is not None and method.startswith(OURS):
                parse = _parser(
                    handler.request_deserializer, method, many=handler.request_streaming
                )
                return getattr(grpc, f"{kind}_rpc_method_handler")(  # type: ignore[no-any-return]
                    wrap(behaviour, parse, method),
                    request_deserializer=None,
                    response_serializer=handler.response_serializer,
                )
        return handler
