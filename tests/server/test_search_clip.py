"""Clips and scans are answered with ranges of query and source."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from signatures import mirror, moving_layouts, pictured, signature
from test_search_picture import Shelf

from mitate.kernels.borders import Rect
from mitate.kernels.signature import Signature
from mitate.server import search_clip as search_clip_module
from mitate.server.library import NewSource
from mitate.server.records import Verdict
from mitate.server.search_clip import scan, search_clip
from mitate.server.segments import FEATURES, Regression, SegmentCalibration

Layouts = NDArray[np.uint8]


def film(seed: int, n_frames: int = 960) -> Layouts:
    return moving_layouts(np.random.default_rng(seed), n_frames)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(*((i, film(i)) for i in range(4)))


def test_a_clip_names_source_range_and_speed(shelf: Shelf) -> None:
    clip = signature(film(2)[240:360])
    answer = search_clip(clip, shelf.find, shelf.name_of, 5)
    best = answer.matches[0]
    assert (answer.kind, answer.verdict, answer.exact) == ("video", Verdict.MATCH, True)
    assert (best.episode_id, best.mirrored, best.view) == (2, False, "full")
    assert (best.query_from_ms, best.query_to_ms) == (0, 5000)
    assert best.from_ms == pytest.approx(10_000, abs=50)
    assert best.to_ms == pytest.approx(15_000, abs=50)
    assert best.from_ms <= best.at_ms <= best.to_ms
    assert best.speed == pytest.approx(1, abs=0.01)
    assert set(answer.timings_ms) == {"search", "align"}


def test_a_clip_played_backwards_runs_from_late_to_early(shelf: Shelf) -> None:
    answer = search_clip(signature(film(1)[600:480:-1]), shelf.find, shelf.name_of, 5)
    best = answer.matches[0]
    assert best.episode_id == 1
    assert best.speed == pytest.approx(-1, abs=0.02)
    assert best.from_ms == pytest.approx(25_000, abs=80)
    assert best.to_ms == pytest.approx(20_000, abs=80)


def test_a_mirrored_clip_is_called_so(shelf: Shelf) -> None:
    clip = signature(mirror(film(3)[100:220]))
    best = search_clip(clip, shelf.find, shelf.name_of, 5).matches[0]
    assert (best.episode_id, best.mirrored, best.view) == (3, True, "full-mirrored")
    plain = search_clip(clip, shelf.find, shelf.name_of, 5, mirrored=False)
    assert plain.verdict == Verdict.NO_MATCH


def test_a_clip_within_a_border_says_so(shelf: Shelf) -> None:
    clip = replace(signature(film(3)[100:220]), rect=Rect(0, 40, 640, 320))
    assert search_clip(clip, shelf.find, shelf.name_of, 5).matches[0].view == "inner"


def test_two_episodes_with_the_same_opening_are_ambiguous() -> None:
    opening = film(9, 240)
    shelf = Shelf(*((i, np.concatenate([film(i), opening])) for i in range(3)))
    answer = search_clip(signature(opening), shelf.find, shelf.name_of, 5)
    assert answer.verdict == Verdict.AMBIGUOUS
    assert len(answer.matches[0].alternatives) == 2
    assert all(abs(other.from_ms - 40_000) <= 20 for other in answer.matches[0].alternatives)


def test_verdict_and_alternatives_do_not_depend_on_how_many_matches_are_listed() -> None:
    opening = film(9, 240)
    shelf = Shelf(*((i, np.concatenate([film(i), opening])) for i in range(2)))
    clip = signature(opening)
    few, many = (search_clip(clip, shelf.find, shelf.name_of, k) for k in (1, 100))
    assert (len(few.matches), few.verdict) == (1, Verdict.AMBIGUOUS)
    assert few.verdict == many.verdict
    assert few.matches[0] == many.matches[0]
    assert len(few.matches[0].alternatives) == 1


@pytest.mark.parametrize("nearest", [0, 1, 2])
def test_of_episodes_that_hold_a_stretch_the_nearest_comes_first(nearest: int) -> None:
    shot = film(9, 120)
    parts = [film(i) for i in range(3)]
    for i, layouts in enumerate(parts):
        layouts[240:360] = shot if i == nearest else graded(shot)
    shelf = Shelf(*enumerate(parts))
    video = signature(shot)
    answer = search_clip(video, shelf.find, shelf.name_of, 5)
    (segment,) = scan(video, shelf.find, shelf.name_of).segments
    for match in (answer.matches[0], segment):
        assert (match.episode_id, match.distance) == (nearest, 0)
        assert match.verdict == Verdict.AMBIGUOUS
        assert {other.episode_id for other in match.alternatives} == {0, 1, 2} - {nearest}
        assert all(other.distance > 0 for other in match.alternatives)


def graded(layouts: Layouts) -> Layouts:
    """The same shown a little differently, by less than evidence can tell."""
    changed = layouts.copy()
    changed[:, 1:3] = np.minimum(changed[:, 1:3] + 1, 31)
    return changed


def test_two_sources_of_an_episode_are_one_match() -> None:
    shelf = Shelf((0, film(0)), (0, film(0)), (1, film(1)))
    answer = search_clip(signature(film(0)[200:320]), shelf.find, shelf.name_of, 5)
    assert answer.verdict == Verdict.MATCH
    assert [match.episode_id for match in answer.matches].count(0) == 1


def test_a_clip_of_two_sources_names_both(shelf: Shelf) -> None:
    clip = signature(np.concatenate([film(0)[120:240], film(3)[480:600]]))
    answer = search_clip(clip, shelf.find, shelf.name_of, 5)
    by_start = sorted(answer.matches[:2], key=lambda match: match.query_from_ms)
    assert [match.episode_id for match in by_start] == [0, 3]
    assert [match.query_from_ms for match in by_start] == [0, 5000]


def test_matches_are_ordered_by_probability_which_agrees_with_the_verdict(shelf: Shelf) -> None:
    clip = signature(np.concatenate([film(0)[120:240], film(50, 96), film(3)[480:600]]))
    answer = search_clip(clip, shelf.find, shelf.name_of, 10)
    chances = [match.probability for match in answer.matches]
    assert all(chance is not None and 0 < chance < 1 for chance in chances)
    assert chances == sorted(chances, reverse=True)  # type: ignore[type-var]
    believed = [match.episode_id for match in answer.matches if match.verdict == Verdict.MATCH]
    assert sorted(believed) == [0, 3]
    assert all(
        ((match.probability or 0) >= 0.5) == (match.verdict == Verdict.MATCH)
        for match in answer.matches
    )


@pytest.fixture(scope="module")
def pictures() -> Shelf:
    """A shelf whose sources have small pictures."""
    made = Shelf()
    made.library.add(*(NewSource(i, i, i, pictured(signature(film(i)))) for i in range(4)))
    return made


def test_small_pictures_speak_for_a_clip_or_against_it(pictures: Shelf) -> None:
    clip = pictured(signature(film(2)[240:360]))
    others = np.ascontiguousarray(clip.thumbnails[::-1, ::-1])
    right, plain, wrong = (
        search_clip(one, pictures.find, pictures.name_of, 1).matches[0]
        for one in (clip, signature(film(2)[240:360]), replace(clip, thumbnails=others))
    )
    assert right.episode_id == plain.episode_id == wrong.episode_id == 2
    assert (right.probability or 0) > (wrong.probability or 0)
    assert right.probability != plain.probability
    assert right.verdict == plain.verdict == Verdict.MATCH


def test_a_clip_that_stops_for_a_second_has_a_range_before_and_after(shelf: Shelf) -> None:
    shown = film(1)[240:408]
    held = shown[[84] * 24]
    clip = signature(np.concatenate([shown[:84], held, shown[84:]]))
    matches = search_clip(clip, shelf.find, shelf.name_of, 5).matches[:2]
    before, after = sorted(matches, key=lambda match: match.query_from_ms)
    for match, offset_ms in ((before, 10_000), (after, 9_000)):
        assert (match.episode_id, match.verdict) == (1, Verdict.MATCH)
        assert match.speed == pytest.approx(1, abs=0.02)
        assert match.from_ms - match.query_from_ms == pytest.approx(offset_ms, abs=60)


def test_an_unknown_clip_is_no_match(shelf: Shelf) -> None:
    answer = search_clip(signature(film(77, 240)), shelf.find, shelf.name_of, 5)
    assert answer.verdict == Verdict.NO_MATCH
    assert all(match.verdict == Verdict.NO_MATCH for match in answer.matches)


def test_a_clip_with_nothing_to_see_is_uninformative(shelf: Shelf) -> None:
    answer = search_clip(signature(film(1)[:120], quality=4), shelf.find, shelf.name_of, 5)
    assert (answer.verdict, answer.matches) == (Verdict.UNINFORMATIVE, ())
    assert shelf.calls == []


def test_a_clip_of_one_frame_is_a_picture(shelf: Shelf) -> None:
    answer = search_clip(signature(film(1)[100:101]), shelf.find, shelf.name_of, 2)
    assert (answer.kind, answer.matches[0].episode_id) == ("image", 1)


def test_an_empty_library_knows_no_clip() -> None:
    empty = Shelf()
    answer = search_clip(signature(film(0)[:100]), empty.find, empty.name_of, 5)
    assert (answer.verdict, answer.matches) == (Verdict.NO_MATCH, ())
    assert scan(signature(film(0)[:100]), empty.find, empty.name_of).segments == ()


def test_a_source_added_while_a_clip_is_searched_changes_nothing_else() -> None:
    shelf = Shelf(*((i, film(i, 2400)) for i in range(2)))
    original, calls = shelf.find, 0

    def find(queries: NDArray[np.int8], k: int) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            shelf.library.replace([0], [NewSource(9, 9, 3, signature(film(50)))])
        return original(queries, k)

    looped = signature(np.concatenate([film(1, 2400)] * 6))
    timeline = scan(looped, find, lambda _: shelf.name_of(1))  # type: ignore[arg-type]
    assert calls > 1
    assert {segment.source_id for segment in timeline.segments} == {1}


def timeline_parts() -> tuple[Signature, list[tuple[int, int, int, int, bool]]]:
    """A video of five parts: query from, query to, episode, reference from, mirrored."""
    parts = [
        film(0)[48:120],
        mirror(film(2)[240:288]),
        film(88, 96),
        film(1)[720:744],
        film(3)[0:72],
    ]
    truth = [(0, 3000, 0, 2000, False), (3000, 5000, 2, 10_000, True)]
    truth += [(9000, 10_000, 1, 30_000, False), (10_000, 13_000, 3, 0, False)]
    return signature(np.concatenate(parts)), truth


def test_a_scan_lists_the_segments_in_order(shelf: Shelf) -> None:
    video, truth = timeline_parts()
    timeline = scan(video, shelf.find, shelf.name_of)
    assert timeline.duration_ms == video.duration_ms
    assert len(timeline.segments) == len(truth)
    for segment, (from_ms, to_ms, episode_id, at_ms, mirrored) in zip(
        timeline.segments, truth, strict=True
    ):
        assert (segment.episode_id, segment.mirrored) == (episode_id, mirrored)
        assert abs(segment.query_from_ms - from_ms) <= 84
        assert abs(segment.query_to_ms - to_ms) <= 84
        assert abs(segment.from_ms - at_ms) <= 120
        assert segment.verdict == Verdict.MATCH
    assert abs(timeline.matched_ms - 9000) <= 250


@pytest.mark.parametrize(
    ("probability", "verdict"), [(0.45, Verdict.NO_MATCH), (0.5, Verdict.MATCH), (0.3, None)]
)
def test_a_segment_that_is_more_likely_wrong_than_right_is_told_as_uncertain(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, probability: float, verdict: Verdict | None
) -> None:
    fixed = Regression((0.0,) * len(FEATURES), math.log(probability / (1 - probability)))
    monkeypatch.setattr(
        search_clip_module, "segment_calibration", lambda: SegmentCalibration(fixed, fixed, 1)
    )
    timeline = scan(timeline_parts()[0], shelf.find, shelf.name_of)
    verdicts = {one.verdict for one in timeline.segments}
    assert verdicts == (set() if verdict is None else {verdict})
    assert (timeline.matched_ms > 0) == (verdict is Verdict.MATCH)
    assert timeline.believed == (timeline.segments if verdict is Verdict.MATCH else ())


def test_a_scan_names_all_episodes_of_an_opening() -> None:
    opening = film(9, 120)
    shelf = Shelf(*((i, np.concatenate([film(i), opening])) for i in range(3)))
    video = signature(np.concatenate([film(60, 96), opening, film(61, 96)]))
    (segment,) = scan(video, shelf.find, shelf.name_of).segments
    assert segment.verdict == Verdict.AMBIGUOUS
    assert {segment.episode_id, *(a.episode_id for a in segment.alternatives)} == {0, 1, 2}


def test_half_a_second_of_a_film_is_enough_when_every_frame_agrees(shelf: Shelf) -> None:
    answer = search_clip(signature(film(2)[240:252]), shelf.find, shelf.name_of, 5)
    assert (answer.verdict, answer.matches[0].episode_id) == (Verdict.MATCH, 2)
    assert answer.matches[0].from_ms == pytest.approx(10_000, abs=60)
