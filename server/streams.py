"""Working on several messages of one stream at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

Request = TypeVar("Request")
Response = TypeVar("Response")


async def in_flight(
    requests: AsyncIterator[Request],
    work: Callable[[Request], Awaitable[Response]],
    limit: int,
    *,
    ordered: bool,
) -> AsyncIterator[Response]:
    """Yield the answer of every request with at most `limit` under way.

    No further request is read while `limit` answers are not taken, so a slow reader holds back its
    own stream only. With `ordered` answers come in the order of the requests, else as they finish.
    """
    waiting: list[asyncio.Future[Response]] = []
    source = aiter(requests)
    reading: asyncio.Future[Request] | None = asyncio.ensure_future(_next(source))
    try:
        while reading is not None or waiting:
            candidates = waiting[:1] if ordered else waiting
            watched = {*candidates} | ({reading} if reading and len(waiting) < limit else set())
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if reading is not None and reading in watched and reading.done():
                try:
                    waiting.append(asyncio.ensure_future(work(reading.result())))
                    reading = asyncio.ensure_future(_next(source))
                except EndOfStream:
                    reading = None
            for task in [one for one in candidates if one.done()]:
                waiting.remove(task)
                yield task.result()
    finally:
        for pending in waiting:
            pending.cancel()
        if reading is not None:
            reading.cancel()


class EndOfStream(Exception):
    """The caller has sent its last message."""


async def _next(source: AsyncIterator[Request]) -> Request:
    try:
        return await anext(source)
    except StopAsyncIteration:
        raise EndOfStream from None
