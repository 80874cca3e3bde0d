"""Every backend answers as the brute force does, ties and removed rows included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

from mitate.kernels.errors import SettingsError
from mitate.server.index import MAX_K, Index, Neighbours, make_index
from mitate.server.index_numpy import NumpyIndex

pytest.importorskip("faiss")

FAISS_BLAS_THRESHOLD = 20


@pytest.fixture(params=["numpy", "faiss"])
def index(request: pytest.FixtureRequest) -> Index:
    return make_index(request.param)


def vectors_near_each_other(rng: np.random.Generator, n: int, levels: int = 2) -> NDArray[np.int8]:
    """Vectors with few values, so that many distances tie."""
    return rng.integers(-levels, levels + 1, (n, 32)).astype(np.int8)


def vectors_in_full_range(rng: np.random.Generator, n: int) -> NDArray[np.int8]:
    return rng.integers(-128, 128, (n, 32)).astype(np.int8)


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
    allowed = np.zeros(10, np.bool_)
    allowed[:5] = True
    assert (index.search(np.zeros((1, 32), np.int8), 4, allowed).rows == -1).all()


@pytest.mark.parametrize("n_queries", [1, FAISS_BLAS_THRESHOLD - 1, FAISS_BLAS_THRESHOLD + 30])
@pytest.mark.parametrize("k", [1, 99, 100, MAX_K])
@pytest.mark.parametrize("make", [vectors_near_each_other, vectors_in_full_range])
def test_faiss_equals_the_oracle(n_queries: int, k: int, make: object) -> None:
    assert callable(make)
    rng = np.random.default_rng(k + n_queries)
    stored, queries = make(rng, 3000), make(rng, n_queries)
    oracle, faiss = make_index("numpy"), make_index("faiss")
    for index in (oracle, faiss):
        index.add(stored)
    assert_equal(faiss.search(queries, k), oracle.search(queries, k))
    for index in (oracle, faiss):
        index.remove(100, 700)
    allowed = rng.random(3000) < 0.5
    assert_equal(faiss.search(queries, k), oracle.search(queries, k))
    assert_equal(faiss.search(queries, k, allowed), oracle.search(queries, k, allowed))


def test_a_thousand_rows_at_the_last_distance_are_cut_by_row() -> None:
    stored = np.zeros((5000, 32), np.int8)
    stored[:50, 0] = 1
    oracle, faiss = make_index("numpy"), make_index("faiss")
    for index in (oracle, faiss):
        index.add(stored)
    queries = np.zeros((FAISS_BLAS_THRESHOLD + 5, 32), np.int8)
    assert_equal(faiss.search(queries, 1000), oracle.search(queries, 1000))


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
        (np.zeros((1, 32), np.int8), 1, np.ones(3, np.bool_), r"expected bool \(4,\)"),
    ],
)
def test_a_wrong_search_is_refused(
    index: Index, queries: NDArray[np.int8], k: int, allowed: NDArray[np.bool_] | None, message: str
) -> None:
    index.add(np.zeros((4, 32), np.int8))
    with pytest.raises(ValueError, match=message):
        index.search(queries, k, allowed)


def test_a_wrong_range_is_refused(index: Index) -> None:
    index.add(np.zeros((4, 32), np.int8))
    with pytest.raises(ValueError, match=r"rows 2\.\.5 do not lie in 0\.\.4"):
        index.remove(2, 5)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(SettingsError, match="'milvus'; allowed: auto, faiss, numpy"):
        make_index("milvus")


class Histories(RuleBasedStateMachine):
    """Any mix of adding, removing and searching leaves both backends equal."""

    @initialize(seed=st.integers(0, 2**32 - 1))
    def start(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.oracle, self.faiss = make_index("numpy"), make_index("faiss")

    @rule(n=st.integers(0, 60), levels=st.sampled_from([0, 1, 127]))
    def add(self, n: int, levels: int) -> None:
        vectors = vectors_near_each_other(self.rng, n, levels)
        assert self.oracle.add(vectors) == self.faiss.add(vectors)

    @rule(at=st.floats(0, 1), length=st.integers(0, 40))
    def remove(self, at: float, length: int) -> None:
        first = int(at * self.oracle.n_rows)
        stop = min(first + length, self.oracle.n_rows)
        self.oracle.remove(first, stop)
        self.faiss.remove(first, stop)

    @rule(
        k=st.one_of(st.integers(1, 70), st.just(MAX_K)),
        n_queries=st.sampled_from([1, 3, 25]),
        levels=st.sampled_from([0, 1, 127]),
        share=st.sampled_from([None, 0.0, 0.1, 0.9]),
    )
    def search(self, k: int, n_queries: int, levels: int, share: float | None) -> None:
        queries = vectors_near_each_other(self.rng, n_queries, levels)
        allowed = None if share is None else self.rng.random(self.oracle.n_rows) < share
        assert_equal(
            self.faiss.search(queries, k, allowed), self.oracle.search(queries, k, allowed)
        )

    @invariant()
    def count_alike(self) -> None:
        if hasattr(self, "oracle"):
            assert self.oracle.n_rows == self.faiss.n_rows
            assert self.oracle.n_dead == self.faiss.n_dead


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 300), k=st.integers(1, 400), seed=st.integers(0, 1000))
def test_a_stored_vector_finds_itself_first_or_an_equal_one_before_it(
    n: int, k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    stored = vectors_near_each_other(rng, n, 1)
    index = make_index("faiss")
    index.add(stored)
    found = index.search(stored, min(k, MAX_K))
    assert (found.distances[:, 0] == 0).all()
    assert (found.rows[:, 0] <= np.arange(n)).all()
