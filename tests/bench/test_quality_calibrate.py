from __future__ import annotations

import numpy as np
import pytest

from bench.quality.calibrate import Outcomes, fit
from mitate.server.calibration import default_calibration


def outcomes(n: int = 6000, slope: float = 18.0, offset: float = -8.0) -> Outcomes:
    rng = np.random.default_rng(3)
    unrelated = np.arange(n) % 2 == 0
    evidence = np.where(unrelated, 0.1 + rng.exponential(0.05, n), rng.uniform(0.2, 0.9, n))
    right = rng.random(n) < 1 / (1 + np.exp(-(slope * evidence + offset)))
    titles = np.array([f"title {i % 7}" for i in range(n)])
    return Outcomes(evidence, right, unrelated, titles)


def test_the_curve_that_made_the_outcomes_is_found() -> None:
    found = fit(outcomes(), default_calibration())
    assert found.slope == pytest.approx(18, rel=0.12)
    assert found.offset == pytest.approx(-8, rel=0.12)
    assert found.n_titles == 7


def test_the_tail_of_unrelated_queries_is_extended_and_never_too_low() -> None:
    found = fit(outcomes(), default_calibration())
    exact = {rate: 0.1 - 0.05 * np.log(rate) for rate in (0.05, 0.001)}
    assert found.threshold(0.05) == pytest.approx(exact[0.05], abs=0.02)
    assert exact[0.001] <= found.threshold(0.001) <= exact[0.001] + 0.25


def test_a_fit_has_a_version_of_its_own() -> None:
    assert fit(outcomes(), default_calibration()).version != default_calibration().version
