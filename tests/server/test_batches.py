"""Calls with signatures, merged as they wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from mitate.kernels.errors import DeadlineExceeded, InvalidArgument, Overloaded
from mitate.kernels.layout import Layouts
from mitate.server.batch_calls import Batched
from mitate.server.batches import IN_FLIGHT, LEAST, Batches
from mitate.server.columns import Columns, no_columns
from mitate.server.matcher import Wanted
from mitate.server.tickets import Priority, Ticket


class Engine:
    """Answers each signature by its first coefficient, as fast as it is told."""

    def __init__(self, batch_s: float = 0.0) -> None:
        self.batch_s = batch_s
        self.batches: list[tuple[int, Wanted]] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, layouts: Layouts, wanted: Wanted) -> Columns:
        self.go.wait(10)
        time.sleep(self.batch_s)
        self.batches.append((len(layouts), wanted))
        if layouts[0, 0] == 63:
            raise InvalidArgument("sixty-three")
        columns = no_columns(len(layouts), wanted.k)
        columns.source_ids[:, 0] = layouts[:, 0]
        return columns


def signatures(*numbers: int) -> Layouts:
    layouts = np.zeros((len(numbers), 33), np.uint8)
    layouts[:, 0] = numbers
    return layouts


def numbers_of(batched: Batched) -> list[int]:
    return [int(number) for number in batched.columns.source_ids[:, 0]]


@contextmanager
def batches_of(engine: Engine, max_signatures: int = 10_000) -> Iterator[Batches]:
    batches = Batches(engine, max_signatures)
    yield batches
    engine.go.set()
    batches.close()


def asked(batches: Batches, *numbers: int, ticket: Ticket | None = None) -> asyncio.Future[Batched]:
    wanted = Wanted(k=2, ticket=ticket or Ticket())
    return batches.submit(signatures(*numbers), wanted, lambda batched: batched)


async def fill_threads(batches: Batches) -> list[asyncio.Future[Batched]]:
    """Give every thread a batch of its own."""
    futures = []
    for i in range(IN_FLIGHT):
        futures.append(asked(batches, *([i] * LEAST)))
        await asyncio.sleep(0.01)
    assert batches.n_signatures == 0
    return futures


def test_every_call_gets_its_own_answers_and_what_waits_is_merged() -> None:
    async def run() -> None:
        engine = Engine()
        with batches_of(engine) as batches:
            engine.go.clear()
            futures = [asked(batches, i, i + 1, ticket=Ticket(str(i % 3))) for i in range(40)]
            engine.go.set()
            answers = await asyncio.gather(*futures)
        assert [numbers_of(answer) for answer in answers] == [[i, i + 1] for i in range(40)]
        assert len(engine.batches) < 20
        assert sum(n for n, _ in engine.batches) == 80
        assert batches.n_signatures == 0

    asyncio.run(run())


def test_a_large_call_is_answered_in_order_and_lets_a_small_one_through() -> None:
    async def run() -> None:
        engine = Engine(batch_s=0.05)
        with batches_of(engine) as batches:
            large = asked(batches, *(i % 60 for i in range(20 * LEAST)), ticket=Ticket("a"))
            await asyncio.sleep(0.01)
            small = asked(batches, 7, ticket=Ticket("b"))
            assert numbers_of(await small) == [7]
            assert not large.done()
            assert numbers_of(await large) == [i % 60 for i in range(20 * LEAST)]

    asyncio.run(run())


def test_calls_that_ask_for_something_else_are_not_merged() -> None:
    async def run() -> None:
        engine = Engine()
        with batches_of(engine) as batches:
            engine.go.clear()
            others = [
                batches.submit(signatures(i), Wanted(k=1 + i % 2), lambda batched: batched)
                for i in range(20)
            ]
            engine.go.set()
            answers = await asyncio.gather(*others)
        assert [answer.columns.source_ids.shape for answer in answers] == [
            (1, 1 + i % 2) for i in range(20)
        ]
        assert {wanted.k for _, wanted in engine.batches} == {1, 2}

    asyncio.run(run())


def test_an_error_reaches_its_batch_only() -> None:
    async def run() -> None:
        engine = Engine()
        with batches_of(engine) as batches:
            with pytest.raises(InvalidArgument, match="sixty-three"):
                await asked(batches, 63)
            assert numbers_of(await asked(batches, 1)) == [1]

    asyncio.run(run())


def test_what_nobody_waits_for_is_not_searched() -> None:
    async def run() -> None:
        engine = Engine()
        with batches_of(engine) as batches:
            engine.go.clear()
            busy = await fill_threads(batches)
            gone, late = Ticket("gone"), Ticket("late", deadline_s=time.monotonic() + 0.1)
            futures = [asked(batches, 8, ticket=gone), asked(batches, 9, ticket=late)]
            futures[0].cancel()
            await asyncio.sleep(0.15)
            engine.go.set()
            with pytest.raises(DeadlineExceeded):
                await futures[1]
            await asyncio.gather(*busy)
            assert gone.cancelled
            assert sum(n for n, _ in engine.batches) == IN_FLIGHT * LEAST

    asyncio.run(run())


def test_a_full_queue_refuses_bulk_first_and_names_the_limit() -> None:
    async def run() -> None:
        engine = Engine()
        with batches_of(engine, max_signatures=100) as batches:
            engine.go.clear()
            bulk = Ticket(priority=Priority.BULK)
            futures = await fill_threads(batches)
            futures.append(asked(batches, *([2] * 70), ticket=bulk))
            with pytest.raises(Overloaded, match=r"75 \(75% of max_queue_signatures") as refused:
                asked(batches, *([3] * 10), ticket=bulk)
            assert refused.value.retry_after_ms
            futures.append(asked(batches, *([4] * 30)))
            with pytest.raises(Overloaded, match=r"100 \(max_queue_signatures\)"):
                asked(batches, 5)
            engine.go.set()
            await asyncio.gather(*futures)

    asyncio.run(run())


def test_batching_serves_many_callers_of_a_slow_engine() -> None:
    async def run() -> int:
        engine, n_answers = Engine(batch_s=0.002), 0
        with batches_of(engine) as batches:
            end_s = time.monotonic() + 0.5

            async def caller(name: str) -> None:
                nonlocal n_answers
                while time.monotonic() < end_s:
                    await asked(batches, 1, ticket=Ticket(name))
                    n_answers += 1

            await asyncio.gather(*(caller(str(i)) for i in range(32)))
        return n_answers

    assert asyncio.run(run()) > 8 * 0.5 / 0.002 / 2  # at most 500 a second would do one by one


def test_an_interactive_call_does_not_wait_for_bulk() -> None:
    async def run() -> None:
        engine = Engine()
        with batches_of(engine) as batches:
            engine.go.clear()
            bulk = Ticket("bulk", Priority.BULK)
            futures = []
            for _ in range(10):
                futures.append(asked(batches, *([1] * LEAST), ticket=bulk))
                await asyncio.sleep(0.01)
            assert batches.n_signatures == (10 - IN_FLIGHT) * LEAST
            single = asked(batches, 2)
            await asyncio.sleep(0.01)
            assert batches.n_signatures == (10 - IN_FLIGHT) * LEAST
            engine.go.set()
            assert numbers_of(await single) == [2]
            await asyncio.gather(*futures)

    asyncio.run(run())


def test_what_cannot_be_answered_in_time_is_refused_at_once() -> None:
    async def run() -> None:
        engine = Engine(batch_s=0.02)
        with batches_of(engine) as batches:
            for _ in range(20):  # which tells how slow the engine is
                await asked(batches, *([1] * LEAST))
            waiting = [asked(batches, *([1] * LEAST)) for _ in range(40)]
            hasty = Ticket("hasty", deadline_s=time.monotonic() + 0.1)
            with pytest.raises(Overloaded, match="left of the caller's time") as refused:
                asked(batches, 1, ticket=hasty)
            assert refused.value.retry_after_ms
            patient = Ticket("patient", deadline_s=time.monotonic() + 30)
            await asked(batches, 1, ticket=patient)
            await asyncio.gather(*waiting)

    asyncio.run(run())
