"""How much each caller may ask for."""

from __future__ import annotations

import pytest

from mitate.kernels.errors import QuotaExceeded
from mitate.server.quotas import BURST_S, MAX_CALLERS, Quotas


class Clock:
    """A clock that is set by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_caller_gets_its_rate_and_others_are_not_touched() -> None:
    clock = Clock()
    quotas = Quotas(10, clock)
    quotas.take("a", int(10 * BURST_S))
    with pytest.raises(QuotaExceeded, match=r"a asks for 5 .*caller_signatures_per_s") as refused:
        quotas.take("a", 5)
    assert refused.value.retry_after_ms == 500
    quotas.take("b", 5)
    clock.now_s += 0.5
    quotas.take("a", 5)
    with pytest.raises(QuotaExceeded):
        quotas.take("a", 1)


def test_a_request_larger_than_the_bucket_is_served_and_paid_for() -> None:
    clock = Clock()
    quotas = Quotas(10, clock)
    quotas.take("a", 4096)
    clock.now_s += (4096 - 10 * BURST_S) / 10
    with pytest.raises(QuotaExceeded):
        quotas.take("a", 1)
    clock.now_s += 1
    quotas.take("a", 10)


def test_what_is_charged_afterwards_holds_up_the_next_request() -> None:
    clock = Clock()
    quotas = Quotas(10, clock)
    quotas.charge("a", 150)
    with pytest.raises(QuotaExceeded):
        quotas.take("a", 1)
    clock.now_s += 6
    quotas.take("a", 1)


def test_an_idle_caller_saves_up_no_more_than_its_bucket() -> None:
    clock = Clock()
    quotas = Quotas(10, clock)
    quotas.take("a", 1)
    clock.now_s += 10_000
    quotas.take("a", int(10 * BURST_S))
    with pytest.raises(QuotaExceeded):
        quotas.take("a", 1)


def test_without_a_rate_nothing_is_counted() -> None:
    quotas = Quotas(0)
    for _ in range(100):
        quotas.take("a", 10**9)


def test_the_longest_unseen_of_many_callers_is_forgotten() -> None:
    clock = Clock()
    quotas = Quotas(1, clock)
    for i in range(MAX_CALLERS + 1):
        quotas.take(str(i), 10)
    quotas.take("0", 10)
    with pytest.raises(QuotaExceeded):
        quotas.take("5", 10)
