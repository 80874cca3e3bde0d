"""What happens around every call, in one place: identity, errors, audit, metrics.

A caller is recognised and its scope checked before the request is parsed. A MitateError becomes its
status with google.rpc.ErrorInfo; anything else is a defect: the log gets the traceback under an
incident id, the caller gets the id and INTERNAL. Health and reflection answer everybody.
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

from mitate.kernels.errors import (
    DeadlineExceeded,
    InternalError,
    InvalidArgument,
    MitateError,
    NotReady,
)
from mitate.server import metrics
from mitate.server.audit import AUDITED, Audit, described, ids_of
from mitate.server.authority import Authority, check_scope
from mitate.server.calls import CALL, REQUEST_ID, SERVER_TIMING, Call, request_id_of
from mitate.server.routes import Handler
from mitate.server.tracing import Tracing
from mitate.server.translate import error_status

log = logging.getLogger(__name__)
OURS = ("/mitate.", "/google.longrunning.")
FIRST_MESSAGE_S = 60.0  # a stream that is opened and says nothing
Context = grpc.aio.ServicerContext[Any, Any]
Parse = Callable[[Call, Any], Any]


class CallInterceptor:
    """Wraps the handler of every method of the contract.

    `n_active` counts calls that were taken and are not answered to the end.

    Args:
        authority: says who calls.
        audit: is told the calls that change something.
        tracing: makes a span of every call.
    """

    def __init__(self, authority: Authority, audit: Audit, tracing: Tracing | None = None) -> None:
        self._authority, self._audit, self._tracing = authority, audit, tracing
        self.gate = _closed  # raises NotReady while no calls are taken
        self._idle = asyncio.Event()
        self._idle.set()
        self.n_active = 0

    async def idle(self) -> None:
        """Wait until no call is under way."""
        await self._idle.wait()

    def wrap(self, handler: Handler, method: str) -> Handler:
        """Return the handler of a method of the contract wrapped, any other as it is."""
        if not method.startswith(OURS):
            return handler
        parse = _parser(handler.request_deserializer, self._take, many=handler.request_streaming)
        kinds: tuple[tuple[str, Callable[..., Any]], ...] = (
            ("unary_unary", self._answer_once),
            ("stream_unary", self._answer_once),
            ("unary_stream", self._answer_many),
            ("stream_stream", self._answer_many),
        )
        for kind, wrap in kinds:
            behaviour = getattr(handler, kind)
            if behaviour is not None:
                return getattr(grpc, f"{kind}_rpc_method_handler")(
                    wrap(behaviour, parse, method),
                    request_deserializer=None,
                    response_serializer=_serializer(handler.response_serializer),
                )
        return handler

    def _answer_once(
        self, behaviour: Callable[..., Awaitable[Any]], parse: Parse, method: str
    ) -> Callable[..., Any]:
        async def run(request: Any, context: Context) -> Any:
            call, authorization = self._open(method, context)
            try:
                self._admit(call, authorization, context)
                answer = await behaviour(parse(call, request), context)
                if method in AUDITED:
                    call.result = ids_of(answer)
                call.code = "OK"
                return answer
            except Exception as error:  # noqa: BLE001 - the outermost layer
                await _fail(call, context, error)
            finally:
                self._close(call, context)

        return run

    def _answer_many(
        self, behaviour: Callable[..., AsyncIterator[Any]], parse: Parse, method: str
    ) -> Callable[..., Any]:
        async def run(request: Any, context: Context) -> AsyncIterator[Any]:
            call, authorization = self._open(method, context)
            try:
                self._admit(call, authorization, context)
                async for message in behaviour(parse(call, request), context):
                    yield message
                call.code = "OK"
            except Exception as error:  # noqa: BLE001 - the outermost layer
                await _fail(call, context, error)
            finally:
                self._close(call, context)

        return run

    def _open(self, method: str, context: Context) -> tuple[Call, str | None]:
        given: dict[str, Any] = dict(context.invocation_metadata() or ())
        call = Call(method, request_id_of(given.get(REQUEST_ID)), context.peer)
        CALL.set(call)
        if self._tracing is not None:
            self._tracing.begin(call, given)
        return call, given.get("authorization")

    def _admit(self, call: Call, authorization: str | None, context: Context) -> None:
        self.gate()
        call.caller = self._authority.caller(authorization, context.auth_context)
        check_scope(call.caller, call.method)

    def _take(self, call: Call) -> None:
        """Count a call whose request is there; a stream that says nothing holds up no stop."""
        self.gate()
        call.taken = True
        self.n_active += 1
        self._idle.clear()

    def _close(self, call: Call, context: Context) -> None:
        self.n_active -= call.taken
        if not self.n_active:
            self._idle.set()
        metrics.call_ended(call.method, call.code, call.reason, call.elapsed_ms / 1000)
        if call.code == "OK":
            context.set_trailing_metadata(_trailing(call))
        if self._tracing is not None:
            self._tracing.end(call)
        if self._audit.wants(call):
            self._audit.write(call)
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "call done method=%s code=%s caller=%s ms=%.1f",
                *(call.method, call.code, call.caller.name, call.elapsed_ms),
            )


def _closed() -> None:
    raise NotReady("the server is starting; try again in a moment")


def _trailing(call: Call) -> tuple[tuple[str, str], ...]:
    stages = (f"{name};dur={ms:.3f}" for name, ms in tuple(call.stages_ms.items()))
    timing = ", ".join((*stages, f"total;dur={call.elapsed_ms:.3f}"))
    return ((REQUEST_ID, call.request_id), (SERVER_TIMING, timing))


async def _fail(call: Call, context: Context, error: Exception) -> NoReturn:
    """End a call that raised by the status of its error."""
    if isinstance(error, grpc.aio.AbortError):
        call.code = "UNKNOWN"
        raise error
    known = error if isinstance(error, MitateError) else InternalError()
    call.code, call.reason = known.status, known.reason
    incident = ""
    if known is not error:
        incident = uuid.uuid4().hex[:12]
        log.error("call failed method=%s incident=%s", call.method, incident, exc_info=error)
    status = rpc_status.to_status(error_status(error, incident))
    trailing = (*(status.trailing_metadata or ()), *_trailing(call))
    await context.abort(status.code, status.details, trailing)
    raise AssertionError("abort returns to nobody")


async def _first(source: AsyncIterator[bytes], call: Call) -> bytes | None:
    try:
        async with asyncio.timeout(FIRST_MESSAGE_S):
            return await anext(source, None)
    except TimeoutError:
        raise DeadlineExceeded(
            f"no message has come on {call.method} for {FIRST_MESSAGE_S:g} s, the limit for the "
            "first one"
        ) from None


def _parse(deserialize: Callable[[bytes], Any], data: bytes, call: Call) -> Any:
    try:
        message = deserialize(data)
    except DecodeError:
        raise InvalidArgument(
            f"{len(data)} bytes are not a message that {call.method} takes; see its definition"
        ) from None
    if call.method in AUDITED and not call.target:
        call.target = described(message)
    return message


def _parser(
    deserialize: Callable[[bytes], Any] | None, take: Callable[[Call], None], *, many: bool
) -> Parse:
    """Return what turns the bytes of a request, or of a stream of them, into messages."""
    parse = deserialize or bytes

    async def each(call: Call, requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        source = aiter(requests)
        data = await _first(source, call)
        take(call)
        while data is not None:
            yield _parse(parse, data, call)
            data = await anext(source, None)

    def one(call: Call, data: bytes) -> Any:
        take(call)
        return _parse(parse, data, call)

    return each if many else one


def _serializer(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Return what makes the bytes of an answer, which some methods have made already."""

    def run(answer: Any) -> bytes:
        return answer if isinstance(answer, bytes) else serialize(answer)

    return run
