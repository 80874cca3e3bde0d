"""The probability of segments is fitted as a logistic regression."""

from __future__ import annotations

import numpy as np
import pytest

from bench.timeline.calibrate import fit
from bench.timeline.figures import upper_bound


def test_a_fit_finds_the_weights_that_made_the_outcomes() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal([5, 0, 1], [1, 3, 0.5], (20_000, 3))
    chances = 1 / (1 + np.exp(-(values @ [1.0, 0.5, -2.0] - 4)))
    weights, offset = fit(values, rng.random(len(values)) < chances, 0.02)
    found = 1 / (1 + np.exp(-(values @ weights + offset)))
    assert weights[0] > 0.5 and weights[1] > 0.3 and weights[2] < -0.8
    assert np.abs(found - chances).mean() < 0.08
    assert found.mean() == pytest.approx(chances.mean(), abs=0.01)


def test_the_bound_on_a_rate_is_that_of_clopper_and_pearson() -> None:
    assert upper_bound(0, 500) == pytest.approx(1 - 0.05 ** (1 / 500), rel=1e-6)
    assert upper_bound(2, 500) == pytest.approx(0.01253, abs=2e-4)
