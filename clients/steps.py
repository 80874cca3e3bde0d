"""What a flow asks its client to do.

A flow is a generator that yields steps, is sent their results and returns the result of a whole
job. It waits for nothing itself, so one flow serves the blocking and the asyncio client.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """Call a method; the result is its answer, of an answer stream the last message or None."""

    method: str  # service and method, for example "CatalogService/GetTitle"
    request: Message | Feed | AsyncFeed
    on_message: Callable[[Any], None] | None = None  # takes the messages of an answer stream
    long: bool = False  # work on a whole file: the long deadline


@dataclass(frozen=True, slots=True)
class Local:
    """Run a blocking function here; the result is what it returns."""

    work: Callable[[], Any]


Flow = Generator[Call | Local, Any, T]


class Feed:
    """Requests of a stream. An error while making them ends the stream and is kept.

    gRPC takes requests in a thread or task of its own, where an error would only be logged; the
    client raises it again from the call.
    """

    def __init__(self, requests: Iterable[Any]) -> None:
        self._requests = iter(requests)
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.error is not None:
            raise StopIteration
        try:
            return next(self._requests)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise StopIteration from error

    def check(self) -> None:
        """Raise the error that ended the requests, if there was one."""
        if self.error is not None:
            raise self.error


class AsyncFeed:
    """Requests of a stream that are waited for; otherwise like `Feed`."""

    def __init__(self, requests: AsyncIterable[Any]) -> None:
        self._requests = aiter(requests)
        self.error: Exception | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self.error is not None:
            raise StopAsyncIteration
        try:
            return await anext(self._requests)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.error = error
            raise StopAsyncIteration from error

    def check(self) -> None:
        """Raise the error that ended the requests, if there was one."""
        if self.error is not None:
            raise self.error
