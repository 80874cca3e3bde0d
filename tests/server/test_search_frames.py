"""Shots of which only a part of the source is shown, and shots within borders of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from signatures import mirror, moving_layouts, random_layouts, signature

from mitate.kernels.runs import run_starts
from mitate.kernels.signature import N_WINDOWS, THUMB_COLS, THUMB_ROWS, Signature
from mitate.kernels.vector import derive
from mitate.server.index import Neighbours, make_index
from mitate.server.library import Library, NewSource, Snapshot
from mitate.server.records import Names
from mitate.server.search_clip import scan, search_clip

Layouts = NDArray[np.uint8]
N_FRAMES, FPS = 720, 24


@dataclass(frozen=True)
class Found:
    neighbours: Neighbours
    snapshot: Snapshot


class Windowed:
    """Films whose runs have windows."""

    def __init__(self, n: int) -> None:
        self.films = [moving_layouts(np.random.default_rng(i), N_FRAMES) for i in range(n)]
        self.parts = [moving_layouts(np.random.default_rng(100 + i), N_FRAMES) for i in range(n)]
        self.library = Library(make_index)
        for i in range(n):
            self.library.add(NewSource(i, i, i, self.signed(i)))
        self.snapshot = self.library.snapshot()

    def signed(self, i: int) -> Signature:
        """Window 1 of a frame is the frame of another film at that time; the rest is noise."""
        whole = signature(self.films[i])
        first = run_starts(derive(whole.layouts))
        rng = np.random.default_rng(200 + i)
        windows = random_layouts(rng, len(first) * N_WINDOWS).reshape(-1, N_WINDOWS, 33)
        windows[:, 1] = self.parts[i][whole.kept_first[first]]
        thumbnails = np.zeros((len(first), THUMB_ROWS, THUMB_COLS), np.uint8)
        return replace(
            whole, run_first=first.astype(np.uint32), windows=windows, thumbnails=thumbnails
        )

    def find(self, queries: NDArray[np.int8], k: int) -> Found:
        return Found(self.library.index.search(queries, k, None), self.snapshot)

    def find_windows(self, queries: NDArray[np.int8], k: int) -> Found:
        return Found(self.library.windows.search(queries, k, None), self.snapshot)

    def name_of(self, source_id: int) -> Names:
        return Names(str(source_id), source_id, "", source_id, source_id)


@pytest.fixture(scope="module")
def shelf() -> Windowed:
    return Windowed(4)


def test_a_clip_that_shows_a_part_of_its_source_is_found_by_its_windows(shelf: Windowed) -> None:
    clip = signature(shelf.parts[2][240:360])
    answer = search_clip(clip, shelf.find, shelf.name_of, 3, find_windows=shelf.find_windows)
    best = answer.matches[0]
    assert (answer.verdict, best.episode_id, best.mirrored) == ("match", 2, False)
    assert best.from_ms == pytest.approx(10_000, abs=130)
    assert best.to_ms == pytest.approx(15_000, abs=130)
    without = search_clip(clip, shelf.find, shelf.name_of, 3)
    assert without.verdict == "no_match"


def test_a_mirrored_part_is_called_so(shelf: Windowed) -> None:
    clip = signature(mirror(shelf.parts[1][100:220]))
    answer = search_clip(clip, shelf.find, shelf.name_of, 3, find_windows=shelf.find_windows)
    assert (answer.matches[0].episode_id, answer.matches[0].mirrored) == (1, True)


def test_whole_and_zoomed_shots_stand_in_one_timeline(shelf: Windowed) -> None:
    shots = [shelf.films[0][100:160], shelf.parts[3][300:360], shelf.films[1][400:460]]
    amv = signature(np.concatenate(shots))
    segments = scan(amv, shelf.find, shelf.name_of, find_windows=shelf.find_windows).segments
    assert [one.episode_id for one in segments] == [0, 3, 1]
    ends = [2500, 5000, 7500]
    assert [one.query_to_ms for one in segments] == pytest.approx(ends, abs=90)


def test_windows_are_only_searched_for_frames_that_are_not_clear(shelf: Windowed) -> None:
    asked: list[int] = []

    def counted(queries: NDArray[np.int8], k: int) -> Found:
        asked.append(len(queries))
        return shelf.find_windows(queries, k)

    scan(signature(shelf.films[0][100:220]), shelf.find, shelf.name_of, find_windows=counted)
    assert sum(asked) == 0


def bordered(whole: Layouts, inside: Layouts) -> Signature:
    """A signature whose frames show `inside` within borders, and `whole` with them."""
    made = signature(whole)
    kept = made.kept_first
    return replace(
        made,
        inner_kept=np.arange(made.n_kept, dtype=np.uint32),
        inner=np.ascontiguousarray(inside[kept]),
        inner_mirrored=np.ascontiguousarray(mirror(inside)[kept]),
    )


def test_what_lies_within_borders_of_shots_is_recognised(shelf: Windowed) -> None:
    whole = moving_layouts(np.random.default_rng(50), 120)
    clip = bordered(whole, shelf.films[3][240:360])
    best = search_clip(clip, shelf.find, shelf.name_of, 3).matches[0]
    assert (best.episode_id, best.view, best.mirrored) == (3, "inner", False)
    assert best.from_ms == pytest.approx(10_000, abs=90)
    turned = bordered(whole, mirror(shelf.films[3][240:360]))
    best = search_clip(turned, shelf.find, shelf.name_of, 3).matches[0]
    assert (best.episode_id, best.view, best.mirrored) == (3, "inner-mirrored", True)
