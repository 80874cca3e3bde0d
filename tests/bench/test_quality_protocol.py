from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.quality.figures import Judged
from bench.quality.method import NOTHING, Answer
from bench.quality.protocol import Ask, Looks, Protocol, Sizes, Survey, as_edited, flat_picture
from bench.quality.titles import Clip, Media
from bench.quality.transforms import cells

SIZES = Sizes(per_cell=1, negatives=80, flats=6, distractors=0, first_ms=60_000)


def thumbs(seed: int, n: int = 30) -> NDArray[np.uint8]:
    small = np.random.default_rng(seed).integers(0, 256, (n, 9, 16, 3)).astype(np.uint8)
    return small.repeat(4, axis=1).repeat(4, axis=2)


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    folder = tmp_path_factory.mktemp("clips")
    titles = ["series", "series", "film", "short"]
    clips = tuple(Clip(n, folder / f"{n}.mp4", title, str(n)) for n, title in enumerate(titles))
    pictures = [thumbs(n) for n in range(4)]
    pictures[1][:10] = pictures[0][:10]
    surveys = [Survey(np.arange(30) * 500, its) for its in pictures]
    return Protocol(Media(clips, ()), surveys, SIZES, seed=1)


def test_every_cell_is_asked_and_most_queries_are_negatives(protocol: Protocol) -> None:
    asks = protocol.asks()
    positive = [ask for ask in asks if ask.kind == "positive"]
    assert {ask.cell for ask in positive} == set(cells())
    assert sum(ask.kind in ("unrelated", "series") for ask in asks) == 80


def test_a_seed_always_gives_the_same_queries(protocol: Protocol) -> None:
    assert protocol.asks() == protocol.asks()


def test_of_unrelated_queries_the_whole_title_is_left_out_and_of_series_the_episode(
    protocol: Protocol,
) -> None:
    cell = cells()[0]
    assert protocol.left_out(Ask("unrelated", 0, 0, cell, 0)) == {0, 1}
    assert protocol.left_out(Ask("series", 0, 0, cell, 0)) == {0}
    assert protocol.left_out(Ask("positive", 0, 0, cell, 0)) == frozenset()


def test_no_negative_shows_what_another_searched_episode_shows(protocol: Protocol) -> None:
    series = [ask for ask in protocol.asks() if ask.kind == "series"]
    assert series
    assert all(ask.frame >= 10 for ask in series)


def test_an_answer_within_a_second_is_right_and_a_farther_one_is_not(protocol: Protocol) -> None:
    ask = Ask("positive", 2, 10, cells()[0], 0)
    times = {
        time_ms: Answer(2, time_ms, time_ms, 0.0, "match", None) for time_ms in (4000, 6000, 6500)
    }
    assert [protocol.right(ask, answer) for answer in times.values()] == [True, True, False]


def test_another_episode_that_shows_the_same_picture_is_right(protocol: Protocol) -> None:
    ask = Ask("positive", 0, 3, cells()[0], 0)
    assert protocol.right(ask, Answer(1, 1500, 1500, 0.0, "match", None))
    assert not protocol.right(ask, Answer(1, 6000, 6000, 0.0, "match", None))
    assert not protocol.right(ask, NOTHING)


def test_queries_that_come_out_flat_are_to_find_nothing() -> None:
    ask = Ask("positive", 0, 3, cells()[0], 0)
    assert [a.kind for a in as_edited([ask, ask], [True, False])] == ["flat", "positive"]


@pytest.mark.parametrize("seed", range(8))
def test_drawn_flat_pictures_look_flat(seed: int) -> None:
    assert Looks().query(flat_picture(seed))


def test_a_method_that_always_knows_has_perfect_figures(protocol: Protocol) -> None:
    asks = protocol.asks()
    answers = [
        Answer(ask.clip, ask.frame * 500, ask.frame * 500, 1.0, "match", 1.0)
        if ask.kind == "positive"
        else Answer(-1, 0, 0, 0.0, "no_match", 0.0)
        for ask in asks
    ]
    figures = Judged(protocol, asks, answers).figures(seed=0)
    assert figures["mean"]["r1_at_0.1_percent"] == {"mean": 100.0, "low": 100.0, "high": 100.0}
    assert figures["calibration_error"] == 0.0
    assert figures["verdicts"]["positive"] == figures["verdicts"]["negative"] == 100.0
    assert figures["false_alarms"]["unrelated"]["own"] == 0.0
    assert (figures["verdicts"]["flat"], figures["verdicts"]["flat_match"]) == (100.0, 0.0)


def test_a_method_that_never_says_no_recalls_nothing_at_a_rate(protocol: Protocol) -> None:
    asks = protocol.asks()
    answers = [
        Answer(ask.clip, ask.frame * 500, ask.frame * 500, 1.0, "match", 1.0) for ask in asks
    ]
    figures = Judged(protocol, asks, answers).figures(seed=0)
    assert figures["mean"]["r1"]["mean"] == 100.0
    assert figures["mean"]["r1_at_1_percent"]["mean"] == 0.0
    assert figures["false_alarms"]["unrelated"]["own"] == 100.0
    assert (figures["verdicts"]["flat"], figures["verdicts"]["flat_match"]) == (0.0, 100.0)
