"""Scans of streams: segments come a fixed time after their end, whatever the pushes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from make_signature import make_signature
from signatures import moving_layouts, pictured, signature, with_lumas
from test_search_picture import Shelf

from mitate.kernels import signature_file
from mitate.kernels.errors import InvalidArgument, InvalidSignature
from mitate.kernels.signature import Signature
from mitate.server.library import NewSource
from mitate.server.live import LiveScan
from mitate.server.records import Match
from mitate.server.search_clip import scan

FPS = 24


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return Shelf(*((i, moving_layouts(np.random.default_rng(i), 960)) for i in range(4)))


@pytest.fixture(scope="module")
def pictures() -> Shelf:
    """A shelf whose sources have small pictures."""
    made = Shelf()
    for i in range(4):
        film = pictured(signature(moving_layouts(np.random.default_rng(i), 960), FPS))
        made.library.add(NewSource(i, i, i, film))
    return made


def stream() -> Signature:
    """Four shots of 5 s."""
    shots = [(0, 100), (2, 400), (1, 240), (3, 600)]
    films = [moving_layouts(np.random.default_rng(i), 960)[at : at + 120] for i, at in shots]
    return signature(np.concatenate(films), FPS)


def packed(part: Signature) -> bytes:
    file = BytesIO()
    signature_file.write(part, file)
    return file.getvalue()


def pushes(whole: Signature, n_frames: int, with_runs: bool = False) -> list[bytes]:
    return [
        packed(whole.part(first, min(first + n_frames, whole.n_frames), with_runs=with_runs))
        for first in range(0, whole.n_frames, n_frames)
    ]


def told(shelf: Shelf, pieces: Sequence[bytes]) -> list[Match]:
    scanner = live(shelf)
    return [one for data in pieces for one in scanner.feed(data)] + scanner.finish()


def live(shelf: Shelf, lag_ms: int = 3000) -> LiveScan:
    def look(part: Signature) -> Sequence[Match]:
        return scan(part, shelf.find, shelf.name_of).segments

    return LiveScan(look, lag_ms)


@pytest.mark.parametrize("n_frames", [12, 50, 480])
def test_a_stream_is_told_as_it_goes_however_it_is_pushed(shelf: Shelf, n_frames: int) -> None:
    scanner = live(shelf)
    found = [
        (scanner.position_ms, one)
        for data in pushes(stream(), n_frames)
        for one in scanner.feed(data)
    ]
    found += [(scanner.position_ms, one) for one in scanner.finish()]
    segments = [one for _, one in found]
    assert [one.episode_id for one in segments] == [0, 2, 1, 3]
    ends = [5000, 10_000, 15_000, 20_000]
    assert [one.query_to_ms for one in segments] == pytest.approx(ends, abs=90)
    if n_frames == 12:
        late = [at_ms - one.query_to_ms for at_ms, one in found[:2]]
        assert max(late) <= 3000 + 1000 + 5000 + 600  # lag, look, the next shot, a push


@pytest.mark.parametrize("n_frames", [1, 7, 90])
def test_pieces_with_runs_tell_what_the_whole_tells(pictures: Shelf, n_frames: int) -> None:
    whole = pictured(stream())
    expected = told(pictures, pushes(whole, whole.n_frames, with_runs=True))
    assert [one.episode_id for one in expected] == [0, 2, 1, 3]
    assert told(pictures, pushes(whole, n_frames, with_runs=True)) == expected
    plain = told(pictures, pushes(whole, n_frames))
    assert [one.episode_id for one in plain] == [0, 2, 1, 3]
    assert all(
        one.probability != other.probability for one, other in zip(plain, expected, strict=True)
    )


def test_small_pictures_of_something_else_are_not_believed(pictures: Shelf) -> None:
    whole = pictured(stream())
    others = np.random.default_rng(5).permutation(whole.thumbnails)[:, ::-1]
    wrong = replace(whole, thumbnails=np.ascontiguousarray(others))
    right = told(pictures, pushes(whole, 40, with_runs=True))
    chances = {one.episode_id: one.probability or 0.0 for one in right}
    for one in told(pictures, pushes(wrong, 40, with_runs=True)):
        assert (one.probability or 0.0) < chances[one.episode_id]


def test_from_a_piece_without_runs_on_a_stream_is_scanned_without(pictures: Shelf) -> None:
    whole = pictured(stream())
    with_runs, without = (pushes(whole, 40, with_runs=one) for one in (True, False))
    mixed = told(pictures, [*with_runs[:4], without[4], *with_runs[5:]])
    plain = told(pictures, without)
    assert [one.episode_id for one in mixed] == [0, 2, 1, 3]
    assert mixed[1:] == plain[1:]


def test_luma_grids_of_pieces_follow_their_frames_until_a_piece_has_none() -> None:
    whole = with_lumas(stream(), every=5)
    asked: list[Signature] = []

    def look(part: Signature) -> Sequence[Match]:
        asked.append(part)
        return []

    scanner = LiveScan(look, 3000)
    pieces = pushes(whole, 40)
    for data in pieces[:8]:
        scanner.feed(data)
    (shown, fed) = asked[-1], whole
    frames = np.searchsorted(whole.times_ms, shown.times_ms)
    np.testing.assert_array_equal(
        shown.lumas[shown.luma_of(np.arange(shown.n_frames))], fed.lumas[fed.luma_of(frames)]
    )
    for data in [pushes(stream(), 40)[8], *pieces[9:]]:
        scanner.feed(data)
    assert len(asked[-1].lumas) == len(asked[-1].luma_first) == 0


def test_times_must_go_on(shelf: Shelf) -> None:
    scanner = live(shelf)
    first, second, *_ = pushes(stream(), 100)
    scanner.feed(second)
    with pytest.raises(InvalidSignature, match="start at 0 ms after one at"):
        scanner.feed(first)


def test_a_jump_in_time_is_refused(shelf: Shelf) -> None:
    scanner = live(shelf)
    far = make_signature(1, n_frames=2)
    late = Signature(
        **{
            **{name: getattr(far, name) for name in far.__slots__},
            "times_ms": far.times_ms + 700_000,
            "duration_ms": far.duration_ms + 700_000,
        }
    )
    with pytest.raises(InvalidSignature, match="at most 600000 are allowed"):
        scanner.feed(packed(late))


@pytest.mark.parametrize("lag_ms", [-1, 10, 100_000])
def test_lags_outside_the_limits_are_refused(shelf: Shelf, lag_ms: int) -> None:
    with pytest.raises(InvalidArgument, match="2000 to 60000"):
        live(shelf, lag_ms)


def test_damaged_frames_are_the_callers_fault(shelf: Shelf) -> None:
    data = bytearray(pushes(stream(), 100)[0])
    data[-70] ^= 255
    with pytest.raises(InvalidSignature):
        live(shelf).feed(bytes(data))


def test_a_stream_without_frames_has_no_segments(shelf: Shelf) -> None:
    assert live(shelf).finish() == []
