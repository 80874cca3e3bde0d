"""Clips: what each is looked for in, what is right, and what FFmpeg's filter says."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.quality import clips, signature_filter
from bench.quality.clips import EDITS, N_REFERENCES, NOTHING, Named, Plan
from bench.quality.protocol import Protocol, Sizes, Survey
from bench.quality.signature_filter import Found
from bench.quality.titles import Clip, Media
from bench.timeline.plan import Ask

SIZES = Sizes(per_cell=1, negatives=8, flats=2, distractors=0, first_ms=60_000)
N_CLIPS = 14
FRAMES = [
    Survey(
        np.arange(0, 20_000, 40),
        np.random.default_rng(n).integers(0, 256, (500, 36, 64, 3), np.uint8),
    )
    for n in range(N_CLIPS)
]


@pytest.fixture(scope="module")
def media() -> Media:
    numbered = (Clip(n, Path(f"{n}.mkv"), f"title {n // 2}", str(n)) for n in range(N_CLIPS))
    return Media(tuple(numbered), ())


@pytest.fixture(scope="module")
def plan(media: Media) -> Plan:
    return Plan(media, FRAMES, seed=1)


@pytest.fixture(scope="module")
def protocol(media: Media) -> Protocol:
    return Protocol(media, FRAMES, SIZES, seed=1)


def drawn(plan: Plan, edit: str, kind: str = "clip") -> Ask:
    return next(ask for ask in plan.asks(1) if (ask.kind, ask.cell.family) == (kind, edit))


def true_answer(ask: Ask, query_ms: float = 500) -> Named:
    truth = ask.truth()[0]
    return Named(truth.clip, query_ms, truth.at(query_ms), 1.0, True)


def test_every_edit_is_asked_of_indexed_titles_and_of_titles_left_out(plan: Plan) -> None:
    asks = plan.asks(2)
    for kind in ("clip", "negative"):
        cells = [ask.cell for ask in asks if ask.kind == kind]
        assert cells == [edit for edit in EDITS for _ in range(2)]
    assert asks == plan.asks(2)


def test_a_clip_is_looked_for_in_its_own_source_and_others(plan: Plan) -> None:
    for ask in plan.asks(2):
        references = plan.references(ask)
        assert len(set(references)) == N_REFERENCES
        assert (ask.shots[0].clip in references) == (ask.kind == "clip")
        assert not ask.left_out.intersection(references)


@pytest.mark.parametrize("edit", ["codec", "mirror", "speed", "reverse"])
def test_any_moment_shown_is_right_within_a_second(
    plan: Plan, protocol: Protocol, edit: str
) -> None:
    ask = drawn(plan, edit)
    told = true_answer(ask)
    assert clips.is_right(protocol, ask, told)
    assert clips.is_right(protocol, ask, told._replace(ms=told.ms + 900))
    assert not clips.is_right(protocol, ask, told._replace(ms=(told.ms + 5000) % 19_000))
    assert not clips.is_right(protocol, ask, told._replace(clip=(told.clip + 1) % N_CLIPS))
    assert not clips.is_right(protocol, ask, NOTHING)


def test_a_clip_of_a_title_left_out_is_never_right(plan: Plan, protocol: Protocol) -> None:
    ask = drawn(plan, "codec", "negative")
    shot = ask.shots[0]
    assert not clips.is_right(protocol, ask, Named(shot.clip, 0, shot.from_ms, 1.0, True))


def test_figures_tell_named_claimed_and_safe_apart(plan: Plan, protocol: Protocol) -> None:
    asks = plan.asks(1)
    answers = [
        true_answer(ask)._replace(score=2.0, claimed=ask.cell.family != "mirror")
        if ask.kind == "clip"
        else NOTHING
        for ask in asks
    ]
    found = clips.figures(protocol, asks, answers)
    assert found["clips"]["all"] == {
        "n": len(EDITS),
        "right": 100.0,
        "claimed_right": 87.5,
        "safe": 100.0,
    }
    assert found["start_error_ms"] == [0.0, 0.0]
    assert found["negatives"]["answered"] == found["claimed_wrong"] == 0


def test_an_alarm_of_another_title_makes_lower_scores_unsafe(
    plan: Plan, protocol: Protocol
) -> None:
    asks = plan.asks(1)
    answers = [
        true_answer(ask) if ask.kind == "clip" else Named(0, 0.0, 0.0, 3.0, True) for ask in asks
    ]
    found = clips.figures(protocol, asks, answers)
    assert found["clips"]["all"]["claimed_right"] == 100.0
    assert found["clips"]["all"]["safe"] == 0.0
    assert found["negatives"]["answered"] == len(EDITS)


def test_the_reference_with_most_matching_frames_is_named(plan: Plan) -> None:
    ask = drawn(plan, "codec")
    found = {3: Found(10, 20, 30), 5: Found(12, 100, 60), 6: None}
    assert clips.best_of(ask, found, plan) == Named(5, 500.0, 4000.0, 60.0, True)
    assert clips.best_of(ask, {3: None}, plan) == NOTHING


def test_the_lines_of_the_filter_are_read() -> None:
    line = "[Parsed_signature_0 @ 0x5] matching of video 0 at 1.840000 and 1 at 13.2, 146 frames"
    assert signature_filter.parse(f"{line} matching\nwhole video matching\n") == (46, 330, 146)
    assert signature_filter.parse("[x @ 0x5] no matching of video 0 and 1\n") is None
    with pytest.raises(ValueError, match="says nothing"):
        signature_filter.parse("frame=  192 fps=190\n")


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_the_filter_finds_an_excerpt_and_no_other_video(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    corners = rng.integers(0, 256, (2, 6, 8, 8)).astype(np.uint8)
    scenes = corners.repeat(16, axis=2).repeat(16, axis=3).repeat(20, axis=1)
    for name, frames in {"a": scenes[0], "b": scenes[1], "part": scenes[0, 40:]}.items():
        shifted = [np.roll(frame, n, axis=1) for n, frame in enumerate(frames, 40 * (name > "b"))]
        (tmp_path / name).write_bytes(np.stack(shifted).tobytes())
    found = signature_filter.compare(tmp_path / "part", tmp_path / "a")
    assert found is not None
    assert found.second - found.first == 40
    assert signature_filter.compare(tmp_path / "part", tmp_path / "b") is None
