"""What a request has to pass before it costs anything: quota, event loop, deadline."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import grpc

from mitate.kernels.errors import Overloaded
from mitate.server.calls import CALL
from mitate.server.quotas import Quotas
from mitate.server.tickets import Priority, Ticket
from mitate.v1 import match_pb2

Context = grpc.aio.ServicerContext[Any, Any]
PICTURE_SIGNATURES = 16  # what a picture counts for: it is searched as so many views
FRAME_MS = 100  # of a clip count for one signature, since so many are searched
LAG_EVERY_S = 0.1  # between two measurements of the event loop
BULK_LAG_SHARE = 0.5  # of the lag at which interactive requests are refused
PRIORITIES: dict[int, Priority] = {
    match_pb2.PRIORITY_INTERACTIVE: Priority.INTERACTIVE,
    match_pb2.PRIORITY_BULK: Priority.BULK,
}


class LoopLag:
    """How late the event loop is, measured while somebody asks."""

    def __init__(self) -> None:
        self._due_s = math.inf  # when the measurement that is under way should end
        self._lag_s = 0.0

    def seconds(self) -> float:
        """Return the lag of late, and measure again."""
        now_s = time.monotonic()
        if self._due_s == math.inf:
            loop = asyncio.get_running_loop()
            self._due_s = now_s + LAG_EVERY_S
            loop.call_later(LAG_EVERY_S, self._measured)
        return max(self._lag_s, now_s - self._due_s)

    def _measured(self) -> None:
        self._lag_s = max(0.0, time.monotonic() - self._due_s)
        self._due_s = math.inf


class Admission:
    """Gives out tickets, on the event loop."""

    def __init__(self, quotas: Quotas, max_lag_s: float, lag: LoopLag | None = None) -> None:
        self._quotas = quotas
        self._max_lag_s = max_lag_s
        self._lag = lag or LoopLag()

    def ticket(self, context: Context, n_signatures: int, priority: int, usual: Priority) -> Ticket:
        """Return the ticket of a request that may wait.

        Args:
            context: of its call.
            n_signatures: what it counts for.
            priority: as the request names it.
            usual: its priority where it names none.

        Raises:
            QuotaExceeded: the caller has used up its share.
            Overloaded: the event loop is late.
            DeadlineExceeded: the caller's time is over.
        """
        left_s = context.time_remaining()
        deadline_s = math.inf if left_s is None else time.monotonic() + left_s
        ticket = Ticket(caller_name(), PRIORITIES.get(priority, usual), deadline_s)
        self.admit(ticket, n_signatures)
        return ticket

    def admit(self, ticket: Ticket, n_signatures: int) -> None:
        """Let a further request of a call pass; raises as `ticket`."""
        self._check_lag(ticket.priority)
        refusal = ticket.refusal()
        if refusal is not None:
            raise refusal
        self._quotas.take(ticket.caller, n_signatures)

    def charge(self, ticket: Ticket, n_signatures: int) -> None:
        """Count what turned out only while working; safe to call from any thread."""
        self._quotas.charge(ticket.caller, n_signatures)

    def _check_lag(self, priority: Priority) -> None:
        lag_s = self._lag.seconds()
        limit_s = self._max_lag_s * (BULK_LAG_SHARE if priority is Priority.BULK else 1)
        if lag_s > limit_s:
            raise Overloaded(
                f"the server's event loop is {lag_s:.2f} s late; the limit is {limit_s:g} s "
                "(max_loop_lag_s); try again later",
                retry_after_ms=max(100, int(lag_s * 1000)),
            )


def caller_name() -> str:
    """Return who makes the call under way: its identity, or its host where nobody has one."""
    call = CALL.get()
    if call is None:
        return ""
    if call.caller.name != "anonymous":
        return call.caller.name
    return call.peer.rpartition(":")[0]
