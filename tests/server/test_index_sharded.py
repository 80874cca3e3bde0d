"""Shards answer as one index does, whatever is added to which and removed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from mitate.server.index_native import NativeIndex
from mitate.server.index_numpy import NumpyIndex
from mitate.server.index_sharded import ShardedIndex


class Histories(RuleBasedStateMachine):
    """Any mix of adding, removing, reading and searching gives what one index gives."""

    @initialize(seed=st.integers(0, 2**32 - 1), n_shards=st.integers(1, 4))
    def start(self, seed: int, n_shards: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.one = NumpyIndex()
        self.shards = [NativeIndex() for _ in range(n_shards)]
        self.sharded = ShardedIndex(self.shards)

    @rule(n=st.integers(0, 60), levels=st.sampled_from([0, 1, 127]))
    def add(self, n: int, levels: int) -> None:
        vectors = self.rng.integers(-levels, levels + 1, (n, 32)).astype(np.int8)
        assert self.one.add(vectors) == self.sharded.add(vectors)

    @rule(at=st.floats(0, 1), length=st.integers(0, 90))
    def remove(self, at: float, length: int) -> None:
        first = int(at * self.one.n_rows)
        stop = min(first + length, self.one.n_rows)
        self.one.remove(first, stop)
        self.sharded.remove(first, stop)
        assert self.one.n_dead == self.sharded.n_dead

    @rule(n=st.integers(0, 9))
    def take(self, n: int) -> None:
        if self.one.n_rows:
            rows = self.rng.integers(0, self.one.n_rows, (n, 2))
            np.testing.assert_array_equal(self.sharded.take(rows), self.one.take(rows))

    @rule(k=st.sampled_from([1, 5, 70, 1024]), levels=st.sampled_from([0, 1, 127]))
    def search(self, k: int, levels: int) -> None:
        queries = self.rng.integers(-levels, levels + 1, (3, 32)).astype(np.int8)
        ends = np.sort(self.rng.integers(0, self.one.n_rows + 1, 6)).reshape(-1, 2)
        for allowed in (None, ends):
            found = self.sharded.search(queries, k, allowed)
            expected = self.one.search(queries, k, allowed)
            np.testing.assert_array_equal(found.rows, expected.rows)
            np.testing.assert_array_equal(found.distances, expected.distances)
            assert found.exact.all()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)


def test_what_is_added_goes_to_the_shard_with_the_fewest_live_rows() -> None:
    shards = [NativeIndex() for _ in range(3)]
    sharded = ShardedIndex(shards)
    for n in (50, 20, 30, 5, 5):
        sharded.add(np.zeros((n, 32), np.int8))
    assert [shard.n_rows for shard in shards] == [50, 30, 30]
    sharded.remove(0, 45)
    sharded.add(np.zeros((7, 32), np.int8))
    assert shards[0].n_rows == 57


def test_a_sharded_index_needs_a_shard() -> None:
    with pytest.raises(ValueError, match="at least one shard"):
        ShardedIndex([])
