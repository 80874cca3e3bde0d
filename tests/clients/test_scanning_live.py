"""Live scans push signatures and yield segments as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from fake_answers import State
from fake_server import FakeServer

from mitate.clients import AsyncClient, Client
from mitate.clients.results import SearchOptions
from mitate.clients.signing import file_bytes
from mitate.kernels.borders import Rect
from mitate.kernels.signature import DESCRIPTOR_VERSION, Signature


def frames(first_ms: int) -> Signature:
    rng = np.random.default_rng(first_ms)
    return Signature(
        *("video", DESCRIPTOR_VERSION, "planes/1", 64, 36, Rect(0, 0, 64, 36), first_ms + 80),
        times_ms=np.array([first_ms, first_ms + 40]),
        kept_first=np.arange(2, dtype=np.uint32),
        layouts=rng.integers(0, 32, (2, 33)).astype(np.uint8),
        mirrored=rng.integers(0, 32, (2, 33)).astype(np.uint8),
        quality=np.full(2, 200, np.uint8),
    )


def test_segments_come_while_frames_are_pushed(server: FakeServer, state: State) -> None:
    pushed: list[Signature | bytes] = [frames(0), file_bytes(frames(1000))]
    with Client(server.address) as client:
        found = list(client.scan_live(pushed, SearchOptions(title_ids=(4,)), lag_ms=3000))
    assert len(found) == 2
    assert state.live == [file_bytes(frames(0)), file_bytes(frames(1000))]
    assert state.live_configs[0].lag_ms == 3000
    assert list(state.live_configs[0].options.title_ids) == [4]


def test_frames_may_be_waited_for(server: FakeServer, state: State) -> None:
    async def pushed() -> AsyncIterator[Signature]:
        yield frames(0)
        yield frames(1000)

    async def told() -> list[Any]:
        async with AsyncClient(server.address) as client:
            return [one async for one in client.scan_live(pushed())]

    assert len(asyncio.run(told())) == 2
    assert len(state.live) == 2
