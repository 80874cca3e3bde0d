"""The status by which a server ended an asyncio call.

When a server answers before it has read all requests, a write that is under way fails, and grpc.aio
(up to 1.85 at least) then reports that failure, INTERNAL "Internal error from Core", in the place
of the status that it received. The received status is announced to done callbacks all the same;
here it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

T = TypeVar("T")
_WRITE_FAILED = "Internal error from Core"
_WAIT_S, _WAITS = 0.02, 50


class Ending:
    """Keeps the status that a call received."""

    def __init__(self, call: Any) -> None:
        self._received: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._keep)

    def _keep(self, call: Any) -> None:
        code, details = _at_once(call.code()), _at_once(call.details())
        if code is not None and details != _WRITE_FAILED:
            metadata = _at_once(call.trailing_metadata()) or grpc.aio.Metadata()
            self._received = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, details)

    async def error(self, raised: grpc.RpcError) -> grpc.RpcError:
        """Return the error of the received status where grpc.aio raised another."""
        if not isinstance(raised, grpc.aio.AioRpcError) or raised.details() != _WRITE_FAILED:
            return raised
        for _ in range(_WAITS):
            if self._received is not None:
                return self._received
            await asyncio.sleep(_WAIT_S)
        return raised


def _at_once(coroutine: Coroutine[Any, Any, T]) -> T | None:
    """Return what a coroutine returns without waiting, None if it would wait."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    coroutine.close()
    return None
