"""Compiled distances are those of plain arithmetic, however the arrays are shaped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitate.server.distances import squared_distances
from mitate.server.emissions import (
    Frames,
    Likelihood,
    Line,
    Reference,
    distances_on,
    with_windows,
)

SHAPES = [((), (7,)), ((7,), (7,)), ((5, 1), (5, 3)), ((5, 1), (5, 0)), ((0,), (0,)), ((), ())]


def vectors(*shape: int, seed: int = 0) -> NDArray[np.int8]:
    rng = np.random.default_rng((seed, *shape))
    return rng.integers(-128, 128, (*shape, 32)).astype(np.int8)


def plainly(one: NDArray[np.int8], other: NDArray[np.int8]) -> NDArray[np.int64]:
    difference = one.astype(np.int64) - other
    return np.asarray((difference * difference).sum(axis=-1))


@pytest.mark.parametrize(("one", "other"), SHAPES, ids=str)
def test_distances_are_those_of_plain_arithmetic(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    found = squared_distances(vectors(*one), vectors(*other, seed=1))
    assert found.dtype == np.int32
    assert np.array_equal(found, plainly(vectors(*one), vectors(*other, seed=1)))


def test_the_farthest_vectors_and_every_other_row_are_compared_rightly() -> None:
    low, high = np.full(32, -128, np.int8), np.full((4, 32), 127, np.int8)
    assert squared_distances(low, high[::2]).tolist() == [32 * 255**2] * 2


@given(st.integers(0, 2**32), st.integers(0, 15), st.sampled_from([0.5, 1.0, -1.0, 2.0]))
def test_the_windows_of_a_line_are_those_that_agree_one_by_one(
    seed: int, shown: int, speed: float
) -> None:
    n_runs, per_run, n_windows = 6, 4, 16
    of_windows = vectors(n_windows * n_runs, seed=seed)
    reference = Reference(
        np.arange(n_runs * per_run) * 40,
        np.arange(n_runs * per_run, dtype=np.uint32),
        vectors(n_runs * per_run, seed=seed),
        n_runs * per_run * 40,
        of_windows,
        np.arange(n_runs, dtype=np.uint32) * per_run,
    )
    frames = of_windows[shown * n_runs + np.arange(12) // 2 % n_runs]
    query = Frames(np.arange(12) * 100, frames, frames, np.ones(12, np.bool_))
    line = Line(0, False, speed, 100.0 if speed > 0 else 900.0, False, tuple(range(n_windows)))
    likelihood = Likelihood.for_rows(1000)
    evidence = {
        window: likelihood(distances_on(line._replace(windows=(window,)), query, reference))
        for window in line.windows
    }
    best = max(evidence, key=lambda window: float(evidence[window].clip(0).sum()))
    assert best in with_windows(line, query, reference, likelihood).windows
