"""Live scans: signatures pushed as frames are seen, segments as they are settled."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from mitate.clients import answers, requests
from mitate.clients.results import Match, SearchOptions
from mitate.clients.signing import signature_bytes
from mitate.v1 import scan_pb2

if TYPE_CHECKING:
    from mitate.kernels.signature import Signature

METHOD = "ScanService/ScanLive"
Frames: TypeAlias = "Signature | bytes"  # of consecutive frames, times from the start of the stream


def live_requests(
    frames: Iterable[Frames], options: SearchOptions | None, lag_ms: int
) -> Iterator[scan_pb2.ScanLiveRequest]:
    """Build the messages of a live scan."""
    yield _opening(options, lag_ms)
    for some in frames:
        yield scan_pb2.ScanLiveRequest(frames=signature_bytes(some))


async def live_requests_async(
    frames: AsyncIterable[Frames], options: SearchOptions | None, lag_ms: int
) -> AsyncIterator[scan_pb2.ScanLiveRequest]:
    """Build the same messages from signatures that are waited for."""
    yield _opening(options, lag_ms)
    async for some in frames:
        yield scan_pb2.ScanLiveRequest(frames=signature_bytes(some))


def segments(message: scan_pb2.ScanLiveResponse) -> Iterator[Match]:
    """Read the segments of an answer."""
    return (answers.match(segment) for segment in message.new_segments)


def _opening(options: SearchOptions | None, lag_ms: int) -> scan_pb2.ScanLiveRequest:
    config = scan_pb2.ScanLiveConfig(options=requests.options_message(options), lag_ms=lag_ms)
    return scan_pb2.ScanLiveRequest(config=config)
