"""Scanning in windows while frames come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from make_signature import make_signature

from mitate.kernels.chunks import Chunk, MediaHead, taken_apart
from mitate.kernels.signature import N_WINDOWS, Signature
from mitate.server.records import Match, Verdict
from mitate.server.scanner import Scanner, _ended, continues, merged

SHOTS = ((0, 4_000, 1), (4_000, 31_000, 2), (31_000, 33_000, 3), (36_000, 190_000, 4))


def match(source_id: int, query_ms: tuple[int, int], from_ms: int) -> Match:
    length_ms = query_ms[1] - query_ms[0]
    return Match(
        *("", source_id, "", source_id, source_id),
        *query_ms,
        *(from_ms, from_ms + length_ms, from_ms),
        mirrored=False,
        speed=1.0,
        distance=1.0,
        similarity=1.0,
        probability=None,
        verdict=Verdict.MATCH,
        view="full",
    )


def scan_window(part: Signature) -> Sequence[Match]:
    """See exactly the shots that lie in the window; source time is query time plus a minute."""
    begin_ms, end_ms = int(part.times_ms[0]), part.duration_ms
    return [
        match(source_id, (max(first, begin_ms), min(stop, end_ms)), max(first, begin_ms) + 60_000)
        for first, stop, source_id in SHOTS
        if min(stop, end_ms) - max(first, begin_ms) > 100
    ]


def chunks_of(signature: Signature, n: int) -> list[tuple[Chunk, MediaHead]]:
    whole, head = taken_apart(signature)
    cut = []
    for first in range(0, signature.n_frames, n):
        stop = min(first + n, signature.n_frames)
        kept = (whole.kept_first >= first) & (whole.kept_first < stop)
        runs = np.isin(whole.run_first, np.flatnonzero(kept))
        cut.append(
            Chunk(
                whole.times_ms[first:stop],
                whole.kept_first[kept],
                whole.layouts[kept],
                whole.mirrored[kept],
                whole.quality[kept],
                whole.run_first[runs],
                whole.windows[runs],
                whole.thumbnails[runs],
            )
        )
    return [(chunk, head) for chunk in cut]


def run(chunk_frames: int) -> tuple[list[Match], list[int]]:
    signature = make_signature(1, n_frames=5_000)  # 200 s at 25 frames per second
    scanner = Scanner(scan_window)
    found: list[Match] = []
    after = []
    for chunk, head in chunks_of(signature, chunk_frames):
        found += scanner.feed(chunk, head)
        after.append(len(found))
    return found + scanner.finish(head), after


def test_segments_come_out_whole_and_once_while_frames_come() -> None:
    segments, after = run(250)
    assert [(s.query_from_ms, s.query_to_ms, s.source_id) for s in segments] == list(SHOTS)
    assert after[-1] >= 2


def test_the_timeline_does_not_depend_on_how_frames_come() -> None:
    assert run(250)[0] == run(5_000)[0] == run(61)[0]


def test_frames_before_the_window_are_forgotten() -> None:
    signature = make_signature(1, n_frames=50_000)
    asked: list[int] = []

    def nothing(part: Signature) -> Sequence[Match]:
        asked.append(part.n_frames)
        return []

    scanner = Scanner(nothing)
    for chunk, head in chunks_of(signature, 250):
        scanner.feed(chunk, head)
    held = sum(len(chunk.times_ms) for chunk in scanner._chunks)
    assert held <= 25 * 40
    assert max(asked) <= 25 * 30


def test_small_pictures_stay_with_their_frames() -> None:
    plain = make_signature(3, n_frames=6_000)
    first = np.arange(0, plain.n_kept, 30, dtype=np.uint32)
    looks = np.arange(len(first), dtype=np.uint8)[:, None, None]
    signature = replace(
        plain,
        run_first=first,
        windows=np.full((len(first), N_WINDOWS, 33), 16, np.uint8),
        thumbnails=np.ascontiguousarray(np.broadcast_to(looks, (len(first), 20, 40))),
    )
    n_asked = 0

    def compared(part: Signature) -> Sequence[Match]:
        nonlocal n_asked
        n_asked += 1
        frames = np.searchsorted(signature.times_ms, part.times_ms)
        shown = [
            one.thumbnails[one.run_of(one.kept_of(numbers)), 0, 0]
            for one, numbers in ((part, np.arange(part.n_frames)), (signature, frames))
        ]
        np.testing.assert_array_equal(*shown)
        return scan_window(part)

    scanner = Scanner(compared)
    for chunk, head in chunks_of(signature, 97):
        scanner.feed(chunk, head)
    scanner.finish(head)
    assert n_asked > 5


def test_luma_grids_stay_with_their_frames() -> None:
    plain = make_signature(3, n_frames=6_000)
    first = np.arange(0, 6_000, 7, dtype=np.uint32)
    lumas = np.arange(len(first)).astype(np.uint8)[:, None, None].repeat(10, 1).repeat(16, 2)
    signature = replace(plain, luma_first=first, lumas=lumas)
    n_asked = 0

    def compared(part: Signature) -> Sequence[Match]:
        nonlocal n_asked
        n_asked += 1
        frames = np.searchsorted(signature.times_ms, part.times_ms)
        shown = [
            one.lumas[one.luma_of(numbers), 0, 0]
            for one, numbers in ((part, np.arange(part.n_frames)), (signature, frames))
        ]
        np.testing.assert_array_equal(*shown)
        return scan_window(part)

    scanner = Scanner(compared)
    for (chunk, head), begin in zip(chunks_of(signature, 97), range(0, 6_000, 97), strict=True):
        mine = slice(*np.searchsorted(first, (begin, begin + 97)))
        fed = replace(chunk, luma_first=first[mine], lumas=lumas[mine])
        scanner.feed(fed, head)
    scanner.finish(head)
    assert n_asked > 5


def test_what_is_seen_is_what_was_fed_also_after_forgetting() -> None:
    signature = make_signature(2, n_frames=6_000)
    kept = signature.kept_of(np.arange(signature.n_frames))

    def compared(part: Signature) -> Sequence[Match]:
        frames = np.searchsorted(signature.times_ms, part.times_ms)
        mine = part.layouts[part.kept_of(np.arange(part.n_frames))]
        np.testing.assert_array_equal(mine, signature.layouts[kept[frames]])
        return scan_window(part)

    scanner = Scanner(compared)
    for chunk, head in chunks_of(signature, 97):
        scanner.feed(chunk, head)
    scanner.finish(head)


def test_a_shorter_lag_tells_segments_sooner() -> None:
    signature = make_signature(1, n_frames=900)  # 36 s
    scanner = Scanner(scan_window, step_ms=1000, lag_ms=2000)
    first_ms = next(
        int(chunk.times_ms[-1])
        for chunk, head in chunks_of(signature, 25)
        if scanner.feed(chunk, head)
    )
    assert first_ms <= 34_000 + 1_000
    segments = scanner.finish(taken_apart(signature)[1])
    assert segments[-1].source_id == 3


def test_a_continuation_is_told_by_source_place_and_speed() -> None:
    one = match(7, (0, 1000), 5000)
    assert continues(one, match(7, (1040, 2000), 6040))
    assert not continues(one, match(8, (1040, 2000), 6040))
    assert not continues(one, match(7, (1040, 2000), 9000))
    assert not continues(one, match(7, (2000, 3000), 7000))
    both = merged(one, match(7, (1040, 2000), 6040))
    assert (both.query_from_ms, both.query_to_ms, both.from_ms, both.to_ms) == (0, 2000, 5000, 7000)


@pytest.mark.parametrize("longer", [0, 1])
def test_what_is_known_of_the_longer_part_holds_for_both(longer: int) -> None:
    ends = [(0, 3000, 4000), (0, 1000, 4000)][longer]
    parts = [match(7, ends[:2], 0), match(7, ends[1:], ends[1])]
    parts[1] = replace(parts[1], verdict=Verdict.AMBIGUOUS, probability=0.9)
    both = merged(parts[0], parts[1])
    known = parts[longer]
    assert (both.verdict, both.probability) == (known.verdict, known.probability)
    assert (both.query_from_ms, both.query_to_ms, both.from_ms, both.to_ms) == (0, 4000, 0, 4000)


@pytest.mark.parametrize("speed", [1.0, -2.0, 0.0])
def test_a_segment_that_is_cut_names_a_moment_within_what_is_left(speed: float) -> None:
    whole = match(7, (0, 9000), 50_000)
    whole = replace(whole, speed=speed, to_ms=50_000 + round(9000 * speed))
    for at_ms in (whole.from_ms, round(50_000 + 8000 * speed)):
        left = _ended(replace(whole, at_ms=at_ms), 4000)
        assert (left.query_to_ms, left.to_ms) == (4000, 50_000 + round(4000 * speed))
        assert min(left.from_ms, left.to_ms) <= left.at_ms <= max(left.from_ms, left.to_ms)
    assert _ended(replace(whole, at_ms=whole.from_ms), 4000).at_ms == whole.from_ms


def test_part_of_a_signature_keeps_times_and_descriptors() -> None:
    signature = make_signature(3, n_frames=40)
    part = signature.part(5, 12)
    np.testing.assert_array_equal(part.times_ms, signature.times_ms[5:12])
    np.testing.assert_array_equal(
        part.layouts[part.kept_of(np.arange(7))],
        signature.layouts[signature.kept_of(np.arange(5, 12))],
    )
    assert part.duration_ms == signature.times_ms[12]
