"""Working on several messages of one stream at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar

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
    waiting: list[asyncio.Future[Response]] = []
    reader = _Reader(requests, stop)
    try:
        while reader.open or waiting:
            candidates = waiting[:1] if ordered else waiting
            watched: set[asyncio.Future[Any]] = {*candidates}
            if len(waiting) < limit:
                watched |= reader.news
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if len(waiting) < limit:
                waiting += [asyncio.ensure_future(work(request)) for request in reader.take()]
            for task in [one for one in candidates if one.done()]:
                waiting.remove(task)
                yield task.result()
    finally:
        for pending in waiting:
            pending.cancel()
        reader.close()
    if reader.cut:
        raise NotReady("the server is shutting down; what has no answer was not looked at")


class EndOfStream(Exception):
    """The caller has sent its last message."""


class _Reader(Generic[Request]):
    """Reads one request ahead, until the last one or until told to stop."""

    def __init__(self, requests: AsyncIterator[Request], stop: asyncio.Event | None) -> None:
        self._source = aiter(requests)
        self._reading: asyncio.Future[Request] | None = asyncio.ensure_future(self._next())
        self._stopping = asyncio.ensure_future(stop.wait()) if stop is not None else None
        self.cut = False

    @property
    def open(self) -> bool:
        """More requests may come."""
        return self._reading is not None

    @property
    def news(self) -> set[asyncio.Future[Any]]:
        """What is done when `take` has something to do."""
        if self._reading is None:
            return set()
        return {one for one in (self._reading, self._stopping) if one is not None}

    def take(self) -> list[Request]:
        """Return the request that has been read, if any, and read on unless that is over."""
        taken: list[Request] = []
        if self._reading is not None and self._reading.done():
            try:
                taken.append(self._reading.result())
                self._reading = asyncio.ensure_future(self._next())
            except EndOfStream:
                self._reading = None
        if self._reading is not None and self._stopping is not None and self._stopping.done():
            self.cut = True
            self._reading.cancel()
            self._reading = None
        return taken

    def close(self) -> None:
        """Read no more."""
        for one in (self._reading, self._stopping):
            if one is not None:
                one.cancel()

    async def _next(self) -> Request:
        try:
            return await anext(self._source)
        except StopAsyncIteration:
            raise EndOfStream from None
