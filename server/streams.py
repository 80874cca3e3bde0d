"""Working on several messages of one stream at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from mitate.kernels.errors import NotReady

Request = TypeVar("Request")
Response = TypeVar("Response")


async def in_flight(
    requests: AsyncIterator[Request],
    work: Callable[[Request], Awaitable[Response]],
    limit: int,
    *,
    ordered: bool,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[Response]:
    """Yield the answer of every request with at most `limit` under way.

    No further request is read while `limit` answers are not taken, so a slow reader holds back its
    own stream only. With `ordered` answers come in the order of the requests, else as they finish.
    Once `stop` is set no further request is read either; what was read is still answered.

    Raises:
        NotReady: in the end, when `stop` cut the stream short.
    """
    flow = _Flow(work, limit, ordered)
    reading = asyncio.ensure_future(flow.read(requests))
    stopping = asyncio.ensure_future(stop.wait()) if stop is not None else None
    if stopping is not None:
        stopping.add_done_callback(lambda _: reading.cancel())
    try:
        while (answer := await flow.next()) is not None:
            yield answer.result()
        if reading.cancelled():  # by `stop`; otherwise it would not have ended here
            raise NotReady("the server is shutting down; what has no answer was not looked at")
        reading.result()
    finally:
        flow.close()
        reading.cancel()
        if stopping is not None:
            stopping.cancel()


class _Flow(Generic[Request, Response]):
    """Answers under way. One task reads, one takes answers; neither makes the other wait idly."""

    def __init__(
        self, work: Callable[[Request], Awaitable[Response]], limit: int, ordered: bool
    ) -> None:
        self._work, self._limit, self._ordered = work, limit, ordered
        self._under_way: set[asyncio.Future[Response]] = set()
        self._answers: deque[asyncio.Future[Response]] = deque()  # in the order of giving out
        self._n_waiting = 0  # answers that are not taken
        self._ended = False
        self._news: asyncio.Future[None] | None = None  # who takes answers waits for it
        self._room: asyncio.Future[None] | None = None  # who reads waits for it

    async def read(self, requests: AsyncIterator[Request]) -> None:
        """Begin to work on every request while there is room."""
        try:
            async for request in requests:
                self._begin(asyncio.ensure_future(self._work(request)))
                while self._n_waiting >= self._limit:
                    self._room = asyncio.get_running_loop().create_future()
                    await self._room
        finally:
            asyncio.get_running_loop().call_soon(self._end)

    async def next(self) -> asyncio.Future[Response] | None:
        """Wait for the next answer; None when there are no more."""
        while not (self._answers and self._answers[0].done()):
            if self._ended and not self._n_waiting:
                return None
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        self._n_waiting -= 1
        _wake(self._room)
        return self._answers.popleft()

    def _end(self) -> None:
        self._ended = True
        _wake(self._news)

    def close(self) -> None:
        """Give up what is under way."""
        for future in self._under_way:
            future.cancel()

    def _begin(self, future: asyncio.Future[Response]) -> None:
        self._n_waiting += 1
        self._under_way.add(future)
        if self._ordered:
            self._answers.append(future)
        future.add_done_callback(self._finished)

    def _finished(self, future: asyncio.Future[Response]) -> None:
        self._under_way.discard(future)
        if not self._ordered:
            self._answers.append(future)
        _wake(self._news)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
