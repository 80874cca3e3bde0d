"""`mitate screen` decides, says why, and exits so that a filter can act."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer

from mitate.clients.cli import main
from mitate.clients.cli_screen import of_timeline
from mitate.clients.results import Match, Timeline, Verdict


def run(server: FakeServer, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code = main(["screen", *arguments, "--server", server.address, "--json"])
    lines = capsys.readouterr().out.splitlines()
    return code, [json.loads(line) for line in lines]


def test_a_video_that_is_mostly_known_is_refused(
    server: FakeServer, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (found,) = run(server, capsys, str(clip))
    assert code == 3
    assert (found["decision"], found["kind"]) == ("refuse", "video")
    assert found["reason"] == "90% of the video is recognised; 50% and more is refused"
    assert (found["duration_ms"], found["matched_ms"]) == (2000, 1800)
    assert len(found["segments"]) == 2


def test_a_video_of_which_less_is_known_passes(
    server: FakeServer, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (found,) = run(server, capsys, str(clip), "--share", "0.95")
    assert (code, found["decision"]) == (0, "pass")
    assert found["reason"] == "90% of the video is recognised, less than 95%"


def test_a_picture_is_refused_by_its_verdict(
    server: FakeServer, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (found,) = run(server, capsys, str(picture))
    assert (code, found["decision"], found["kind"]) == (3, "refuse", "image")


def test_a_file_that_fails_is_not_let_through(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "bad.mp4"
    broken.write_bytes(b"bad")
    code, (found,) = run(server, capsys, str(broken))
    assert code == 1
    assert found["error"]["reason"] == "INVALID_MEDIA"
    assert "decision" not in found


def test_a_refused_file_counts_more_than_a_failed_one(
    server: FakeServer, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = run(server, capsys, str(tmp_path / "none.mp4"), str(clip))
    assert code == 3
    assert [("error" in one, one.get("decision")) for one in found] == [
        (True, None),
        (False, "refuse"),
    ]


def segment(query_from_ms: int, query_to_ms: int, title: str) -> Match:
    return Match(
        *(
            title,
            1,
            "01",
            ord(title),
            1,
            query_from_ms,
            query_to_ms,
            0,
            1000,
            0,
            False,
            1.0,
            5.0,
            0.9,
        ),
        probability=None,
        verdict=Verdict.MATCH,
        view="full",
    )


def test_one_episode_may_be_shown_for_too_long() -> None:
    segments = (segment(0, 8000, "A"), segment(9000, 16_000, "A"), segment(20_000, 21_000, "B"))
    timeline = Timeline(100_000, segments, 16_000)
    assert of_timeline(timeline, 0.5, None).decision == "pass"
    found = of_timeline(timeline, 0.5, 12)
    assert found.decision == "refuse"
    assert found.reason == "A, 01 is shown for 15.0 s; 12 s is refused"
    assert of_timeline(timeline, 0.5, 20).decision == "pass"


def test_what_is_uncertain_is_not_counted_for_an_episode() -> None:
    sure, faint = segment(0, 8000, "A"), segment(9000, 16_000, "A")
    faint = replace(faint, verdict=Verdict.NO_MATCH)
    timeline = Timeline(100_000, (sure, faint), 8000)
    assert of_timeline(timeline, 0.5, 12).decision == "pass"
    assert of_timeline(timeline, 0.5, 8).decision == "refuse"
    assert of_timeline(Timeline(100_000, (faint,), 0), 0.5, 1).decision == "pass"


def test_episodes_of_one_name_are_not_added_up() -> None:
    segments = (segment(0, 8000, "A"), replace(segment(9000, 16_000, "A"), episode_id=2))
    assert of_timeline(Timeline(100_000, segments, 15_000), 0.5, 12).decision == "pass"


@pytest.mark.parametrize(
    ("matched_ms", "share", "reason"),
    [
        (4960, 0.5, "49.6% of the video is recognised, less than 50%"),
        (4999, 0.5, "49.99% of the video is recognised, less than 50%"),
        (5000, 0.5, "50% of the video is recognised; 50% and more is refused"),
        (5004, 0.5, "50.04% of the video is recognised; 50% and more is refused"),
        (3300, 0.333, "33% of the video is recognised, less than 33.3%"),
    ],
)
def test_the_reason_does_not_contradict_the_decision(
    matched_ms: int, share: float, reason: str
) -> None:
    assert of_timeline(Timeline(10_000, (), matched_ms), share, None).reason == reason


@pytest.mark.parametrize(
    "limit",
    [
        *("--share=0", "--share=1.5", "--share=-1", "--share=nan", "--share=half"),
        *("--seconds=0", "--seconds=-3", "--seconds=nan", "--seconds=inf", "--seconds=1e999"),
    ],
)
def test_a_limit_that_cannot_be_is_wrong_usage(
    clip: Path, limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["screen", str(clip), limit])
    assert stopped.value.code == 2
    assert f"{limit.partition('=')[2]!r}; a " in capsys.readouterr().err
