"""Shots that descriptors leave unexplained are told by their small pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from signatures import moving_layouts

from mitate.kernels.vector import derive
from mitate.server.align import sample
from mitate.server.emissions import Frames, Likelihood, Line, Reference
from mitate.server.hypotheses import Hits
from mitate.server.second_look import AS_LIKE, LEAST_LIKENESS, N_FITTED, look_again
from mitate.server.stretches import Follower, Stretch

FPS, N = 24, 480
SHOT = 24  # frames of each of the three shots of the query
AT = (100, 250, 340)  # frames of the source from which they are


def times(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.rint(np.arange(n) * 1000 / FPS).astype(np.int64)


class Scene:
    """A query of three shots of one source, so changed that none of it is near."""

    def __init__(self) -> None:
        film = derive(moving_layouts(np.random.default_rng(1), N, 48, 2))
        self.reference = Reference(times(N), np.arange(N, dtype=np.uint32), film, 20_000)
        shown = np.concatenate([film[at : at + SHOT] for at in AT]).astype(np.int16)
        shown[:, :12] += 30
        vectors = shown.clip(-127, 127).astype(np.int8)
        query = Frames(times(len(vectors)), vectors, vectors, np.ones(len(vectors), np.bool_))
        self.sampled = sample(query.times_ms)
        self.follower = Follower(
            query, self.sampled, {1: self.reference}, Likelihood.for_rows(10**6)
        )
        shots = self.sampled // SHOT
        places = np.array(AT)[shots] + self.sampled % SHOT
        frames = np.tile(np.arange(len(self.sampled)), 2)
        kept = np.concatenate([places, (places + 77) % N])  # right ones, and others as near
        n = len(frames)
        self.hits = Hits.of_frames(
            frames, np.zeros(n, np.bool_), np.ones(n, np.int64), kept, np.full(n, 3000, np.int32)
        )


class Pictures:
    """Agree with lines that are right for a shot."""

    def __init__(self, alike: float = 0.9) -> None:
        self.alike, self.n_looks = alike, 0

    def _right(self, line: Line, first: int) -> bool:
        at_ms = (AT[first // SHOT] + first % SHOT) * 1000 / FPS
        return abs(float(line.at(times(72)[[first]])[0]) - at_ms) < 500

    def compared(self, lines: Sequence[Line], shot: tuple[int, int]) -> Sequence[float]:
        return [self.alike if self._right(line, shot[0]) else 0.4 for line in lines]

    def looked_at(self, one: Stretch) -> Stretch:
        self.n_looks += 1
        return replace(one, likeness=self.alike if self._right(one.line, one.first) else 0.4)


def best(scene: Scene, told: Sequence[Stretch], pictures: Pictures) -> list[Stretch]:
    return [first for first, *_ in look_again(scene.follower, scene.hits, told, pictures)]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def test_every_unexplained_shot_is_told_at_its_place(scene: Scene) -> None:
    found = best(scene, [], Pictures())
    assert [(one.first, one.stop) for one in found] == [(0, 24), (24, 48), (48, 72)]
    for one, at in zip(found, AT, strict=True):
        begin_ms = float(one.line.at(scene.follower.query.times_ms[[one.first]])[0])
        assert begin_ms == pytest.approx(at * 1000 / FPS, abs=45)
        assert one.likeness == 0.9


def test_what_is_told_is_left_alone(scene: Scene) -> None:
    told = [Stretch(Line(1, False, 1.0, 0.0), 22, 50, 9.0, 0.9, 100.0, 30)]
    found = best(scene, told, Pictures())
    assert [(one.first, one.stop) for one in found] == [(0, 22), (50, 72)]


@pytest.mark.parametrize("told", [(6, 24), (8, 16), (0, 24), (0, 12), (23, 24), (5, 6)])
def test_what_is_found_never_overlaps_what_is_told(scene: Scene, told: tuple[int, int]) -> None:
    known = Stretch(Line(1, False, 1.0, 0.0), *told, 9.0, 0.9, 100.0, told[0])
    found = best(scene, [known], Pictures())
    assert all(one.stop <= told[0] or one.first >= told[1] for one in found)
    left = max(told[0], 24 - told[1])
    assert (found[0].first < 24) == (left >= 12)


def test_pictures_that_do_not_agree_are_not_looked_at_closely(scene: Scene) -> None:
    pictures = Pictures(LEAST_LIKENESS - 0.01)
    assert look_again(scene.follower, scene.hits, [], pictures) == []
    assert pictures.n_looks == 0
    pictures = Pictures()
    look_again(scene.follower, scene.hits, [], pictures)
    assert pictures.n_looks <= 3 * N_FITTED


@pytest.mark.parametrize(("less", "rivals"), [(0.0, [2]), (AS_LIKE / 2, [2]), (2 * AS_LIKE, [])])
def test_other_sources_that_are_as_like_are_rivals(
    scene: Scene, less: float, rivals: list[int]
) -> None:
    class Two(Pictures):
        def looked_at(self, one: Stretch) -> Stretch:
            looked = super().looked_at(one)
            return replace(
                looked, likeness=(looked.likeness or 0) - less * (one.line.source_id - 1)
            )

    references = {1: scene.reference, 2: scene.reference}
    likelihood = Likelihood.for_rows(10**6)
    follower = Follower(scene.follower.query, scene.sampled, references, likelihood)
    other = scene.hits._replace(source_ids=scene.hits.source_ids + 1)
    for first, *others in look_again(follower, Hits.joined([scene.hits, other]), [], Two()):
        assert first.line.source_id == (1 if less else first.line.source_id)
        assert sorted({first.line.source_id, *(one.line.source_id for one in others)}) == [
            1,
            *rivals,
        ]


def test_what_a_source_no_longer_shows_is_not_measured(scene: Scene) -> None:
    line = Line(1, False, 1.0, 20_000.0 - 500)
    stretch = scene.follower.measured_anyway(line, 0, 24)
    assert stretch is not None and 11 <= stretch.stop <= 14
    assert stretch.distance < 100_000
    assert scene.follower.measured_anyway(line._replace(offset_ms=30_000.0), 0, 24) is None


def test_without_hits_nothing_is_found(scene: Scene) -> None:
    assert look_again(scene.follower, Hits.joined([]), [], Pictures()) == []
