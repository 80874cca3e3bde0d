"""What a request has to pass before it costs anything."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import pytest

from mitate.kernels.errors import DeadlineExceeded, Overloaded, QuotaExceeded
from mitate.server.admission import Admission, LoopLag, caller_name
from mitate.server.calls import CALL, Call
from mitate.server.identities import ANYBODY, Caller
from mitate.server.quotas import Quotas
from mitate.server.scopes import Scope
from mitate.server.tickets import Priority
from mitate.v1 import match_pb2


class Context:
    """A call with some time left."""

    def __init__(self, left_s: float | None = None) -> None:
        self._left_s = left_s

    def time_remaining(self) -> float | None:
        return self._left_s


class Late(LoopLag):
    """An event loop that is one second late."""

    def seconds(self) -> float:
        return 1.0


def ticket(admission: Admission, context: Any = None, n: int = 1, priority: int = 0) -> Any:
    call: Any = context or Context()
    return admission.ticket(call, n, priority, Priority.INTERACTIVE)


def admission_of(per_s: float = 0, lag: LoopLag | None = None) -> Admission:
    return Admission(Quotas(per_s), 1.5, lag)


def test_a_ticket_has_caller_priority_and_deadline() -> None:
    async def run() -> None:
        CALL.set(Call("/m", "id", "ipv4:10.0.0.7:4711", caller=Caller("key:bot", Scope.SEARCH)))
        made = ticket(admission_of(), Context(5.0), priority=match_pb2.PRIORITY_BULK)
        assert (made.caller, made.priority) == ("key:bot", Priority.BULK)
        assert 4 < made.deadline_s - time.monotonic() <= 5
        assert ticket(admission_of()).priority is Priority.INTERACTIVE
        assert ticket(admission_of()).deadline_s == math.inf

    asyncio.run(run())


def test_callers_without_identity_are_told_apart_by_host() -> None:
    async def run() -> None:
        assert caller_name() == ""
        for port in (1, 2):
            CALL.set(Call("/m", "id", f"ipv6:%5B::1%5D:{port}", caller=ANYBODY))
            assert caller_name() == "ipv6:%5B::1%5D"

    asyncio.run(run())


def test_quota_deadline_and_lag_refuse_before_work_begins() -> None:
    async def run() -> None:
        poor = admission_of(per_s=1)
        ticket(poor, n=10)
        with pytest.raises(QuotaExceeded):
            ticket(poor)
        with pytest.raises(DeadlineExceeded):
            ticket(admission_of(), Context(0.0))
        late = admission_of(lag=Late())
        ticket(late)
        with pytest.raises(Overloaded, match="max_loop_lag_s"):
            ticket(late, priority=match_pb2.PRIORITY_BULK)

    asyncio.run(run())


def test_the_lag_of_the_event_loop_is_seen_while_it_lasts_and_goes_away() -> None:
    async def run() -> None:
        lag = LoopLag()
        assert lag.seconds() <= 0
        time.sleep(0.4)
        assert lag.seconds() > 0.2
        await asyncio.sleep(0.01)
        assert lag.seconds() > 0.2
        await asyncio.sleep(0.15)
        lag.seconds()
        await asyncio.sleep(0.15)
        assert lag.seconds() < 0.1

    asyncio.run(run())
