"""`mitate screen` decides, says why, and exits so that a filter can act."""

from __future__ import annotations

import json
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
        *(title, 1, "01", 1, 1, query_from_ms, query_to_ms, 0, 1000, 0, False, 1.0, 5.0, 0.9),
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


@pytest.mark.parametrize("share", ["0", "1.5", "-1"])
def test_a_share_outside_0_to_1_is_wrong_usage(clip: Path, share: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["screen", str(clip), f"--share={share}"])
    assert stopped.value.code == 2
