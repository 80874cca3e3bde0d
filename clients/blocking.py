"""A connection whose calls block; runs flows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from mitate.clients import tracing, transport
from mitate.clients.access import Access, AccessOptions
from mitate.clients.address import DEFAULT_ADDRESS, check_address
from mitate.clients.connection import Connection, check_feed
from mitate.clients.steps import Call, Flow, Local
from mitate.kernels.errors import MitateError

T = TypeVar("T")


class BlockingConnection(Connection):
    """A channel to one server; safe to use from several threads."""

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout_s: float = transport.TIMEOUT_S,
        work_timeout_s: float = transport.WORK_TIMEOUT_S,
        credentials: grpc.ChannelCredentials | None = None,
        **access: Unpack[AccessOptions],
    ) -> None:
        shown = Access(**access)
        options = transport.channel_options(check_address(address)) + shown.options()
        credentials = shown.checked_credentials(address, credentials)
        if credentials is None:
            self._channel = grpc.insecure_channel(address, options)
        else:
            self._channel = grpc.secure_channel(address, credentials, options)
        super().__init__(address, self._channel, shown, timeout_s, work_timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls under way end as cancelled."""
        self._closed = True
        self._channel.close()

    def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    reply = self._perform(step)
                except MitateError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _perform(self, step: Call | Local) -> Any:
        if isinstance(step, Local):
            return step.work()
        if step.on_message is None:
            return self._answer(step)
        last = None
        with closing(self._messages(step)) as messages:
            for last in messages:
                step.on_message(last)
        return last

    def _answer(self, call: Call) -> Any:
        with tracing.exchange(call.method) as traced:
            try:
                answer = self._method(call)(call.request, **self._with(call, traced))
            except grpc.RpcError as error:
                raise self._error(call, error) from error
            check_feed(call)
            return answer

    def _messages(self, call: Call) -> Generator[Any, None, None]:
        with tracing.exchange(call.method) as traced:
            stream = self._method(call)(call.request, **self._with(call, traced))
            try:
                yield from stream
            except grpc.RpcError as error:
                raise self._error(call, error) from error
            finally:
                stream.cancel()
            check_feed(call)
