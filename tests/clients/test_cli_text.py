"""What a person reads."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from fake_answers import State, a_match
from fake_server import FakeServer
from hypothesis import given
from hypothesis import strategies as st

from mitate.clients import answers
from mitate.clients.cli import main
from mitate.clients.cli_files import expand
from mitate.clients.cli_output import failure_text
from mitate.clients.cli_text import (
    answer_sentence,
    clock,
    notes,
    percent,
    place,
    shown,
    size,
    time_range,
    timeline_sentence,
)
from mitate.clients.results import Alternative, Answer, Match, Timeline, Verdict
from mitate.kernels.errors import InvalidMedia, NotFound

MATCH = answers.match(a_match(1))


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0:00.0"),
        (49, "0:00.0"),
        (50, "0:00.1"),
        (12_440, "0:12.4"),
        (59_960, "1:00.0"),
        (3_599_960, "1:00:00.0"),
        (3_723_400, "1:02:03.4"),
        (-1500, "-0:01.5"),
    ],
)
def test_times_read_minutes_seconds_tenths(ms: int, text: str) -> None:
    assert clock(ms) == text


@given(st.integers(0, 10**9))
def test_times_are_off_by_less_than_a_tenth(ms: int) -> None:
    total = 0.0
    for part in clock(ms).split(":"):
        total = total * 60 + float(part)
    assert abs(total * 1000 - ms) <= 50.001


def test_a_moment_is_no_range() -> None:
    assert time_range(1000, 1040) == "0:01.0"
    assert time_range(2000, 1000) == "0:02.0–0:01.0"


def test_an_episode_named_like_its_title_is_said_once() -> None:
    assert place("Sintel", "Sintel") == place("Sintel", "") == "Sintel"
    assert place("Sintel", "S01E01") == "Sintel, S01E01"


@given(st.text())
def test_shown_text_holds_no_control_characters(text: str) -> None:
    assert shown(text).isprintable()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, ""),
        ({"mirrored": True, "view": "full-mirrored"}, "mirrored"),
        ({"view": "inner"}, "inside its border"),
        ({"view": "full in centre 0.8"}, "in centre 0.8 of the frame"),
        ({"view": "box 2 in left half"}, "box 2 part in left half of the frame"),
        ({"view": "full left half in left half"}, "left half part in left half of the frame"),
        ({"query_to_ms": 1000, "speed": 2.0}, "2× speed"),
        ({"query_to_ms": 1000, "speed": -1.0}, "backwards"),
        ({"query_to_ms": 1000, "speed": 0.0, "mirrored": True}, "mirrored, freeze"),
        ({"query_to_ms": 1000, "speed": 1.001}, ""),
    ],
)
def test_notes_say_what_is_special(changes: dict[str, Any], text: str) -> None:
    assert notes(dataclasses.replace(MATCH, **changes)) == text


def answer(verdict: Verdict, kind: str = "image", *matches: Match) -> Answer:
    return Answer(kind, verdict, matches or (MATCH,), exact=True)


def test_every_verdict_is_a_sentence() -> None:
    assert answer_sentence(answer(Verdict.MATCH)) == (
        "match: Tears of Steel, S01E01 at 0:12.4–0:13.1"
    )
    assert answer_sentence(answer(Verdict.NO_MATCH)) == (
        "no match: nothing stored is near enough; "
        "nearest: Tears of Steel, S01E01 at 0:12.4–0:13.1 (similarity 0.96)"
    )
    assert answer_sentence(Answer("image", Verdict.NO_MATCH, (), exact=True)) == (
        "no match: nothing stored is near enough"
    )
    assert "shows too little to recognise" in answer_sentence(answer(Verdict.UNINFORMATIVE))


def test_an_ambiguous_answer_names_the_others_once() -> None:
    other = answers.match(a_match(2, 2))
    also = Alternative("Tears of Steel", 1, "S01E02", 2, 2, 0, 0, 9.0)
    first = dataclasses.replace(MATCH, alternatives=(also,))
    assert answer_sentence(answer(Verdict.AMBIGUOUS, "image", first, other)) == (
        "ambiguous: several episodes show this; "
        "first: Tears of Steel, S01E01 at 0:12.4–0:13.1; also Tears of Steel, S01E02"
    )


def test_a_clip_s_sentence_says_which_part_of_it() -> None:
    match = dataclasses.replace(MATCH, query_from_ms=500, query_to_ms=1200, mirrored=True)
    assert answer_sentence(answer(Verdict.MATCH, "video", match)) == (
        "match: Tears of Steel, S01E01 at 0:12.4–0:13.1 (0:00.5–0:01.2 of the clip; mirrored)"
    )
    assert answer_sentence(answer(Verdict.NO_MATCH, "video", match)) == (
        "no match: nothing stored is near enough; nearest: Tears of Steel, S01E01 at "
        "0:12.4–0:13.1 (0:00.5–0:01.2 of the clip; similarity 0.96)"
    )


def test_a_scan_s_sentence_counts() -> None:
    assert timeline_sentence(Timeline(60_000, (MATCH, MATCH), 42_000)) == (
        "2 segments from 1 episode: 0:42.0 of 1:00.0 recognised (70%)"
    )
    assert timeline_sentence(Timeline(60_000, (), 0)) == "nothing recognised in 1:00.0"


def test_uncertain_segments_are_counted_apart() -> None:
    faint = dataclasses.replace(MATCH, episode_id=9, verdict=Verdict.NO_MATCH)
    assert timeline_sentence(Timeline(60_000, (MATCH, faint), 42_000)) == (
        "1 segment from 1 episode: 0:42.0 of 1:00.0 recognised (70%); 1 uncertain segment"
    )
    assert timeline_sentence(Timeline(60_000, (faint, faint), 0)) == (
        "nothing recognised in 1:00.0; 2 uncertain segments"
    )


@pytest.mark.parametrize(
    ("part_ms", "whole_ms", "text"),
    [
        (6960, 7000, "100%"),  # both are told as 0:07.0
        (6940, 7000, "99%"),
        (999_900, 1_000_000, "99%"),
        (40, 7000, "0%"),
        (100, 1_000_000, "1%"),
        (3500, 7000, "50%"),
        (0, 0, "0%"),
    ],
)
def test_a_share_does_not_contradict_the_times_beside_it(
    part_ms: int, whole_ms: int, text: str
) -> None:
    assert percent(part_ms, whole_ms) == text


@pytest.mark.parametrize(
    ("subject", "message", "text"),
    [
        ("a/b.mp4", "b.mp4: no video in it", "a/b.mp4: no video in it"),
        ("a/b.mp4", "a/b.mp4: no such file", "a/b.mp4: no such file"),
        ("a.mp4", "the disk is full", "a.mp4: the disk is full"),
        ("episode 9", "there is no episode 9", "there is no episode 9"),
        ("", "cannot reach x:1", "cannot reach x:1"),
        ("e\x1b[31mvil", "no", "e?[31mvil: no"),
    ],
)
def test_a_failure_names_the_file_once(subject: str, message: str, text: str) -> None:
    assert failure_text(subject, InvalidMedia(message)) == text


def test_sizes_have_units() -> None:
    assert [size(n) for n in (0, 999, 1000, 2_500_000)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "2.5 MB",
    ]


def test_directories_are_listed_in_natural_order(tmp_path: Path) -> None:
    for name in ("e10.mp4", "e9.mp4", "E1.mp4", "²x.mp4"):
        (tmp_path / name).touch()
    jobs = expand([str(tmp_path), "named"])
    assert [Path(job.file).name for job in jobs] == [
        "E1.mp4",
        "e9.mp4",
        "e10.mp4",
        "²x.mp4",
        "named",
    ]


def test_an_unreadable_directory_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    (job,) = expand([str(tmp_path)])
    assert job.error is not None
    assert "cannot be listed: Permission denied" in job.error.message


def test_not_found_keeps_its_class() -> None:
    assert failure_text("x", NotFound("x: no such file")) == "x: no such file"


@pytest.fixture
def told(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    monkeypatch.setenv("MITATE_SERVER", server.address)

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


def test_every_command_prints_for_a_person(
    told: object, clip: Path, picture: Path, tmp_path: Path, state: State
) -> None:
    assert callable(told)
    code, out, err = told("list")
    assert (code, out.startswith("nothing is stored yet"), err) == (0, True, "")
    code, out, err = told("add", clip, tmp_path / "missing.mp4", picture, "--title", "Sintel")
    assert (code, err) == (1, f"mitate: {tmp_path}/missing.mp4: no such file\n")
    heading, first, second, _, total = out.splitlines()
    assert heading.split() == [
        "status",
        "length",
        "frames",
        "episode",
        "file",
        "→",
        "title,",
        "episode",
    ]
    assert first.startswith("added       0:51.4     1,234        ")
    assert first.endswith(f"  {clip} → Sintel, clip")
    assert second.endswith(f"{picture} → Sintel, still")
    assert total == "3 files: 2 added, 1 failed"
    assert "  1 title, 2 episodes" in told("list")[1]
    assert "1280×720" in told("show", 1)[1]
    assert told("stats")[1].splitlines()[3].split() == ["index", "numpy,", "state", "0"]
    assert "match: Tears of Steel, S01E01 at" in told("search", picture)[1]
    out = told("scan", clip)[1]
    assert "2 segments from 2 episodes: 0:01.8 of 0:02.0 recognised (90%)" in out
    assert "mirrored" in out
    assert told("remove", 1) == (0, "removed episode 1\n", "")
    assert told("show", 1) == (1, "", "mitate: there is no episode 1\n")


def test_no_line_ends_with_spaces(told: object, picture: Path) -> None:
    assert callable(told)
    out = told("search", picture)[1]
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
