"""The engine thread: merging searches, changing between them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from make_signature import make_signature

from mitate.kernels.errors import NotReady, OperationCancelled, Overloaded
from mitate.kernels.vector import N_DIMS, derive
from mitate.server.engine import Engine
from mitate.server.index import Neighbours
from mitate.server.index_numpy import NumpyIndex
from mitate.server.library import Library, NewSource, Scope
from mitate.server.tickets import Ticket

ALL = Scope()


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(Library(NumpyIndex), max_queued=100)
    yield engine
    engine.close()


def add(engine: Engine, source_id: int, n: int = 20) -> NewSource:
    source = NewSource(source_id, source_id, source_id, make_signature(source_id, n))
    engine.change(lambda library: library.add(source)).result()
    return source


def random_queries(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(-90, 90, (n, N_DIMS)).astype(np.int8)


def test_merged_searches_answer_like_single_ones(engine: Engine) -> None:
    add(engine, 1)
    queries = random_queries(12)
    alone = [engine.search(queries[i : i + 1], 5, ALL).result().neighbours for i in range(12)]
    hold = threading.Event()
    engine.change(lambda _: hold.wait(10))
    together = [engine.search(queries[i : i + 1], 5, ALL) for i in range(12)]
    hold.set()
    for one, future in zip(alone, together, strict=True):
        found = future.result()
        assert found.n_batched == 12
        np.testing.assert_array_equal(one.rows, found.neighbours.rows)
        np.testing.assert_array_equal(one.distances, found.neighbours.distances)


def test_many_dead_rows_are_compacted_while_searches_go_on() -> None:
    building, go_on = threading.Event(), threading.Event()

    class Slow(NumpyIndex):
        def take(self, rows: np.ndarray) -> np.ndarray:
            building.set()
            assert go_on.wait(10)
            return super().take(rows)

    library = Library(Slow)
    engine = Engine(library, max_queued=100)
    sources = [add(engine, i) for i in range(4)]
    engine.change(lambda library: library.remove(0, 1)).result()
    assert building.wait(10)
    query = derive(sources[2].signature.layouts[:1])
    before = engine.search(query, 1, ALL).result()
    n = sources[2].signature.n_kept
    assert before.neighbours.rows[0, 0] >= 2 * n
    engine.change(lambda library: library.remove(3)).result()
    go_on.set()
    deadline = time.monotonic() + 10
    while library.index.n_rows != n and time.monotonic() < deadline:
        time.sleep(0.01)
    after = engine.search(query, 1, ALL).result()
    assert after.neighbours.rows[0, 0] < n
    assert after.snapshot.locate(after.neighbours.rows)[0] == 2
    assert (library.index.n_rows, library.index.n_dead) == (n, 0)
    engine.close()


def test_searches_of_different_scopes_are_kept_apart(engine: Engine) -> None:
    add(engine, 1)
    add(engine, 2)
    hold = threading.Event()
    engine.change(lambda _: hold.wait(10))
    one = engine.search(random_queries(1), 30, Scope(episode_ids=frozenset({1})))
    both = engine.search(random_queries(1), 40, ALL)
    hold.set()
    assert set(one.result().snapshot.locate(one.result().neighbours.rows)[0].ravel()) == {1, -1}
    assert set(both.result().snapshot.locate(both.result().neighbours.rows)[0].ravel()) >= {1, 2}


def test_a_full_queue_refuses_and_names_the_limit(engine: Engine) -> None:
    hold = threading.Event()
    engine.change(lambda _: hold.wait(10))
    waiting = engine.search(random_queries(90), 5, ALL)
    with pytest.raises(Overloaded, match=r"100 \(max_queue_signatures\)"):
        engine.search(random_queries(20), 5, ALL)
    hold.set()
    waiting.result()
    engine.search(random_queries(20), 5, ALL).result()


def test_a_failing_change_reaches_its_caller_and_the_engine_lives_on(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        engine.change(lambda _: 1 // 0).result()
    add(engine, 1)
    assert engine.search(random_queries(1), 1, ALL).result().neighbours.rows[0, 0] >= 0


def test_a_closed_engine_finishes_what_waits_and_refuses_more() -> None:
    engine = Engine(Library(NumpyIndex), max_queued=100)
    add(engine, 1)
    futures = [engine.search(random_queries(3), 5, ALL) for _ in range(20)]
    engine.close()
    assert all(future.result().neighbours.rows.shape == (3, 5) for future in futures)
    with pytest.raises(NotReady):
        engine.search(random_queries(1), 1, ALL)


class HeldIndex(NumpyIndex):
    """Says when a search has begun and waits to be let go."""

    begun, go = threading.Event(), threading.Event()

    def search(self, *arguments: Any) -> Neighbours:
        self.begun.set()
        self.go.wait(10)
        return super().search(*arguments)


def test_a_search_in_slices_answers_like_a_whole_one_and_sees_one_state() -> None:
    engine = Engine(Library(HeldIndex), max_queued=100_000)
    add(engine, 1)
    queries = random_queries(9000)
    large = engine.search(queries, 5, ALL)
    assert HeldIndex.begun.wait(10)
    added = engine.change(lambda library: library.add(NewSource(2, 2, 2, make_signature(2, 20))))
    HeldIndex.go.set()
    found = large.result()
    assert set(found.snapshot.locate(found.neighbours.rows)[0].ravel()) == {1}
    added.result()
    expected = engine.search(queries[-3:], 5, Scope(episode_ids=frozenset({1}))).result()
    np.testing.assert_array_equal(found.neighbours.distances[-3:], expected.neighbours.distances)
    assert 2 in engine.search(queries, 30, ALL).result().snapshot.sources
    engine.close()


def test_a_cancelled_search_is_not_answered(engine: Engine) -> None:
    hold = threading.Event()
    engine.change(lambda _: hold.wait(10))
    ticket = Ticket()
    waiting = engine.search(random_queries(3), 5, ALL, ticket=ticket)
    future = engine.search(random_queries(3), 5, ALL)
    assert future.cancel()
    ticket.cancelled = True
    hold.set()
    with pytest.raises(OperationCancelled):
        waiting.result()
    engine.search(random_queries(1), 5, ALL).result()
