"""Timelines written for editing programs, read back by their library."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import opentimelineio as otio
import pytest

from mitate.clients.interchange import as_csv, check, export, exported
from mitate.clients.results import Alternative, Match, Timeline, Verdict
from mitate.kernels.errors import InvalidArgument


def segment(query_from_ms: int, query_to_ms: int, from_ms: int, to_ms: int, title: str) -> Match:
    return Match(
        title=title,
        title_id=1,
        episode="01",
        episode_id=2,
        source_id=3,
        query_from_ms=query_from_ms,
        query_to_ms=query_to_ms,
        from_ms=from_ms,
        to_ms=to_ms,
        at_ms=from_ms,
        mirrored=title == "B",
        speed=(to_ms - from_ms) / (query_to_ms - query_from_ms),
        distance=10.0,
        similarity=0.99,
        probability=0.875,
        verdict=Verdict.MATCH,
        view="full",
        alternatives=(Alternative("Z", 9, "02", 8, 7, 0, 1000, 12.0),) if title == "B" else (),
    )


@pytest.fixture
def timeline() -> Timeline:
    segments = (
        segment(0, 1000, 60_000, 61_000, "A"),
        segment(1000, 2000, 20_000, 22_000, "B"),
        segment(3000, 3500, 9000, 8500, "C"),
        segment(3500, 4000, 5000, 5000, "D"),
    )
    return Timeline(5000, segments, 3000)


def test_otio_holds_clips_gaps_and_speeds(timeline: Timeline, tmp_path: Path) -> None:
    path = tmp_path / "amv.otio"
    export(timeline, path, "amv", 24)
    read = otio.adapters.read_from_file(str(path))
    (track,) = read.video_tracks()
    kinds = [type(item).__name__ for item in track]
    assert kinds == ["Clip", "Clip", "Gap", "Clip", "Clip", "Gap"]
    assert track.duration().to_seconds() == 5
    first, second, gap, third, fourth, _ = track
    assert first.name == "A, 01"
    assert first.source_range.start_time.to_seconds() == 60
    assert not first.effects
    assert second.effects[0].time_scalar == pytest.approx(2)
    assert second.metadata["mitate"]["mirrored"] is True
    assert list(second.metadata["mitate"]["also_in"]) == ["Z, 02"]
    assert gap.duration().to_seconds() == 1
    assert third.effects[0].time_scalar == pytest.approx(-1)
    assert third.source_range.start_time.to_seconds() == 8.5
    assert isinstance(fourth.effects[0], otio.schema.FreezeFrame)


def test_an_edl_says_where_each_segment_stands(timeline: Timeline) -> None:
    text = exported(timeline, "amv", ".edl", 25)
    read = otio.adapters.read_from_string(text, "cmx_3600", rate=25)
    clips = list(read.find_clips())
    begins = [clip.range_in_parent().start_time.to_seconds() for clip in clips]
    assert begins == [0, 1, 3, 3.52]
    assert "00:01:00:00 00:01:01:00 00:00:00:00 00:00:01:00" in text
    assert "M2" in text


def test_an_edl_has_the_source_ranges_of_other_speeds(timeline: Timeline) -> None:
    text = exported(timeline, "amv", ".edl", 24)
    assert " 00:00:20:00 00:00:22:00 00:00:01:00 00:00:02:00" in text
    assert " 00:00:08:12 00:00:09:00 00:00:03:00 00:00:03:12" in text
    slow = Timeline(4000, (segment(0, 4000, 10_000, 12_000, "S"),), 4000)
    assert " 00:00:10:00 00:00:12:00 00:00:00:00 00:00:04:00" in exported(slow, "s", ".edl", 24)


def test_an_edl_names_one_reel_for_an_event_and_says_what_is_mirrored(timeline: Timeline) -> None:
    lines = exported(timeline, "amv", ".edl", 24).splitlines()
    reels = [line[5:].split(" V ")[0].strip() for line in lines if line[:3].isdigit()]
    named = [line[5:].split("\t")[0] for line in lines if line.startswith("M2")]
    assert named == reels[1:] and all(reels)
    assert sum("mirrored" in line for line in lines) == 1


def test_what_is_uncertain_is_marked_so(timeline: Timeline) -> None:
    faint = replace(timeline.segments[1], verdict=Verdict.NO_MATCH)
    text = exported(Timeline(5000, (timeline.segments[0], faint), 1000), "amv", ".edl", 24)
    assert [line for line in text.splitlines() if line in ("* mirrored", "* uncertain")] == [
        "* mirrored",
        "* uncertain",
    ]


def test_a_csv_has_a_line_for_each_segment(timeline: Timeline) -> None:
    rows = list(csv.DictReader(as_csv(timeline).splitlines()))
    assert [row["title"] for row in rows] == ["A", "B", "C", "D"]
    assert (rows[1]["from_ms"], rows[1]["to_ms"], rows[1]["alternatives"]) == (
        "20000",
        "22000",
        "Z, 02",
    )
    assert rows[0]["probability"] == "0.875"


@pytest.mark.parametrize("name", ["amv.xml", "amv", "amv.mp4"])
def test_other_suffixes_are_refused(timeline: Timeline, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"allowed are \.otio, \.edl, \.csv"):
        check(tmp_path / name)
    with pytest.raises(InvalidArgument, match=r"allowed are \.otio, \.edl, \.csv"):
        export(timeline, tmp_path / name, "amv")


def test_a_rate_that_no_timeline_has_is_refused(timeline: Timeline) -> None:
    with pytest.raises(InvalidArgument, match="rate 0"):
        exported(timeline, "amv", ".otio", 0)
