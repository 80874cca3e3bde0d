"""Searches that wait: priorities, turns, slices, what is dropped."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitate.kernels.errors import DeadlineExceeded, OperationCancelled, Overloaded
from mitate.server.library import Scope
from mitate.server.search_queue import MIN_SLICE_QUERIES, Search, SearchQueue, Slice
from mitate.server.tickets import Priority, Ticket

ALL = Scope()
SLOW_MS = 100.0  # per query: every batch holds as little as is allowed


def search(n: int, caller: str = "", priority: Priority = Priority.INTERACTIVE) -> Search:
    return Search(np.zeros((n, 32), np.int8), 5, ALL, False, Ticket(caller, priority))


def queue_of(*searches: Search, ms_per_query: float = SLOW_MS) -> SearchQueue:
    queue = SearchQueue(100_000)
    for _ in range(100):
        queue.pace.learn(1, ms_per_query)
    for one in searches:
        queue.put(one)
    return queue


def batches(queue: SearchQueue, *, begin_large: bool = True) -> list[list[Slice]]:
    found: list[list[Slice]] = []
    while True:
        batch, _ = queue.take(begin_large=begin_large)
        if not batch:
            return found
        found.append(batch)


def n_in(batch: Sequence[Slice]) -> int:
    return sum(one.stop - one.first for one in batch)


def test_a_large_search_is_cut_and_a_single_one_goes_in_between() -> None:
    large, single = search(10 * MIN_SLICE_QUERIES, "a"), search(1, "b")
    queue = queue_of(large)
    first, _ = queue.take(begin_large=True)
    queue.put(single)
    second, _ = queue.take(begin_large=True)
    third, _ = queue.take(begin_large=True)
    assert n_in(first) == n_in(second) == n_in(third) == MIN_SLICE_QUERIES
    assert single in [one.search for one in (*second, *third)]
    assert queue.n_begun == 1


def test_slices_follow_the_speed_of_the_index() -> None:
    assert queue_of(ms_per_query=10).pace.portion == MIN_SLICE_QUERIES
    assert 75 <= queue_of(ms_per_query=0.1).pace.portion <= 125
    assert queue_of(ms_per_query=1e-9).pace.portion == 4096


@given(
    st.lists(
        st.tuples(st.integers(1, 200), st.sampled_from("abc"), st.sampled_from(list(Priority))),
        max_size=20,
    )
)
def test_every_query_is_taken_once_and_in_order(
    given_: list[tuple[int, str, Priority]],
) -> None:
    searches = [search(*one) for one in given_]
    queue = queue_of(*searches)
    at = dict.fromkeys(searches, 0)
    for batch in batches(queue):
        for one in batch:
            assert one.first == at[one.search] < one.stop
            at[one.search] = one.stop
    assert at == {one: len(one.queries) for one in searches}
    assert (queue.n_queries, queue.n_begun, bool(queue)) == (0, 0, False)


def test_interactive_goes_first_and_bulk_is_not_starved() -> None:
    bulk = [search(MIN_SLICE_QUERIES, "b", Priority.BULK) for _ in range(3)]
    quick = [search(MIN_SLICE_QUERIES, "i") for _ in range(12)]
    order = [batch[0].search.ticket.priority for batch in batches(queue_of(*bulk, *quick))]
    assert order[0] is Priority.INTERACTIVE
    first_bulk = order.index(Priority.BULK)
    assert 0 < first_bulk <= 4
    assert Priority.INTERACTIVE in order[first_bulk + 1 :]


def test_a_caller_with_little_does_not_wait_for_one_with_much() -> None:
    much = [search(MIN_SLICE_QUERIES, "much") for _ in range(50)]
    little = search(MIN_SLICE_QUERIES, "little")
    order = [batch[0].search for batch in batches(queue_of(*much, little))]
    assert order.index(little) <= 1


def test_nothing_large_is_begun_while_a_change_waits() -> None:
    queue = queue_of(search(MIN_SLICE_QUERIES + 1, "a"), search(2, "b"))
    (only,) = batches(queue, begin_large=False)
    assert [len(one.search.queries) for one in only] == [2]
    assert queue.n_begun == 0
    assert [n_in(batch) for batch in batches(queue)] == [MIN_SLICE_QUERIES, 1]


def test_what_is_begun_goes_on_while_a_change_waits() -> None:
    queue = queue_of(search(3 * MIN_SLICE_QUERIES))
    queue.take(begin_large=True)
    assert len(batches(queue, begin_large=False)) == 2
    assert queue.n_begun == 0


def test_bulk_leaves_room_in_the_queue_for_interactive_searches() -> None:
    queue = SearchQueue(100)
    queue.put(search(70, priority=Priority.BULK))
    with pytest.raises(
        Overloaded, match=r"75 \(75% of max_queue_signatures, for bulk\)"
    ) as refused:
        queue.put(search(6, priority=Priority.BULK))
    assert refused.value.retry_after_ms is not None and refused.value.retry_after_ms >= 50
    queue.put(search(30))
    with pytest.raises(Overloaded, match=r"100 \(max_queue_signatures\)"):
        queue.put(search(1))


def test_what_nobody_waits_for_is_dropped_before_it_costs() -> None:
    gone, late, hopeless, kept = (search(10, name) for name in "abcd")
    gone.ticket.cancelled = True
    late.ticket.deadline_s = time.monotonic() - 1
    hopeless.ticket.deadline_s = time.monotonic() + 10 * SLOW_MS / 1000 / 2
    queue = queue_of(gone, late, hopeless, kept)
    batch, dropped = queue.take(begin_large=True)
    assert [one.search for one in batch] == [kept]
    assert {one.search: type(one.error) for one in dropped} == {
        gone: OperationCancelled,
        late: DeadlineExceeded,
        hopeless: DeadlineExceeded,
    }
    assert queue.n_queries == 0


def test_a_begun_search_that_is_dropped_lets_changes_run() -> None:
    large = search(3 * MIN_SLICE_QUERIES)
    queue = queue_of(large)
    queue.take(begin_large=True)
    large.ticket.cancelled = True
    _, dropped = queue.take(begin_large=True)
    assert [one.search for one in dropped] == [large]
    assert (queue.n_begun, queue.n_queries) == (0, 0)
