"""A timeline drawn: every segment and gap, however many there are and whatever they are called."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_signature import make_signature
from PIL import Image

from mitate.kernels.signature import THUMB_COLS, THUMB_ROWS
from mitate.kernels.thumbnails import luma_of_means
from mitate.server.drawing import BACK, MARGIN
from mitate.server.records import Match, Timeline, Verdict
from mitate.server.timeline_picture import draw
from mitate.server.timeline_scenes import (
    MOST_SCENES,
    SHORTEST_GAP_MS,
    Scene,
    Shown,
    frame_of,
    scenes,
    stored_picture,
    with_pictures,
)

FRAME = frame_of(np.full((90, 160, 3), (200, 30, 30), np.uint8))


def segment(query_from_ms: int, query_to_ms: int, **changes: object) -> Match:
    one = Match(
        title="drawn street",
        title_id=1,
        episode="drawn street",
        episode_id=1,
        source_id=1,
        query_from_ms=query_from_ms,
        query_to_ms=query_to_ms,
        from_ms=5000,
        to_ms=5000 + query_to_ms - query_from_ms,
        at_ms=5100,
        mirrored=False,
        speed=1.0,
        distance=10.0,
        similarity=0.99,
        probability=0.9,
        verdict=Verdict.MATCH,
        view="full",
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def drawn(timeline: Timeline, some: Sequence[Scene] | None = None) -> Image.Image:
    some = scenes(timeline) if some is None else some
    image = Image.open(io.BytesIO(draw(timeline, some, "amv.mp4")))
    assert image.format == "PNG"
    pixels = np.asarray(image)
    frame = [pixels[:MARGIN], pixels[-MARGIN:], pixels[:, :MARGIN], pixels[:, -MARGIN:]]
    assert all((part == BACK).all() for part in frame)
    return image


def n_of(image: Image.Image, colour: tuple[int, ...]) -> int:
    return int((np.asarray(image) == colour).all(axis=2).sum())


def test_segments_and_the_gaps_between_them_are_scenes_in_order() -> None:
    timeline = Timeline(9000, (segment(500, 2000), segment(2050, 3000), segment(4000, 8000)))
    found = [(one.from_ms, one.to_ms, one.segment is None) for one in scenes(timeline)]
    assert found == [
        (0, 500, True),
        (500, 2000, False),
        (2050, 3000, False),
        (3000, 4000, True),
        (4000, 8000, False),
        (8000, 9000, True),
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4000), max_size=40), st.integers(0, 5000))
def test_scenes_cover_the_video_but_for_short_gaps(lengths: list[int], rest_ms: int) -> None:
    ends = np.cumsum([0, *lengths]).tolist()
    segments = tuple(segment(*span) for span in list(pairwise(ends))[::2])
    duration_ms = ends[-1] + rest_ms
    reached_ms = 0
    for one in scenes(Timeline(duration_ms, segments)):
        assert 0 <= one.from_ms - reached_ms < SHORTEST_GAP_MS
        assert one.from_ms <= one.moment_ms <= max(one.from_ms, one.to_ms - 1)
        reached_ms = one.to_ms
    assert 0 <= duration_ms - reached_ms < SHORTEST_GAP_MS


@pytest.mark.parametrize(
    ("changes", "moment_ms"),
    [
        ({}, 1100),
        ({"speed": 2.0, "at_ms": 5200}, 1100),
        ({"speed": -1.0, "at_ms": 4500}, 1500),
        ({"speed": 0.0}, 1500),
        ({"at_ms": 9000}, 1999),
    ],
)
def test_the_frame_shown_is_that_of_the_best_moment(
    changes: dict[str, object], moment_ms: int
) -> None:
    assert Scene(1000, 2000, segment(1000, 2000, **changes)).moment_ms == moment_ms


def test_a_stored_picture_has_the_thumbnail_s_detail_and_the_descriptor_s_colours() -> None:
    rng = np.random.default_rng(3)
    signature = make_signature(3)
    thumbnails = rng.integers(90, 150, (1, THUMB_ROWS, THUMB_COLS)).astype(np.uint8)
    whole = replace(
        signature,
        run_first=np.zeros(1, np.uint32),
        windows=np.full((1, 16, 33), 16, np.uint8),
        thumbnails=thumbnails,
    )
    shown = stored_picture(whole, 0).pixels
    assert shown.shape == (THUMB_ROWS, THUMB_COLS, 3)
    clear = ((shown > 0) & (shown < 255)).all(axis=2)
    assert clear.mean() > 0.3
    errors = luma_of_means(shown.astype(np.float64))[clear] - thumbnails[0][clear]
    assert np.abs(errors).max() < 1
    assert stored_picture(signature, 0).pixels.shape == (8, 8, 3)


@pytest.mark.parametrize("n_segments", [0, 1, 60])
def test_every_frame_and_source_is_drawn(n_segments: int) -> None:
    segments = tuple(segment(1000 * n, 1000 * n + 900) for n in range(n_segments))
    some = scenes(Timeline(max(1, n_segments) * 1000, segments))
    pictured = with_pictures(some, [FRAME] * len(some), {})
    image = drawn(Timeline(max(1, n_segments) * 1000, segments), pictured)
    assert n_of(image, (200, 30, 30)) == len(some) * 192 * 108
    assert len(some) == max(1, 2 * n_segments)
    sources = [replace(one, source=Shown(np.full((2, 2, 3), 77, np.uint8), 1.0)) for one in some]
    assert n_of(drawn(Timeline(1000, segments), sources), (77, 77, 77)) == len(some) * 108 * 108


def test_more_segments_than_are_drawn_are_counted() -> None:
    segments = tuple(segment(50 * n, 50 * n + 50) for n in range(MOST_SCENES + 7))
    timeline = Timeline(segments[-1].query_to_ms, segments)
    few = drawn(timeline, scenes(timeline)[:MOST_SCENES])
    assert few.width * few.height < 30_000_000
    assert few.height > drawn(Timeline(15_000, segments[:MOST_SCENES])).height


@pytest.mark.parametrize("name", ["", "x" * 500, "見立て 第１話 " * 20, "a\nb\x00c"])
def test_names_of_any_kind_stay_in_their_place(name: str) -> None:
    named = segment(0, 900, title=name, episode="E1", mirrored=True, speed=-2.0, probability=None)
    plain = drawn(Timeline(1000, (segment(0, 900),)))
    assert drawn(Timeline(1000, (named,))).size == plain.size
