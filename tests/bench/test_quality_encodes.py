"""Pictures of other files: which hold the same content, what is left out, what is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.quality.encodes import FAMILY, Encodes, fitted
from bench.quality.figures import Judged
from bench.quality.method import NOTHING, Answer
from bench.quality.protocol import Protocol, Sizes, Survey
from bench.quality.run import grouped
from bench.quality.titles import Clip, Media, find

SIZES = Sizes(per_cell=1, negatives=40, flats=4, distractors=0, first_ms=60_000, encodes=6)


def thumbs(seed: int, n: int = 40) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (n, 9, 16, 3)).astype(np.uint8)
    return small.repeat(4, axis=1).repeat(4, axis=2)


def survey(pictures: np.ndarray, step_ms: int = 500) -> Survey:
    return Survey(np.arange(len(pictures)) * step_ms, pictures)


SURVEYS = [
    survey(thumbs(0)),
    survey(thumbs(1)),
    survey(thumbs(0)[8:] // 2 + 60),  # of clip 0, from 4 s on, in a paler transfer
    survey(thumbs(9)),  # of clip 0 by name alone
]


@pytest.fixture
def media(tmp_path: Path) -> Media:
    pale, other = tmp_path / "pale.mkv", tmp_path / "other.mkv"
    film = Clip(0, tmp_path / "film.mkv", "film", "film", (pale, other))
    return Media((film, Clip(1, tmp_path / "short.mkv", "short", "short")), ())


@pytest.fixture
def encodes(media: Media) -> Encodes:
    return Encodes(media, SURVEYS, SIZES, seed=1)


def test_every_file_is_a_clip_of_its_own_after_those_of_the_episodes(media: Media) -> None:
    files = media.with_others().clips
    assert [(clip.number, clip.path.stem) for clip in files] == [
        (0, "film"),
        (1, "short"),
        (2, "pale"),
        (3, "other"),
    ]


def test_the_times_of_a_paler_excerpt_are_found() -> None:
    line = fitted(SURVEYS[2], SURVEYS[0])
    assert line is not None
    assert line.slope == 1
    assert line.at(5000) == pytest.approx(9000, abs=500)


def test_a_file_that_runs_backwards_is_found() -> None:
    line = fitted(survey(thumbs(0)[::-1]), SURVEYS[0])
    assert line is not None
    assert line.slope < 0
    assert line.at(2000) == pytest.approx(39 * 500 - 2000, abs=500)


def test_files_that_look_different_hold_no_common_moment(encodes: Encodes) -> None:
    assert fitted(SURVEYS[3], SURVEYS[0]) is None
    assert encodes.unlike == ["other.mkv"]


def test_all_queries_are_from_files_that_are_not_searched(encodes: Encodes) -> None:
    asks = encodes.asks()
    assert [ask.clip for ask in asks] == [2] * SIZES.encodes
    assert asks == encodes.asks()


def test_what_is_made_of_the_own_title_is_left_out_and_nothing_else(encodes: Encodes) -> None:
    asks = encodes.asks()
    groups = grouped(encodes, asks, [["film"], ["short"], ["film", "short"]], first=2)
    assert groups == {frozenset({2, 4}): list(range(len(asks)))}


def test_the_same_moment_of_the_clip_is_right_and_another_is_not(encodes: Encodes) -> None:
    ask = encodes.asks()[0]
    true_ms = int(SURVEYS[2].times_ms[ask.frame]) + 4000
    assert encodes.right(ask, Answer(0, true_ms, true_ms, 1.0, "match", None))
    far_ms = (true_ms + 8000) % 20_000
    assert not encodes.right(ask, Answer(0, far_ms, far_ms, 1.0, "match", None))
    assert not encodes.right(ask, Answer(1, true_ms, true_ms, 1.0, "match", None))
    assert not encodes.right(ask, Answer(2, 0, 20_000, 1.0, "match", None))
    assert not encodes.right(ask, NOTHING)


def test_figures_are_a_row_per_title_and_leave_the_others_alone(
    media: Media, encodes: Encodes
) -> None:
    protocol = Protocol(media, SURVEYS[:2], SIZES, seed=1)
    others, asks = protocol.asks(), encodes.asks()
    judged = Judged(protocol, others, [NOTHING] * len(others))
    times_ms = [int(SURVEYS[2].times_ms[ask.frame]) + 4000 for ask in asks]
    answers = [Answer(0, at, at, 1.0, "match", 1.0) for at in times_ms]
    answers[0] = Answer(1, 0, 0, 1.0, "match", 1.0)
    found = encodes.figures(judged, asks, answers)
    (row,) = found["cells"]
    assert (row["family"], row["strength"], row["n"]) == (FAMILY, "film", 6)
    assert row["r1"] == row["r1_at_0.1_percent"] == found["verdicts"] == 83.33
    assert judged.figures(seed=0)["mean"]["r1"]["mean"] == 0.0


def test_a_folder_of_videos_without_a_manifest_has_no_other_files(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    media = find(tmp_path)
    assert media.with_others().clips == media.clips
    assert Encodes(media, SURVEYS[:2], SIZES, seed=1).asks() == []
