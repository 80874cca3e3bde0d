"""A bounded number of calls at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from mitate.kernels.errors import DeadlineExceeded, Overloaded
from mitate.server.gate import Gate
from mitate.server.tickets import Priority, Ticket


async def passing(gate: Gate, ticket: Ticket, order: list[str], work_s: float = 0.005) -> None:
    async with gate.through(ticket, 1):
        order.append(ticket.caller)
        await asyncio.sleep(work_s)


def run_all(gate: Gate, *tickets: Ticket) -> list[str]:
    order: list[str] = []

    async def run() -> None:
        await asyncio.gather(*(passing(gate, ticket, order) for ticket in tickets))

    asyncio.run(run())
    return order


def test_no_more_are_inside_than_allowed_and_all_get_in() -> None:
    gate, inside, most = Gate(3, 100, "max"), 0, 0

    async def one() -> None:
        nonlocal inside, most
        async with gate.through(Ticket(), 1):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    async def run() -> None:
        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(run())
    assert most == 3
    assert (gate.n_bytes, gate.n_waiting) == (0, 0)


def test_interactive_goes_first_and_callers_take_turns() -> None:
    bulk = [Ticket("bulk", Priority.BULK) for _ in range(3)]
    much = [Ticket("much") for _ in range(5)]
    order = run_all(Gate(1, 100, "max"), Ticket("first"), *bulk, *much, Ticket("little"))
    assert order.index("little") <= 2
    assert 1 < order.index("bulk") <= 5
    assert len(order) == 10


def test_too_many_bytes_are_refused_and_the_limit_is_named() -> None:
    async def run() -> None:
        gate = Gate(1, 10, "max_queue_bytes")
        async with gate.through(Ticket(), 8):
            with pytest.raises(Overloaded, match=r"10 \(max_queue_bytes\)") as refused:
                async with gate.through(Ticket(), 3):
                    pass
            assert refused.value.retry_after_ms
        async with gate.through(Ticket(), 30):  # alone it may be larger
            pass

    asyncio.run(run())


def test_who_has_gone_or_is_too_late_leaves_its_place_to_others() -> None:
    async def run() -> None:
        gate, order = Gate(1, 100, "max"), list[str]()
        first = asyncio.ensure_future(passing(gate, Ticket("first"), order, 0.05))
        await asyncio.sleep(0)
        late = Ticket("late", deadline_s=time.monotonic() + 0.01)
        gone = Ticket("gone")
        tasks = [
            asyncio.ensure_future(passing(gate, ticket, order))
            for ticket in (late, gone, Ticket("last"))
        ]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="left of the caller's time"):
            hasty = Ticket("hasty", deadline_s=time.monotonic() + 0.1)
            await passing(gate, hasty, order)
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        results = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert isinstance(results[1], DeadlineExceeded)
        assert isinstance(results[2], asyncio.CancelledError) and gone.cancelled
        assert order == ["first", "last"]
        assert gate.n_bytes == 0

    asyncio.run(run())
