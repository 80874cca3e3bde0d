"""Asks many questions with several processes, which share what is searched."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

Question = TypeVar("Question")
_TOLD_EVERY = 100  # answers

_work: Callable[[int], Any] | None = None  # of a process that was forked to ask


def answers(
    ask: Callable[[Question], Any], questions: Sequence[Question], jobs: int
) -> list[tuple[Any, float]]:
    """Return the answer to every question, and the CPU seconds it took.

    Processes are forked once everything is loaded, so that they share its memory.
    """

    def work(place: int) -> tuple[Any, float]:
        started = time.process_time()
        answer = ask(questions[place])
        return answer, time.process_time() - started

    places = range(len(questions))
    if jobs == 1:
        return list(_told(map(work, places), len(questions)))
    global _work
    _work = work
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
        return list(_told(pool.map(_at, places), len(questions)))


def _at(place: int) -> Any:
    assert _work is not None
    return _work(place)


def _told(done: Iterator[Any], total: int) -> Iterator[Any]:
    for number, one in enumerate(done, 1):
        if number % _TOLD_EVERY == 0 or number == total:
            print(f"{number} of {total} questions asked", file=sys.stderr, flush=True)
        yield one
