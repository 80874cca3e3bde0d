"""Several messages of one stream worked on at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from mitate.kernels.errors import NotReady
from mitate.server.streams import in_flight


async def numbers(stop: int, read: list[int] | None = None) -> AsyncIterator[int]:
    for number in range(stop):
        if read is not None:
            read.append(number)
        yield number


async def late_first(number: int) -> int:
    await asyncio.sleep(0.05 if number == 0 else 0.0)
    return number


def collect(*, ordered: bool) -> list[int]:
    async def run() -> list[int]:
        return [n async for n in in_flight(numbers(6), late_first, 3, ordered=ordered)]

    return asyncio.run(run())


def test_ordered_answers_come_in_the_order_of_the_requests() -> None:
    assert collect(ordered=True) == list(range(6))


def test_unordered_answers_overtake_a_slow_one() -> None:
    answers = collect(ordered=False)
    assert sorted(answers) == list(range(6))
    assert answers[0] != 0


def test_no_more_than_the_limit_is_under_way() -> None:
    under_way, most = 0, 0

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return number

    async def run() -> None:
        async for _ in in_flight(numbers(50), work, 4, ordered=False):
            pass

    asyncio.run(run())
    assert most == 4


def test_a_reader_that_stops_holds_back_the_requests() -> None:
    read: list[int] = []

    async def run() -> None:
        answers = in_flight(numbers(1000, read), late_first, 4, ordered=False)
        async for _ in answers:
            await asyncio.sleep(0.05)
            break
        await answers.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())
    assert len(read) <= 8


def test_a_failure_ends_the_stream() -> None:
    async def fail(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    async def run() -> list[int]:
        return [n async for n in in_flight(numbers(5), fail, 1, ordered=True)]

    with pytest.raises(ValueError, match="two"):
        asyncio.run(run())


def test_a_stream_that_is_stopped_answers_what_it_has_read_and_no_more() -> None:
    async def run() -> tuple[list[int], list[int]]:
        stop, read, answered = asyncio.Event(), list[int](), list[int]()

        async def endless() -> AsyncIterator[int]:
            for number in range(1_000_000):
                read.append(number)
                yield number
                await asyncio.sleep(0.001)

        async def slow(number: int) -> int:
            await asyncio.sleep(0.02)
            return number

        asyncio.get_running_loop().call_later(0.2, stop.set)
        with pytest.raises(NotReady, match="shutting down"):
            async for answer in in_flight(endless(), slow, 4, ordered=False, stop=stop):
                answered.append(answer)
        return read, answered

    read, answered = asyncio.run(run())
    assert len(answered) > 4
    assert sorted(answered) == read[: len(answered)]
    assert len(read) - len(answered) <= 1  # one that was read and not yet accepted


def test_a_stream_whose_requests_have_ended_is_not_cut_by_stopping() -> None:
    async def run() -> list[int]:
        stop = asyncio.Event()

        async def slow(number: int) -> int:
            await asyncio.sleep(0.05)
            stop.set()
            await asyncio.sleep(0.05)
            return number

        return [n async for n in in_flight(numbers(2), slow, 4, ordered=True, stop=stop)]

    assert asyncio.run(run()) == [0, 1]
