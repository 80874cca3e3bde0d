"""Plans of AMVs and clips say what is true about them."""

from __future__ import annotations

import numpy as np
import pytest

from bench.quality.transforms import Cell
from bench.timeline import clips
from bench.timeline.plan import SHOT_S, Planner, Survey
from bench.timeline.spans import Span


def survey(title: str, seconds: float, seed: int) -> Survey:
    times_ms = np.arange(0, round(seconds * 1000), 40)
    rng = np.random.default_rng(seed)
    thumbs = rng.integers(0, 256, (len(times_ms), 36, 64, 3), np.uint8)
    return Survey(times_ms, thumbs, title, 16 / 9)


@pytest.fixture(scope="module")
def planner() -> Planner:
    return Planner([survey(f"title {n % 5}", 30, n) for n in range(8)], 1)


def test_shots_follow_one_another_and_are_as_long_as_said(planner: Planner) -> None:
    ask = planner.amv(0, 30)
    assert ask.shots[0].first == 0
    ends = [shot.stop for shot in ask.shots]
    assert [shot.first for shot in ask.shots[1:]] == ends[:-1]
    assert ask.ms(ask.shots[-1].stop) >= 30_000
    for shot in ask.shots:
        seconds = (ask.ms(shot.stop) - ask.ms(shot.first)) / 1000
        assert SHOT_S[0] - 0.03 <= seconds <= SHOT_S[1] + 0.03


def test_truth_is_only_of_what_is_indexed(planner: Planner) -> None:
    ask = planner.amv(1, 60)
    truth = ask.truth()
    assert ask.left_out
    assert 0 < len(truth) < len(ask.shots)
    assert not {span.clip for span in truth} & ask.left_out
    assert planner.amv(2, 20, unseen=True).truth() == []


def test_a_seed_gives_the_same_plan(planner: Planner) -> None:
    assert planner.amv(3, 10) == planner.amv(3, 10)
    assert planner.amv(3, 10) != planner.amv(4, 10)


def test_still_scenes_are_not_asked_for() -> None:
    still = survey("still", 30, 0)
    still.thumbs[:] = still.thumbs[0]
    assert not still.shows_something(1000, 2000)
    assert survey("moving", 30, 0).shows_something(1000, 2000)


@pytest.mark.parametrize("cell", clips.cells(), ids=" ".join)
def test_clips_show_what_their_edit_says(planner: Planner, cell: tuple[str, str]) -> None:
    ask = clips.clip(planner, 1, 0, Cell(*cell))
    truth = ask.truth()
    assert truth[0].query_from == 0
    assert all(isinstance(span, Span) and span.query_to > span.query_from for span in truth)
    if cell[0] == "speed":
        assert truth[0].speed == pytest.approx(float(cell[1]), rel=1e-3)
    if cell[0] == "reverse":
        assert truth[0].speed == pytest.approx(-1)
    if cell[0] == "freeze":
        assert [round(span.speed) for span in truth] == [1, 0, 1]
        assert truth[1].from_ms == truth[0].to_ms == truth[2].from_ms
    if cell[0] == "mirror":
        assert truth[0].mirrored


def test_a_negative_is_of_a_title_that_is_left_out(planner: Planner) -> None:
    ask = clips.negative(planner, 1, 5, clips.cells()[0])
    assert ask.truth() == []
    assert ask.left_out >= {shot.clip for shot in ask.shots}
