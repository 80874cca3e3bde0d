"""Planted stretches are found again: source, direction, speed, offset and ends."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from signatures import mirror, moving_layouts, random_layouts

from mitate.kernels.vector import derive
from mitate.server.align import Alignment, align, sample
from mitate.server.emissions import (
    OUTSIDE,
    OUTSIDE_EVIDENCE,
    Frames,
    Likelihood,
    Line,
    Reference,
    distances_on,
)
from mitate.server.hypotheses import Hits
from mitate.server.index_numpy import NumpyIndex

FPS = 24.0
N_SOURCES = 4
N_FRAMES = 1440
Layouts = NDArray[np.uint8]


class Film:
    """Some sources, their index, and queries cut from them."""

    def __init__(self, seed: int = 0, shared: slice = slice(0)) -> None:
        self.rng = np.random.default_rng(seed)
        self.layouts = [moving_layouts(self.rng, N_FRAMES) for _ in range(N_SOURCES)]
        self.layouts[1][shared] = self.layouts[0][shared]
        times_ms = np.rint(np.arange(N_FRAMES) * 1000 / FPS).astype(np.int64)
        every = np.arange(N_FRAMES, dtype=np.uint32)
        self.references = {
            i: Reference(times_ms, every, derive(layouts), int(times_ms[-1]) + 42)
            for i, layouts in enumerate(self.layouts)
        }
        self.index = NumpyIndex()
        for layouts in self.layouts:
            self.index.add(derive(layouts))

    def play(
        self, source: int, at_ms: float, duration_ms: float, speed: float = 1.0, fps: float = FPS
    ) -> Layouts:
        """Frames of a source from `at_ms` on, shown for `duration_ms` at another speed."""
        shown_ms = np.arange(0, duration_ms, 1000 / fps)
        frames = np.floor((at_ms + speed * shown_ms) * FPS / 1000 + 1e-6).astype(np.int64)
        shown: Layouts = self.layouts[source][frames.clip(0, N_FRAMES - 1)]
        return shown

    def unknown(self, duration_ms: float) -> Layouts:
        return moving_layouts(self.rng, round(duration_ms * FPS / 1000))

    def noisy(self, layouts: Layouts) -> Layouts:
        noise = self.rng.choice([-1, 0, 1], layouts.shape, p=[0.15, 0.7, 0.15])
        noised: Layouts = (layouts + noise).clip(0, 31).astype(np.uint8)
        return noised

    def align(self, layouts: Layouts, fps: float = FPS, quality: bool = True) -> Alignment:
        times_ms = np.rint(np.arange(len(layouts)) * 1000 / fps).astype(np.int64)
        informative = np.full(len(layouts), quality)
        query = Frames(times_ms, derive(layouts), derive(mirror(layouts)), informative)
        sampled = sample(times_ms)
        some = query.take(sampled)
        found = self.index.search(np.concatenate([some.plain, some.mirrored]), 20)
        frames = np.repeat(np.tile(np.arange(len(some)), 2), 20)
        hits = Hits.of_frames(
            frames,
            np.repeat(np.arange(2 * len(some)) >= len(some), 20),
            found.rows.ravel() // N_FRAMES,
            found.rows.ravel() % N_FRAMES,
            found.distances.ravel(),
        )
        return align(query, sampled, self.references, hits, Likelihood.for_rows(25_000))


@pytest.fixture(scope="module")
def film() -> Film:
    return Film()


def test_a_copy_is_found_with_its_ends(film: Film) -> None:
    before, shown, after = film.unknown(2000), film.play(2, 20_000, 5000), film.unknown(1500)
    found = film.align(film.noisy(np.concatenate([before, shown, after])))
    (stretch,) = found.timeline
    assert (stretch.line.source_id, stretch.line.mirrored) == (2, False)
    assert abs(stretch.first - 48) <= 2
    assert abs(stretch.stop - 168) <= 2
    assert stretch.line.speed == pytest.approx(1, abs=0.01)
    assert stretch.line.at(np.array([4500]))[0] == pytest.approx(22_500, abs=50)


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.75, 0.8, 1.25, 1.5, 2, 3, 4, 25 / 24, 24 / 25])
def test_the_speed_is_measured(film: Film, speed: float) -> None:
    found = film.align(film.noisy(film.play(1, 10_000, 6000, speed)))
    best = found.best[0].line
    assert best.source_id == 1
    assert best.speed == pytest.approx(speed, rel=0.02)
    assert best.at(np.array([3000]))[0] == pytest.approx(10_000 + 3000 * speed, abs=80)


def test_pulled_down_film_is_told_from_film_when_it_is_long_enough(film: Film) -> None:
    found = film.align(film.noisy(film.play(1, 0, 55_000, 24 / 23.976)))
    assert found.best[0].line.speed == pytest.approx(24 / 23.976, abs=0.0006)


@pytest.mark.parametrize("speed", [-1.0, -0.5, -2.0])
def test_play_backwards_is_recognised(film: Film, speed: float) -> None:
    found = film.align(film.noisy(film.play(3, 30_000, 5000, speed)))
    assert found.best[0].line.source_id == 3
    assert found.best[0].line.speed == pytest.approx(speed, rel=0.03)


def test_a_freeze_has_no_speed(film: Film) -> None:
    frozen = np.repeat(film.play(0, 25_010, 40), 72, axis=0)
    found = film.align(np.concatenate([film.unknown(1000), frozen, film.unknown(1000)]))
    (stretch,) = found.timeline
    at_ms = stretch.line.at(np.array([1000, 3900]))
    assert np.abs(at_ms - 25_000).max() < 1600
    assert (stretch.first, stretch.stop) == (24, 96)


def test_a_mirrored_copy_is_recognised(film: Film) -> None:
    found = film.align(film.noisy(mirror(film.play(2, 5000, 4000))))
    assert found.best[0].line[:2] == (2, True)


@pytest.mark.parametrize("fps", [10, 15, 23.976, 30, 60])
def test_other_frame_rates_change_nothing(film: Film, fps: float) -> None:
    found = film.align(film.noisy(film.play(2, 12_000, 5000, fps=fps)), fps)
    line = found.best[0].line
    assert line.source_id == 2
    assert line.speed == pytest.approx(1, abs=0.015)
    assert line.offset_ms == pytest.approx(12_000, abs=80)


def test_many_short_stretches_are_told_apart(film: Film) -> None:
    rng = np.random.default_rng(5)
    parts, truth, n = [], [], 0
    for number in range(20):
        source, seconds = number % N_SOURCES, float(rng.uniform(0.7, 3))
        at_ms = float(rng.uniform(0, 50_000))
        layouts = film.play(source, at_ms, seconds * 1000)
        if number % 3 == 0:
            layouts = mirror(layouts)
        parts.append(layouts)
        truth.append((source, number % 3 == 0, n, n + len(layouts)))
        n += len(layouts)
    found = film.align(film.noisy(np.concatenate(parts))).timeline
    right = 0
    for source, mirrored, first, stop in truth:
        right += any(
            stretch.line[:2] == (source, mirrored)
            and min(stretch.stop, stop) - max(stretch.first, first) > 0.6 * (stop - first)
            for stretch in found
        )
    assert right >= 18
    assert all(one.stop <= other.first for one, other in pairwise(found))


def test_unknown_video_gives_nothing(film: Film) -> None:
    assert film.align(film.unknown(20_000)).timeline == []


def test_frames_below_the_gate_do_not_vote(film: Film) -> None:
    assert film.align(film.play(1, 5000, 3000), quality=False) == Alignment([], [], [])


def test_the_same_content_in_two_sources_makes_rivals() -> None:
    twin = Film(1, shared=slice(480, 960))
    found = twin.align(twin.noisy(twin.play(0, 25_000, 4000)))
    assert [len(rivals) for rivals in found.rivals] == [1]
    both = {found.timeline[0].line.source_id, found.rivals[0][0].line.source_id}
    assert both == {0, 1}


def test_a_query_longer_than_a_block_is_one_stretch(film: Film) -> None:
    looped = np.concatenate([film.layouts[0]] * 3)
    found = film.align(looped)
    assert [stretch.line.source_id for stretch in found.timeline] == [0, 0, 0]
    assert [round(stretch.line.offset_ms, -2) for stretch in found.timeline] == [
        0,
        -60_000,
        -120_000,
    ]


@settings(max_examples=25, deadline=None)
@given(
    source=st.integers(0, N_SOURCES - 1),
    at_ms=st.integers(0, 50_000),
    duration_ms=st.integers(1500, 9000),
    mirrored=st.booleans(),
)
def test_any_planted_stretch_is_found(
    film: Film, source: int, at_ms: int, duration_ms: int, mirrored: bool
) -> None:
    layouts = film.play(source, at_ms, duration_ms)
    found = film.align(mirror(layouts) if mirrored else layouts)
    line = found.best[0].line
    assert line[:2] == (source, mirrored)
    assert line.at(np.array([duration_ms // 2]))[0] == pytest.approx(
        at_ms + duration_ms // 2, abs=90
    )


def test_sampling_takes_every_frame_of_a_slow_video_and_ten_a_second_of_others() -> None:
    assert len(sample(np.arange(0, 5000, 200))) == 25
    fast = sample(np.rint(np.arange(600) * 1000 / 60).astype(np.int64))
    assert 99 <= len(fast) <= 102
    assert fast[0] == 0


def test_likelihood_falls_with_distance_and_with_the_size_of_the_index() -> None:
    distances = np.array([0, 500, 2000, 4000, 8000, 30_000, OUTSIDE], np.int32)
    small, large = Likelihood.for_rows(1000), Likelihood.for_rows(10_000_000)
    assert (np.diff(small(distances)) <= 0).all()
    assert (large(distances) <= small(distances)).all()
    assert small(distances)[-1] == OUTSIDE_EVIDENCE


def test_times_before_and_after_a_source_are_outside() -> None:
    rng = np.random.default_rng(3)
    vectors = derive(random_layouts(rng, 10))
    reference = Reference(np.arange(10) * 40, np.arange(10, dtype=np.uint32), vectors, 400)
    times_ms = np.array([0, 500, 1000], np.int64)
    query = Frames(times_ms, vectors[:3], vectors[:3], np.ones(3, np.bool_))
    distances = distances_on(Line(0, False, 1.0, -500.0), query, reference)
    assert (distances[[0, 2]] == OUTSIDE).all()
    assert distances[1] < OUTSIDE


def test_a_source_of_one_picture_can_be_followed() -> None:
    rng = np.random.default_rng(4)
    vectors = derive(random_layouts(rng, 1))
    reference = Reference(np.zeros(1, np.int64), np.zeros(1, np.uint32), vectors, 40)
    query = Frames(np.arange(3), np.repeat(vectors, 3, 0), vectors, np.ones(3, np.bool_))
    assert distances_on(Line(0, False, 0.0, 0.0), query, reference).tolist() == [0, 0, 0]
