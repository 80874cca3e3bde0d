"""A connection whose calls are awaited; runs the same flows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from mitate.clients import tracing, transport
from mitate.clients.access import Access, AccessOptions
from mitate.clients.address import DEFAULT_ADDRESS, check_addresses
from mitate.clients.aio_status import Ending
from mitate.clients.connection import Connection, check_feed
from mitate.clients.steps import Call, Feed, Flow, Local
from mitate.kernels.errors import MitateError, Overloaded

T = TypeVar("T")
_END = object()


class AwaitingConnection(Connection):
    """A channel to one server, for one running event loop, in which it is to be made."""

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
            grpc.aio.insecure_channel(target, options)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials, options)
            for target, options in transport.targets(addresses, shown.options())
        ]
        super().__init__(address, self._channels, shown, timeout_s, work_timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls under way end as cancelled."""
        self._closed = True
        for channel in self._channels:
            await channel.close()

    async def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    reply = await self._perform(step)
                except MitateError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _perform(self, step: Call | Local) -> Any:
        if isinstance(step, Local):
            return await asyncio.to_thread(step.work)
        if step.on_message is None:
            return await self._answer_when_free(step)
        last = None
        async with aclosing(self._messages(step)) as messages:
            async for last in messages:
                step.on_message(last)
        return last

    async def _answer_when_free(self, call: Call) -> Any:
        """Call, and again where a busy server says when."""
        n_tries = 1
        while True:
            try:
                return await self._answer(call)
            except Overloaded as error:
                pause_s = transport.pause_s(error, call.method, n_tries)
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
                n_tries += 1

    async def _answer(self, call: Call) -> Any:
        with tracing.exchange(call.method) as traced:
            running = self._method(call)(_request(call), **self._with(call, traced))
            ending = Ending(running)
            try:
                answer = await running
            except grpc.RpcError as error:
                raise self._error(call, await ending.error(error)) from error
            check_feed(call)
            return answer

    async def _messages(self, call: Call) -> AsyncGenerator[Any, None]:
        with tracing.exchange(call.method) as traced:
            stream = self._method(call)(_request(call), **self._with(call, traced))
            ending = Ending(stream)
            try:
                async for message in stream:
                    yield message
            except grpc.RpcError as error:
                raise self._error(call, await ending.error(error)) from error
            finally:
                stream.cancel()
            check_feed(call)


def _request(call: Call) -> Any:
    return _off_loop(call.request) if isinstance(call.request, Feed) else call.request


async def _off_loop(requests: Iterator[Any]) -> AsyncIterator[Any]:
    """Make requests in a thread, so that reading a file does not hold up the event loop."""
    while (request := await asyncio.to_thread(next, requests, _END)) is not _END:
        yield request
