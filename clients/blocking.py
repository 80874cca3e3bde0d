"""A connection whose calls block; runs flows."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from mitate.clients import tracing, transport
from mitate.clients.access import Access, AccessOptions
from mitate.clients.address import DEFAULT_ADDRESS, check_addresses
from mitate.clients.connection import Connection, check_feed
from mitate.clients.steps import Call, Flow, Local
from mitate.kernels.errors import MitateError, Overloaded

T = TypeVar("T")


class BlockingConnection(Connection):
    """Channels to one server or several; safe to use from several threads."""

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
        addresses = check_addresses(address)
        for one in addresses:
            credentials = shown.checked_credentials(one, credentials)
        self._channels = [
            grpc.insecure_channel(target, options)
            if credentials is None
            else grpc.secure_channel(target, credentials, options)
            for target, options in transport.targets(addresses, shown.options())
        ]
        super().__init__(address, self._channels, shown, timeout_s, work_timeout_s)

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
        for channel in self._channels:
            channel.close()

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
            return self._answer_when_free(step)
        last = None
        with closing(self._messages(step)) as messages:
            for last in messages:
                step.on_message(last)
        return last

    def _answer_when_free(self, call: Call) -> Any:
        """Call, and again where a busy server says when."""
        n_tries = 1
        while True:
            try:
                return self._answer(call)
            except Overloaded as error:
                pause_s = transport.pause_s(error, call.method, n_tries)
                if pause_s is None:
                    raise
                time.sleep(pause_s)
                n_tries += 1

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
