from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mitate.kernels.distance import squared_l2
from mitate.kernels.runs import NEW_RUN_DISTANCE, run_starts


def walk(seed: int, n: int) -> np.ndarray:
    steps = np.random.default_rng(seed).integers(-6, 7, (n, 32))
    return steps.cumsum(axis=0).clip(-127, 127).astype(np.int8)


@given(seed=st.integers(0, 99), n=st.integers(1, 60))
def test_every_frame_of_a_run_is_near_its_first_and_the_next_run_begins_where_not(
    seed: int, n: int
) -> None:
    vectors = walk(seed, n)
    starts = run_starts(vectors)
    assert starts[0] == 0
    run = np.searchsorted(starts, np.arange(n), side="right") - 1
    distances = squared_l2(vectors, vectors[starts[run]])
    assert distances.max() <= NEW_RUN_DISTANCE
    if len(starts) > 1:
        before = vectors[starts[:-1]]
        assert (squared_l2(vectors[starts[1:]], before) > NEW_RUN_DISTANCE).all()


@given(seed=st.integers(0, 99), cut=st.integers(1, 59))
def test_runs_go_on_over_the_seams_of_chunks(seed: int, cut: int) -> None:
    vectors = walk(seed, 60)
    first = run_starts(vectors[:cut])
    rest = run_starts(vectors[cut:], vectors[first[-1]]) + cut
    np.testing.assert_array_equal(np.concatenate([first, rest]), run_starts(vectors))
