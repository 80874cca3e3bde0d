"""A bounded number of calls at once; others wait, interactive before bulk, callers in turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mitate.kernels.errors import Overloaded
from mitate.server.lanes import Lanes
from mitate.server.pace import Pace, retry_after_ms
from mitate.server.tickets import Ticket

AIM_MS = 100.0  # guessed duration of the first call
SAFETY = 1.3  # by which the expected time of an answer is taken to be longer


@dataclass(slots=True, eq=False)
class _Waiter:
    ticket: Ticket
    future: asyncio.Future[None]


class Gate:
    """Bounded by calls inside, and by bytes inside and waiting. Used on the event loop only."""

    def __init__(self, n_inside: int, max_bytes: int, limit_name: str) -> None:
        self._n_inside = n_inside
        self._n_free = n_inside
        self._max_bytes, self._limit_name = max_bytes, limit_name
        self._lanes: Lanes[_Waiter] = Lanes()
        self._pace = Pace(AIM_MS, 1, 1)
        self.n_bytes = 0  # inside and waiting

    @property
    def n_waiting(self) -> int:
        """Calls that wait."""
        return len(self._lanes)

    @property
    def wait_ms(self) -> float:
        """How long a call that comes now is likely to wait."""
        return len(self._lanes) * self._pace.ms_per_item / self._n_inside

    @asynccontextmanager
    async def through(self, ticket: Ticket, n_bytes: int) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Raises:
            Overloaded: too many bytes are inside and waiting.
            Overloaded: likewise when the caller's time is likely to end before its work.
            DeadlineExceeded: it did, while the call waited.
        """
        if self.n_bytes and self.n_bytes + n_bytes > self._max_bytes:
            raise Overloaded(
                f"{self.n_bytes} bytes wait and {n_bytes} more would pass the limit of "
                f"{self._max_bytes} ({self._limit_name}); try again later",
                retry_after_ms=retry_after_ms(self.wait_ms),
            )
        self._check_deadline(ticket)
        self.n_bytes += n_bytes
        try:
            await self._enter(ticket)
            entered_s = time.perf_counter()
            try:
                yield
            except asyncio.CancelledError:
                ticket.cancelled = True
                raise
            finally:
                self._pace.learn(1, (time.perf_counter() - entered_s) * 1000)
                self._leave()
        finally:
            self.n_bytes -= n_bytes

    def _check_deadline(self, ticket: Ticket) -> None:
        left_ms = (ticket.deadline_s - time.monotonic()) * 1000
        expected_ms = SAFETY * (self.wait_ms + self._pace.ms_per_item)
        if self._lanes and expected_ms > left_ms:
            raise Overloaded(
                f"the answer is likely to take {expected_ms:.0f} ms and {max(0.0, left_ms):.0f} ms "
                "are left of the caller's time; try again later",
                retry_after_ms=retry_after_ms(self.wait_ms),
            )

    async def _enter(self, ticket: Ticket) -> None:
        if self._n_free and not self._lanes:
            self._n_free -= 1
            return
        waiter = _Waiter(ticket, asyncio.get_running_loop().create_future())
        self._lanes.put(ticket, waiter)
        try:
            await waiter.future
        except asyncio.CancelledError:
            ticket.cancelled = True
            if waiter.future.done() and not waiter.future.cancelled():
                self._leave()  # the place came together with the end
            raise

    def _leave(self) -> None:
        """Give the place to who waits, and drop those for whom it comes too late."""
        self._n_free += 1
        while self._n_free and self._lanes:
            contended = self._lanes.contended
            priority = next(one for one in self._lanes.order() if self._lanes.lane(one))
            waiter = self._lanes.lane(priority).pop()
            if waiter.future.done():
                continue
            error = waiter.ticket.refusal(self._pace.ms_per_item / 1000)
            if error is not None:
                waiter.future.set_exception(error)
                continue
            self._lanes.served(priority, contended=contended)
            self._n_free -= 1
            waiter.future.set_result(None)
