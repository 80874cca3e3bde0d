"""The probability of a segment grows with what speaks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mitate.kernels.errors import CorruptData
from mitate.server.emissions import Line
from mitate.server.segments import (
    CLIPS,
    FEATURES,
    NAME,
    PICTURED,
    PLAIN,
    clip_calibration,
    features,
    names_of,
    parse,
    segment_calibration,
)
from mitate.server.stretches import Stretch

WHOLE: dict[str, Any] = {
    kind: {"weights": dict.fromkeys(names_of(NAME, kind), 1.0), "offset": 0.0}
    for kind in (PLAIN, PICTURED)
} | {"n_segments": 1}
Probability = Callable[[Stretch], float]


def of_timelines(stretch: Stretch) -> float:
    return segment_calibration().probability(stretch)


def of_whole_clips(stretch: Stretch) -> float:
    return clip_calibration().probability(stretch, 1.0)


BOTH = pytest.mark.parametrize("probability", [of_timelines, of_whole_clips])
SURE = Stretch(Line(1, False, 1.0, 0.0), 0, 48, 40.0, 0.95, 200.0, 10, 20)


@BOTH
def test_the_shipped_calibrations_believe_the_sure_and_not_the_faint(
    probability: Probability,
) -> None:
    assert probability(SURE) > 0.9
    assert probability(replace(SURE, score=6.0, agreement=0.35)) < 0.5


@BOTH
@pytest.mark.parametrize("alike", [None, 0.8])
def test_parts_and_speeds_need_more_evidence(probability: Probability, alike: float | None) -> None:
    plain = replace(SURE, likeness=alike)
    for line in (SURE.line._replace(windows=(1,)), SURE.line._replace(speed=0.5)):
        assert probability(replace(plain, line=line)) < probability(plain)


@BOTH
@pytest.mark.parametrize(("alike", "more"), [(None, 0.0), (0.8, 0.05)])
def test_being_mirrored_speaks_against_a_stretch_or_where_pictures_agree_hardly_for_it(
    probability: Probability, alike: float | None, more: float
) -> None:
    plain = replace(SURE, likeness=alike)
    mirrored = replace(plain, line=SURE.line._replace(mirrored=True))
    assert probability(mirrored) < probability(plain) + more


@BOTH
def test_less_evidence_is_never_more_probable(probability: Probability) -> None:
    scores = [0.0, 1.0, 5.0, 20.0, 80.0]
    chances = [probability(replace(SURE, score=one)) for one in scores]
    assert chances == sorted(chances)
    assert all(0 < one < 1 for one in chances)


@BOTH
def test_likeness_decides_where_it_is_known(probability: Probability) -> None:
    faint = replace(SURE, score=6.0, agreement=0.5)
    assert probability(replace(faint, likeness=0.93)) > 0.5 > probability(faint)
    assert probability(replace(SURE, score=12.0, likeness=0.3)) < 0.5


def test_a_small_part_of_a_clip_is_less_probable_than_the_whole_of_it() -> None:
    faint = replace(SURE, score=6.0, agreement=0.5)
    chances = [clip_calibration().probability(faint, part) for part in (0.05, 0.5, 1.0)]
    assert chances == sorted(chances) and chances[0] < chances[-1]


def test_the_shipped_calibrations_say_on_how_much_they_rest() -> None:
    assert segment_calibration().n_segments >= 100
    assert clip_calibration().n_segments >= 1000


def test_features_stand_in_their_order() -> None:
    assert len(features(SURE)) == len(FEATURES)
    assert features(SURE)[1] == 0.95


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"n_segments": 1},
        {PLAIN: WHOLE[PLAIN], "n_segments": 1},
        {PLAIN: WHOLE[PLAIN], PICTURED: {"weights": WHOLE[PLAIN]["weights"], "offset": 0.0}},
        {**WHOLE, PICTURED: {"weights": WHOLE[PICTURED]["weights"]}},
        {**WHOLE, "n_segments": None},
    ],
)
def test_a_calibration_with_parts_missing_is_corrupt(values: dict[str, object]) -> None:
    with pytest.raises(CorruptData, match=r"segments\.json"):
        parse(values)
    with pytest.raises(CorruptData, match=r"clips\.json"):
        parse(values, CLIPS)
