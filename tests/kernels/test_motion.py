"""The compiled differences are those of the formula."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mitate.kernels.motion import differences


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_what_remains_and_what_is_common_add_up(seed: int, n: int, ways: int) -> None:
    rng = np.random.default_rng(seed)
    query, source = (rng.integers(-127, 128, (m, 32)).astype(np.float32) for m in (n, 40))
    places = rng.integers(0, 40, (ways, n))
    remaining, common = differences(query, source, places)
    apart = query[None].astype(np.float64) - source[places]
    mean = apart.mean(axis=1)
    np.testing.assert_allclose(common, (mean**2).sum(axis=1), rtol=1e-4)
    left = ((apart - mean[:, None]) ** 2).sum(axis=2).mean(axis=1)
    np.testing.assert_allclose(remaining, left, rtol=1e-3, atol=1e-3 * (common.max() + 1))


def test_a_constant_difference_leaves_nothing() -> None:
    source = np.random.default_rng(1).normal(0, 40, (20, 32)).astype(np.float32)
    remaining, common = differences(source[5:15] + 7, source, np.arange(5, 15)[None])
    assert remaining[0] < 1e-2
    assert abs(common[0] - 49 * 32) < 1
