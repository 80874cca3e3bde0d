"""The words of a comparison: every number that decides comes with what is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from comparing import comparing, film, scene
from hypothesis import given
from hypothesis import strategies as st

from mitate.kernels.quality import GATE
from mitate.kernels.sign import sign
from mitate.server.calibration import default_calibration
from mitate.server.comparison import Comparison, Measure, Outcome, Stage, clock, number

DECIDING = {"quality": "quality_query", "distance": "distance", "agreement": "agreement"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Comparison]]:
    folder = tmp_path_factory.mktemp("stages")
    films = [film(folder / f"{i}.webp", range(10 * i, 10 * i + 4)) for i in range(3)]
    for seed in (11, 77):
        scene(seed).crop((12, 8, 290, 160)).save(folder / f"{seed}.png")
    with comparing([sign(path) for path in films]) as compare:
        yield [compare(folder / f"{seed}.png", episode) for seed in (11, 77) for episode in (2, 3)]


def decides(stage: Stage) -> Measure:
    return next(one for one in stage.measures if one.name == DECIDING.get(stage.name, "evidence"))


def is_enough(measure: Measure) -> bool:
    assert (measure.least is None) or (measure.most is None)
    low = measure.least is None or measure.value >= measure.least
    return low and (measure.most is None or measure.value <= measure.most)


def test_a_stage_passes_exactly_when_its_number_is_enough(found: list[Comparison]) -> None:
    seen = set()
    for comparison in found:
        for stage in comparison.stages:
            if stage.outcome in (Outcome.PASSED, Outcome.FAILED):
                assert is_enough(decides(stage)) == (stage.outcome is Outcome.PASSED)
                seen.add((stage.name, str(stage.outcome)))
    assert {("agreement", "passed"), ("agreement", "failed"), ("quality", "passed")} <= seen


def test_a_match_is_what_passes_every_stage(found: list[Comparison]) -> None:
    verdicts = [comparison.verdict for comparison in found]
    assert verdicts == ["match", "no_match", "no_match", "no_match"]
    for comparison in found:
        failed = [stage for stage in comparison.stages if stage.outcome is Outcome.FAILED]
        assert bool(failed) == (comparison.verdict == "no_match")
        if failed:
            assert failed[0].text.partition(";")[0] in comparison.summary
            assert number(decides(failed[0]).value) in comparison.summary


def test_agreement_and_evidence_agree_about_the_match(found: list[Comparison]) -> None:
    for comparison in found:
        agreement, evidence = (
            next(stage for stage in comparison.stages if stage.name == name)
            for name in ("agreement", "evidence")
        )
        assert agreement.outcome == evidence.outcome


def test_a_probability_tells_on_how_many_titles_it_rests(found: list[Comparison]) -> None:
    for comparison in found:
        names = {one.name: one.value for one in comparison.stages[-1].measures}
        assert names["titles"] == default_calibration().n_titles


def test_quality_needs_the_gate(found: list[Comparison]) -> None:
    for comparison in found:
        assert [one.least for one in comparison.stages[0].measures] == [GATE, GATE]


@pytest.mark.parametrize(
    "value, text",
    [(0.0, "0"), (-0.0001, "0.000"), (12.0, "12"), (0.5, "0.500"), (7543.25, "7,543.2")],
)
def test_numbers_have_the_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text


@given(st.integers(0, 10**9))
def test_clock_reads_back(ms: int) -> None:
    *hours, minutes, seconds = clock(ms).split(":")
    total = sum(int(hour) for hour in hours) * 3600 + int(minutes) * 60 + float(seconds)
    assert total * 1000 == pytest.approx(ms, abs=50)
    assert float(seconds) < 60
