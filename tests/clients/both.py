"""The asyncio client made to block, so that one test runs on both clients."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from mitate.clients.aio import AsyncClient


class Awaited:
    """Waits for whatever a method of AsyncClient returns; streams become lists."""

    def __init__(self, address: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(self._make(address, options))

    @staticmethod
    async def _make(address: str, options: dict[str, Any]) -> AsyncClient:
        return AsyncClient(address, **options)

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = getattr(self._client, name)(*args, **kwargs)
            if inspect.isasyncgen(result):
                return self._loop.run_until_complete(self._collect(result))
            return self._loop.run_until_complete(result)

        return call

    @staticmethod
    async def _collect(items: Any) -> list[Any]:
        return [item async for item in items]

    def finish(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
