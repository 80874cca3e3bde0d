"""Questions are answered in their order, by one process or by several."""

from __future__ import annotations

import os

import pytest

from bench.timeline.asking import answers


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_come_in_order_with_their_cost(jobs: int) -> None:
    given = answers(lambda word: (word.upper(), os.getpid()), ["a", "b", "c"], jobs)
    assert [answer[0] for answer, _ in given] == ["A", "B", "C"]
    assert all(cpu_s >= 0 for _, cpu_s in given)
    assert (os.getpid() in {answer[1] for answer, _ in given}) == (jobs == 1)
