"""What waits to be merged: the signatures of one message, and the answers that they have so far."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from mitate.kernels.errors import MitateError
from mitate.kernels.layout import Layouts
from mitate.server.columns import Columns
from mitate.server.matcher import Wanted

Packed = TypeVar("Packed")


class Batched(NamedTuple):
    """The answer to one message."""

    columns: Columns
    queue_ms: float  # until the first of its signatures was taken
    search_ms: float  # from then on
    n_batched: int  # signatures that were searched together with its last one


@dataclass(slots=True, eq=False)
class BatchCall(Generic[Packed]):
    """Signatures that one message brought, and the answers that they have so far."""

    layouts: Layouts
    wanted: Wanted
    pack: Callable[[Batched], Packed]
    failed: Callable[[MitateError], Packed] | None
    future: asyncio.Future[Packed]
    since_s: float = field(default_factory=time.perf_counter)
    n_taken: int = 0
    queue_ms: float = 0.0
    n_answered: int = 0
    parts: dict[int, Columns] = field(default_factory=dict)  # by first signature

    @property
    def n_left(self) -> int:
        """Signatures that no batch has taken."""
        return len(self.layouts) - self.n_taken

    def settle(self, result: Packed | Exception) -> None:
        """Give the result to who waits, if anybody does."""
        if self.future.done():
            return
        if isinstance(result, MitateError) and self.failed is not None:
            result = self.failed(result)
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)

    def ended(self, future: asyncio.Future[Packed]) -> None:
        """Let the engine know when nobody waits any more."""
        if future.cancelled():
            self.wanted.ticket.cancelled = True


class BatchSlice(NamedTuple):
    """Signatures first..stop-1 of a call."""

    call: BatchCall[Any]
    first: int
    stop: int
