"""Runs change no answer: with them the native index equals the oracle in both metrics."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from numpy.typing import NDArray

from mitate.kernels.run_table import MAX_RUN_ROWS, RADIUS_STEPS, RunTable, measure_runs
from mitate.kernels.tiles import L2, LIRE, Metric
from mitate.server import index_native
from mitate.server.index import MAX_K, Neighbours
from mitate.server.index_native import NativeIndex
from mitate.server.index_numpy import NumpyIndex

LARGEST = np.array([63] + [31] * 20 + [63] + [31] * 5 + [63] + [31] * 5)
METRICS = {"L2": L2, "LIRE": LIRE}


@pytest.fixture(autouse=True, scope="module")
def runs_are_used_for_few_rows() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_native, "_FEW_ROWS", 0)
        patch.setattr(index_native, "_SHORT_RUN", 0.0)
        yield


def scenes(rng: np.random.Generator, metric: Metric, n: int) -> NDArray[np.generic]:
    """Rows like those of a film: scenes that drift, cuts, and scenes that come back."""
    low, high = (-128, 127) if metric is L2 else (0, LARGEST)
    width = metric.n_dims
    prototypes = rng.integers(low, np.add(high, 1), (6, width))
    cuts = np.cumsum(rng.random(n) < 0.1)
    drift = np.cumsum(rng.integers(-1, 2, (n, width)) * (rng.random((n, width)) < 0.2), axis=0)
    rows = prototypes[rng.integers(0, 6, n + 1)[cuts]] + drift
    return rows.clip(low, high).astype(metric.dtype)


def assert_equal(found: Neighbours, expected: Neighbours) -> None:
    np.testing.assert_array_equal(found.distances, expected.distances)
    np.testing.assert_array_equal(found.rows, expected.rows)
    assert found.distances.dtype == expected.distances.dtype
    assert found.exact.all()


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@pytest.mark.parametrize("k", [1, 10, 200, MAX_K])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_runs_find_what_the_oracle_finds(
    metric: Metric, k: int, n_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_native, "_PAIRS_PER_THREAD", 10_000)
    rng = np.random.default_rng(k)
    stored = scenes(rng, metric, 6000)
    queries = np.concatenate([stored[50:3000:60], scenes(rng, metric, 10)])
    native, oracle = NativeIndex(n_threads, metric=metric), NumpyIndex(metric)
    for index in (native, oracle):
        index.add(stored[:2500])
        index.add(stored[2500:])
        index.remove(100, 900)
        index.remove(2000, 2003)
    assert 100 < native.n_runs < 3000
    assert_equal(native.search(queries, k), oracle.search(queries, k))
    ranges = np.array([[0, 2500]])
    assert_equal(native.search(queries, k, ranges), oracle.search(queries, k, ranges))
    ranges = np.array([[3, 700], [2499, 5001]])
    assert_equal(native.search(queries, k, ranges), oracle.search(queries, k, ranges))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_more_runs_than_there_is_room_for_are_gathered(metric: Metric) -> None:
    """All rows lie about equally far, so that every run has to be opened."""
    rng = np.random.default_rng(1)
    stored = scenes(rng, metric, 5000)
    native, oracle = NativeIndex(metric=metric, run_limit=0.5), NumpyIndex(metric)
    for index in (native, oracle):
        index.add(stored)
        index.remove(0, 4990)
    assert native.n_runs > 3000
    assert_equal(native.search(stored[:9], 20), oracle.search(stored[:9], 20))


@pytest.mark.parametrize("max_opened", [1, 3, 6, 100_000])
def test_an_answer_is_called_exact_only_if_it_is(max_opened: int) -> None:
    rng = np.random.default_rng(max_opened)
    stored = scenes(rng, L2, 4000)
    queries = np.concatenate([stored[::100], scenes(rng, L2, 20)])
    native, oracle = NativeIndex(max_opened=max_opened), NumpyIndex()
    for index in (native, oracle):
        index.add(stored)
    found, expected = native.search(queries, 30), oracle.search(queries, 30)
    same = (found.rows == expected.rows).all(axis=1)
    assert not (found.exact & ~same).any()
    assert found.exact.all() == (max_opened == 100_000)
    if max_opened == 6:
        assert found.exact.any()


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(0, 200), max_size=4), seed=st.integers(0, 2**32 - 1))
def test_the_box_of_a_run_holds_its_rows_and_no_more(
    metric: Metric, sizes: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    table = RunTable(metric, metric.run_limit)
    parts = [scenes(rng, metric, n) for n in sizes]
    for part in parts:
        table.append(part)
    rows = np.concatenate([np.zeros((0, metric.n_dims), metric.dtype), *parts])
    stored = metric.queries(rows).bytes
    spans = [table.rows_of(run) for run in range(table.n_runs)]
    assert [row for span in sorted(spans) for row in range(*span)] == list(range(len(rows)))
    assert all(stop - first <= MAX_RUN_ROWS for first, stop in spans)
    ends = {0, *np.cumsum(sizes).tolist()}
    assert not any(first < end < stop for first, stop in spans for end in ends)
    for run, (first, stop) in enumerate(spans):
        low, high = table.sides(run)
        np.testing.assert_array_equal(low, stored[first:stop].min(axis=0))
        np.testing.assert_array_equal(high, stored[first:stop].max(axis=0))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4), seed=st.integers(0, 2**32 - 1))
def test_every_row_lies_within_the_radius_of_its_run(
    metric: Metric, sizes: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows, starts = scenes(rng, metric, sum(sizes)), np.cumsum([0, *sizes])
    centres = np.empty((len(sizes), metric.n_dims), metric.dtype)
    radii = np.empty(len(sizes), np.uint16)
    measure_runs(rows, starts, metric is LIRE, centres, radii)
    for i, (first, stop) in enumerate(pairwise(starts)):
        distances = np.float64(metric.distances(rows[first:stop], centres[i]))
        roots = np.sqrt(distances) if metric is L2 else distances
        assert roots.max() <= radii[i] / RADIUS_STEPS


class Histories(RuleBasedStateMachine):
    """Any mix of adding, removing and searching, with filters, leaves both equal."""

    @initialize(seed=st.integers(0, 2**32 - 1), metric=st.sampled_from(["L2", "LIRE"]))
    def start(self, seed: int, metric: str) -> None:
        self.rng = np.random.default_rng(seed)
        self.metric = METRICS[metric]
        self.native, self.oracle = NativeIndex(metric=self.metric), NumpyIndex(self.metric)
        self.ends = [0]

    @rule(n=st.integers(0, 150))
    def add(self, n: int) -> None:
        rows = scenes(self.rng, self.metric, n)
        assert self.oracle.add(rows) == self.native.add(rows)
        self.ends.append(self.ends[-1] + n)

    @rule(at=st.floats(0, 1), length=st.integers(0, 100))
    def remove(self, at: float, length: int) -> None:
        first = int(at * self.oracle.n_rows)
        stop = min(first + length, self.oracle.n_rows)
        for index in (self.native, self.oracle):
            index.remove(first, stop)
        assert self.native.n_dead == self.oracle.n_dead

    @rule(
        k=st.one_of(st.integers(1, 50), st.just(MAX_K)),
        n_queries=st.sampled_from([1, 3, 25]),
        filtered=st.booleans(),
    )
    def search(self, k: int, n_queries: int, filtered: bool) -> None:
        queries = scenes(self.rng, self.metric, n_queries)
        allowed = None
        if filtered:
            parts = [pair for pair in pairwise(self.ends) if self.rng.random() < 0.6]
            allowed = np.array(parts, np.int64).reshape(-1, 2)
        assert_equal(
            self.native.search(queries, k, allowed), self.oracle.search(queries, k, allowed)
        )


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=80, stateful_step_count=12, deadline=None)
