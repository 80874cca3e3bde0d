"""Every backend answers as the brute force does, ties and removed rows included."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

from mitate.kernels.errors import SettingsError
from mitate.server.index import MAX_K, Index, Neighbours, make_index, rows_within
from mitate.server.index_native import NativeIndex, split_ranges
from mitate.server.index_numpy import NumpyIndex

pytest.importorskip("faiss")

FAISS_BLAS_THRESHOLD = 20
OTHERS = ("faiss", "native")


@pytest.fixture(params=["numpy", "faiss", "native"])
def index(request: pytest.FixtureRequest) -> Index:
    return make_index(request.param)


def vectors_near_each_other(rng: np.random.Generator, n: int, levels: int = 2) -> NDArray[np.int8]:
    """Vectors with few values, so that many distances tie."""
    return rng.integers(-levels, levels + 1, (n, 32)).astype(np.int8)


def vectors_in_full_range(rng: np.random.Generator, n: int) -> NDArray[np.int8]:
    return rng.integers(-128, 128, (n, 32)).astype(np.int8)


def some_ranges(rng: np.random.Generator, n_rows: int, share: float) -> NDArray[np.int64]:
    """Ranges that hold about a share of the rows; some are empty, some touch."""
    chosen = np.concatenate([[False], rng.random(n_rows) < share, [False]])
    firsts, stops = np.flatnonzero(np.diff(chosen.astype(np.int8))).reshape(-1, 2).T
    cut = (firsts + stops) // 2
    halves = [(firsts, cut), (cut, stops)]
    return np.concatenate([np.stack(pair, axis=1) for pair in halves]).astype(np.int64)[
        np.lexsort((np.concatenate([cut, stops]), np.concatenate([firsts, cut])))
    ]


def assert_equal(found: Neighbours, expected: Neighbours) -> None:
    np.testing.assert_array_equal(found.distances, expected.distances)
    np.testing.assert_array_equal(found.rows, expected.rows)
    assert found.distances.dtype == np.int32
    assert found.rows.dtype == np.int64


def brute_force(
    vectors: NDArray[np.int8], usable: NDArray[np.bool_], query: NDArray[np.int8], k: int
) -> list[tuple[int, int]]:
    distances = [
        (sum((int(a) - int(b)) ** 2 for a, b in zip(vector, query, strict=True)), row)
        for row, vector in enumerate(vectors)
        if usable[row]
    ]
    return sorted(distances)[:k]


def test_the_oracle_sorts_all_live_rows_by_distance_then_row() -> None:
    rng = np.random.default_rng(1)
    vectors, query = vectors_near_each_other(rng, 60, 1), vectors_near_each_other(rng, 1, 1)
    index = NumpyIndex()
    index.add(vectors)
    index.remove(10, 20)
    usable = np.ones(60, np.bool_)
    usable[10:20] = False
    found = index.search(query, 55)
    expected = brute_force(vectors, usable, query[0], 55)
    pairs = list(zip(found.distances[0].tolist(), found.rows[0].tolist(), strict=True))
    assert pairs == [*expected, *[(-1, -1)] * 5]


def test_an_empty_index_finds_nothing(index: Index) -> None:
    found = index.search(np.zeros((2, 32), np.int8), 3)
    assert (found.rows == -1).all()
    assert (found.distances == -1).all()


def test_no_queries_give_an_empty_answer(index: Index) -> None:
    index.add(np.zeros((4, 32), np.int8))
    assert index.search(np.zeros((0, 32), np.int8), 3).rows.shape == (0, 3)


def test_rows_are_numbered_in_the_order_added(index: Index) -> None:
    assert [index.add(np.zeros((n, 32), np.int8)) for n in (3, 0, 5)] == [0, 3, 3]
    assert index.n_rows == 8


def test_removing_twice_counts_once(index: Index) -> None:
    index.add(np.zeros((10, 32), np.int8))
    index.remove(2, 6)
    index.remove(4, 8)
    assert (index.n_rows, index.n_dead) == (10, 6)


def test_all_rows_removed_or_disallowed_finds_nothing(index: Index) -> None:
    index.add(np.zeros((10, 32), np.int8))
    index.remove(0, 5)
    found = index.search(np.zeros((1, 32), np.int8), 4, np.array([[0, 5]]))
    assert (found.rows == -1).all()
    nothing = np.zeros((0, 2), np.int64)
    assert (index.search(np.zeros((1, 32), np.int8), 4, nothing).rows == -1).all()


@pytest.mark.parametrize("n_queries", [1, FAISS_BLAS_THRESHOLD - 1, FAISS_BLAS_THRESHOLD + 30])
@pytest.mark.parametrize("k", [1, 99, 100, MAX_K])
@pytest.mark.parametrize("make", [vectors_near_each_other, vectors_in_full_range])
@pytest.mark.parametrize("backend", OTHERS)
def test_a_backend_equals_the_oracle(n_queries: int, k: int, make: object, backend: str) -> None:
    assert callable(make)
    rng = np.random.default_rng(k + n_queries)
    stored, queries = make(rng, 3000), make(rng, n_queries)
    oracle, other = make_index("numpy"), make_index(backend)
    for index in (oracle, other):
        index.add(stored)
    assert_equal(other.search(queries, k), oracle.search(queries, k))
    for index in (oracle, other):
        index.remove(100, 700)
    allowed = some_ranges(rng, 3000, 0.5)
    assert_equal(other.search(queries, k), oracle.search(queries, k))
    assert_equal(other.search(queries, k, allowed), oracle.search(queries, k, allowed))


@pytest.mark.parametrize("backend", OTHERS)
def test_a_thousand_rows_at_the_last_distance_are_cut_by_row(backend: str) -> None:
    stored = np.zeros((5000, 32), np.int8)
    stored[:50, 0] = 1
    oracle, other = make_index("numpy"), make_index(backend)
    for index in (oracle, other):
        index.add(stored)
    queries = np.zeros((FAISS_BLAS_THRESHOLD + 5, 32), np.int8)
    assert_equal(other.search(queries, 1000), oracle.search(queries, 1000))


def test_the_largest_distance_is_exact(index: Index) -> None:
    index.add(np.full((1, 32), -128, np.int8))
    for n_queries in (1, FAISS_BLAS_THRESHOLD + 1):
        found = index.search(np.full((n_queries, 32), 127, np.int8), 1)
        assert (found.distances == 32 * 255 * 255).all()


@pytest.mark.parametrize(
    ("queries", "k", "allowed", "message"),
    [
        (np.zeros((1, 31), np.int8), 1, None, r"queries is int8 of shape \(1, 31\)"),
        (np.zeros((1, 32), np.uint8), 1, None, "queries is uint8"),
        (np.zeros((1, 32), np.int8), 0, None, r"k is 0; allowed: 1\.\.1024"),
        (np.zeros((1, 32), np.int8), MAX_K + 1, None, "k is 1025"),
        (np.zeros((1, 32), np.int8), 1, np.ones(4, np.bool_), r"expected int64 \(r, 2\)"),
        (np.zeros((1, 32), np.int8), 1, np.array([[2, 5]]), r"leave 0\.\.4"),
        (np.zeros((1, 32), np.int8), 1, np.array([[0, 2], [1, 3]]), "overlap"),
    ],
)
def test_a_wrong_search_is_refused(
    index: Index, queries: NDArray[np.int8], k: int, allowed: NDArray[np.int64] | None, message: str
) -> None:
    index.add(np.zeros((4, 32), np.int8))
    with pytest.raises(ValueError, match=message):
        index.search(queries, k, allowed)


def test_a_wrong_range_is_refused(index: Index) -> None:
    index.add(np.zeros((4, 32), np.int8))
    with pytest.raises(ValueError, match=r"rows 2\.\.5 do not lie in 0\.\.4"):
        index.remove(2, 5)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(SettingsError, match="'milvus'; allowed: auto, native, gpu, faiss, numpy"):
        make_index("milvus")


def test_gpus_asked_for_where_there_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(SettingsError, match=r"index backend is 'gpu': work on a GPU needs CuPy"):
        make_index("gpu")


class Histories(RuleBasedStateMachine):
    """Any mix of adding, removing and searching leaves all backends equal."""

    @initialize(seed=st.integers(0, 2**32 - 1))
    def start(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.oracle = make_index("numpy")
        self.others = [make_index(name) for name in OTHERS]

    @rule(n=st.integers(0, 60), levels=st.sampled_from([0, 1, 127]))
    def add(self, n: int, levels: int) -> None:
        vectors = vectors_near_each_other(self.rng, n, levels)
        first = self.oracle.add(vectors)
        assert [other.add(vectors) for other in self.others] == [first] * len(self.others)

    @rule(at=st.floats(0, 1), length=st.integers(0, 40))
    def remove(self, at: float, length: int) -> None:
        first = int(at * self.oracle.n_rows)
        stop = min(first + length, self.oracle.n_rows)
        for index in (self.oracle, *self.others):
            index.remove(first, stop)

    @rule(
        k=st.one_of(st.integers(1, 70), st.just(MAX_K)),
        n_queries=st.sampled_from([1, 3, 25]),
        levels=st.sampled_from([0, 1, 127]),
        share=st.sampled_from([None, 0.0, 0.1, 0.9]),
    )
    def search(self, k: int, n_queries: int, levels: int, share: float | None) -> None:
        queries = vectors_near_each_other(self.rng, n_queries, levels)
        allowed = None if share is None else some_ranges(self.rng, self.oracle.n_rows, share)
        expected = self.oracle.search(queries, k, allowed)
        for other in self.others:
            assert_equal(other.search(queries, k, allowed), expected)

    @invariant()
    def count_alike(self) -> None:
        for other in getattr(self, "others", ()):
            assert (other.n_rows, other.n_dead) == (self.oracle.n_rows, self.oracle.n_dead)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


def test_threads_share_a_search_and_find_the_same() -> None:
    rng = np.random.default_rng(5)
    stored, queries = vectors_near_each_other(rng, 60_000), vectors_near_each_other(rng, 300)
    alone, shared = NativeIndex(1), NativeIndex(3)
    for index in (alone, shared):
        index.add(stored)
        index.remove(777, 9000)
    assert_equal(shared.search(queries, 50), alone.search(queries, 50))
    allowed = np.array([[5, 20_001], [20_001, 20_002], [39_000, 60_000]])
    assert_equal(shared.search(queries, 50, allowed), alone.search(queries, 50, allowed))


@settings(max_examples=100, deadline=None)
@given(
    ends=st.lists(st.integers(0, 300), max_size=12).map(sorted),
    n_parts=st.integers(1, 5),
)
def test_split_ranges_hold_every_row_once(ends: list[int], n_parts: int) -> None:
    ranges = np.array(ends[: len(ends) // 2 * 2], np.int64).reshape(-1, 2)
    parts = split_ranges(ranges, n_parts)
    assert len(parts) == n_parts
    held = sum(rows_within(part, 300).astype(int) for part in parts)
    np.testing.assert_array_equal(held, rows_within(ranges, 300))


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 300), k=st.integers(1, 400), seed=st.integers(0, 1000))
def test_a_stored_vector_finds_itself_first_or_an_equal_one_before_it(
    n: int, k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    stored = vectors_near_each_other(rng, n, 1)
    for name in OTHERS:
        index = make_index(name)
        index.add(stored)
        found = index.search(stored, min(k, MAX_K))
        assert (found.distances[:, 0] == 0).all()
        assert (found.rows[:, 0] <= np.arange(n)).all()
