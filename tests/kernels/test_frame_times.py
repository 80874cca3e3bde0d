from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mitate.kernels.frame_times import FrameTimes

TICKS = st.none() | st.integers(-(2**62), 2**62)


def times_of(
    times: FrameTimes, stamps: list[tuple[int | None, int | None]], duration: int | None = None
) -> list[int]:
    return [times.next_ms(pts, dts, duration) for pts, dts in stamps]


def test_presentation_times_are_taken_as_they_are() -> None:
    times = FrameTimes(Fraction(1, 90000), Fraction(25), 1_400_000)
    assert times_of(times, [(126_000, 0), (129_600, 0), (140_400, 0)]) == [0, 40, 160]
    assert times.end_ms == 200


def test_decoding_times_stand_in_for_missing_ones() -> None:
    times = FrameTimes(Fraction(1, 25), Fraction(25), 0)
    assert times_of(times, [(0, None), (None, 1), (1, 2), (None, None)]) == [0, 40, 80, 120]


def test_a_jump_back_goes_on_by_one_frame() -> None:
    times = FrameTimes(Fraction(1, 1000), Fraction(25), 0)
    assert times_of(times, [(0, 0), (5000, 0), (40, 40), (80, 80)]) == [0, 5000, 5040, 5080]


def test_an_absurd_jump_ahead_goes_on_by_one_frame() -> None:
    times = FrameTimes(Fraction(1, 1000), Fraction(25), 0)
    assert times_of(times, [(0, None), (2**60, None), (80, None)]) == [0, 40, 80]


def test_a_video_that_starts_after_its_sound_starts_late() -> None:
    assert FrameTimes(Fraction(1, 1000), None, 10_000).next_ms(33, None, None) == 23


def test_a_video_that_starts_before_its_file_starts_at_zero() -> None:
    times = FrameTimes(Fraction(1, 1000), Fraction(25), 100_000)
    assert times_of(times, [(20, None), (60, None)]) == [0, 40]


def test_the_last_frame_lasts_as_long_as_it_says() -> None:
    times = FrameTimes(Fraction(1, 1000), Fraction(25), 0)
    times.next_ms(0, None, 700)
    assert times.end_ms == 700


@given(
    stamps=st.lists(st.tuples(TICKS, TICKS), min_size=2, max_size=30),
    base=st.fractions(Fraction(1, 10**9), 1),
    start=st.none() | st.integers(-(2**60), 2**60),
)
def test_times_always_increase(
    stamps: list[tuple[int | None, int | None]], base: Fraction, start: int | None
) -> None:
    if base <= 0:
        return
    times = FrameTimes(base, Fraction(24000, 1001), start)
    found = times_of(times, stamps)
    assert found[0] >= 0
    assert all(one < other for one, other in pairwise(found))
    assert times.end_ms >= found[-1]
