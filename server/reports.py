"""Progress on its way from a working thread to a stream of answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

from mitate.server.operation import Operation
from mitate.server.workers import Progress
from mitate.v1 import match_pb2


def progress_message(n_frames: int, position_ms: int, duration_ms: int) -> match_pb2.Progress:
    """Return how far a decoder is; `duration_ms` is 0 while unknown."""
    return match_pb2.Progress(
        decoded_frames=n_frames,
        position_ms=position_ms,
        duration_ms=duration_ms,
        fraction=min(1.0, position_ms / duration_ms) if duration_ms else 0.0,
    )


def report_progress(operation: Operation) -> Progress:
    """Return what writes a worker's progress into the metadata of an operation."""

    def report(n_frames: int, position_ms: int, duration_ms: int) -> None:
        progress = progress_message(n_frames, position_ms, duration_ms)
        operation.report(lambda metadata: metadata.progress.CopyFrom(progress))  # type: ignore[attr-defined]

    return report


class Reports:
    """The latest progress of one piece of work, and the wish to stop it. Made on the event loop."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._latest: match_pb2.Progress | None = None
        self.position_ms = 0  # read so far

    def progress(self, n_frames: int, position_ms: int, duration_ms: int) -> None:
        """Report from any thread."""
        self._latest = progress_message(n_frames, position_ms, duration_ms)
        self.position_ms = position_ms
        self._loop.call_soon_threadsafe(self._news.set)

    async def until(self, task: asyncio.Task[Any]) -> AsyncIterator[match_pb2.Progress]:
        """Yield progress until `task` is done; what comes faster than it is taken is skipped."""
        task.add_done_callback(lambda _: self._news.set())
        while not task.done():
            await self._news.wait()
            self._news.clear()
            latest, self._latest = self._latest, None
            if latest is not None:
                yield latest
