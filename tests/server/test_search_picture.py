"""Pictures are answered with the moments that show them, and with how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from signatures import moving_layouts, random_layouts, signature

from mitate.kernels.layout import mirror_layouts
from mitate.kernels.vector import derive
from mitate.server.index import Neighbours
from mitate.server.index_numpy import NumpyIndex
from mitate.server.library import Library, NewSource, Snapshot
from mitate.server.moments import LARGEST_GAP_MS, SAME_LENGTH
from mitate.server.query_views import SomeViews, views_of_layouts
from mitate.server.records import Names, Verdict
from mitate.server.search_picture import search_pictures

Layouts = NDArray[np.uint8]


@dataclass(frozen=True)
class Found:
    neighbours: Neighbours
    snapshot: Snapshot


class Shelf:
    """A library whose sources belong to the episodes given; three episodes make a title."""

    def __init__(self, *sources: tuple[int, Layouts]) -> None:
        self.library = Library(NumpyIndex)
        self.calls: list[tuple[int, int]] = []
        self.library.add(
            *(
                NewSource(i, episode, episode // 3, signature(layouts))
                for i, (episode, layouts) in enumerate(sources)
            )
        )

    def find(self, queries: NDArray[np.int8], k: int) -> Found:
        self.calls.append((len(queries), k))
        return Found(self.library.index.search(queries, k), self.library.snapshot())

    def name_of(self, source_id: int) -> Names:
        source = self.library.snapshot().sources[source_id]
        return Names(
            f"title {source.title_id}",
            source.title_id,
            f"episode {source.episode_id}",
            source.episode_id,
            source_id,
            {"anilist": "7"},
        )


def one_view(layouts: Layouts, quality: int = 200) -> SomeViews:
    return SomeViews(("full",), layouts[None], np.array([quality], np.uint8))


@pytest.fixture
def films() -> Callable[[int], Layouts]:
    return lambda seed: moving_layouts(np.random.default_rng(seed), 480)


def test_a_stored_picture_finds_its_moment(films: Callable[[int], Layouts]) -> None:
    shelf = Shelf(*((i, films(i)) for i in range(4)))
    (answer,) = search_pictures([one_view(films(2)[100])], shelf.find, shelf.name_of, 5)
    best = answer.matches[0]
    assert (answer.verdict, answer.kind, answer.exact) == (Verdict.MATCH, "image", True)
    assert (best.title_id, best.episode_id, best.source_id) == (0, 2, 2)
    assert (best.title, best.episode, best.refs) == ("title 0", "episode 2", {"anilist": "7"})
    assert best.from_ms <= round(100 * 1000 / 24) <= best.to_ms
    assert abs(best.at_ms - 100 * 1000 / 24) < 100
    assert (best.distance, best.similarity, best.probability) == (0.0, 1.0, None)
    assert (best.query_from_ms, best.query_to_ms, best.speed) == (0, 0, 1.0)
    assert set(answer.timings_ms) == {"search", "match"}


def test_matches_are_in_order_and_apart(films: Callable[[int], Layouts]) -> None:
    shelf = Shelf(*((i, films(i)) for i in range(4)))
    (answer,) = search_pictures([one_view(films(1)[50])], shelf.find, shelf.name_of, 10)
    distances = [match.distance for match in answer.matches]
    assert distances == sorted(distances)
    assert len(answer.matches) == 10
    places = [(match.source_id, match.at_ms) for match in answer.matches]
    assert len(set(places)) == 10


def test_a_mirrored_picture_is_found_by_its_mirrored_view(
    films: Callable[[int], Layouts],
) -> None:
    shelf = Shelf(*((i, films(i)) for i in range(4)))
    views = views_of_layouts(mirror_layouts(films(3)[200][None]))
    (answer,) = search_pictures(views, shelf.find, shelf.name_of, 1)
    assert (answer.matches[0].episode_id, answer.matches[0].mirrored) == (3, True)
    assert answer.matches[0].view == "full-mirrored"
    (plain,) = search_pictures(views, shelf.find, shelf.name_of, 1, mirrored=False)
    assert not plain.matches[0].mirrored


def test_other_episodes_that_hold_the_moment_make_it_ambiguous(
    films: Callable[[int], Layouts],
) -> None:
    opening = films(9)[:72]
    shelf = Shelf(*((i, np.concatenate([films(i), opening])) for i in range(4)))
    (answer,) = search_pictures([one_view(opening[30])], shelf.find, shelf.name_of, 5)
    assert answer.verdict == Verdict.AMBIGUOUS
    assert [match.verdict for match in answer.matches[:4]] == [Verdict.AMBIGUOUS] * 4
    assert {other.episode_id for other in answer.matches[0].alternatives} == {1, 2, 3}


def test_an_opening_is_named_in_every_episode_of_a_long_series(
    films: Callable[[int], Layouts],
) -> None:
    opening = films(99)[:72]
    shelf = Shelf(*((i, np.concatenate([films(i)[:48], opening])) for i in range(50)))
    for n_matches in (1, 20):
        (answer,) = search_pictures([one_view(opening[30])], shelf.find, shelf.name_of, n_matches)
        assert (answer.verdict, len(answer.matches)) == (Verdict.AMBIGUOUS, n_matches)
        named = [answer.matches[0].episode_id]
        named += [other.episode_id for other in answer.matches[0].alternatives]
        assert sorted(named) == list(range(50))


def test_sources_of_one_episode_are_one_match(films: Callable[[int], Layouts]) -> None:
    shelf = Shelf((1, films(1)), (1, films(1)), (2, films(2)))
    (answer,) = search_pictures([one_view(films(1)[100])], shelf.find, shelf.name_of, 5)
    assert answer.verdict == Verdict.MATCH
    assert {match.source_id for match in answer.matches if match.episode_id == 1} == {0}


def test_brightness_decides_between_equal_pictures() -> None:
    rng = np.random.default_rng(0)
    dark = random_layouts(rng, 1)
    bright = dark.copy()
    bright[:, 0] += 9
    shelf = Shelf((0, dark), (1, bright), (2, random_layouts(rng, 5)))
    for picture, episode in ((dark, 0), (bright, 1)):
        (answer,) = search_pictures([one_view(picture[0])], shelf.find, shelf.name_of, 2)
        assert [match.episode_id for match in answer.matches] == [episode, 1 - episode]


def test_an_unknown_picture_is_no_match_and_its_nearest_are_listed(
    films: Callable[[int], Layouts],
) -> None:
    shelf = Shelf((0, films(0)))
    unknown = random_layouts(np.random.default_rng(99), 1)[0]
    (answer,) = search_pictures([one_view(unknown)], shelf.find, shelf.name_of, 3)
    assert answer.verdict == Verdict.NO_MATCH
    assert len(answer.matches) == 3


def test_a_flat_picture_is_uninformative(films: Callable[[int], Layouts]) -> None:
    shelf = Shelf((0, films(0)))
    flat = np.full(33, 16, np.uint8)
    (answer,) = search_pictures([one_view(flat, quality=3)], shelf.find, shelf.name_of, 3)
    assert answer.verdict == Verdict.UNINFORMATIVE
    assert all(match.verdict == Verdict.UNINFORMATIVE for match in answer.matches)


def test_an_empty_library_has_no_match() -> None:
    shelf = Shelf()
    (answer,) = search_pictures(
        [one_view(random_layouts(np.random.default_rng(0), 1)[0])], shelf.find, shelf.name_of, 3
    )
    assert (answer.verdict, answer.matches) == (Verdict.NO_MATCH, ())


def test_no_pictures_have_no_answers() -> None:
    shelf = Shelf()
    assert search_pictures([], shelf.find, shelf.name_of, 3) == []
    assert shelf.calls == []


def test_the_range_covers_a_still_scene_and_ends_at_its_cuts() -> None:
    rng = np.random.default_rng(4)
    before, still, after = random_layouts(rng, 3)
    layouts = np.concatenate([[before] * 24, [still] * 120, [after] * 24]).astype(np.uint8)
    shelf = Shelf((0, layouts))
    (answer,) = search_pictures([one_view(still)], shelf.find, shelf.name_of, 1)
    assert (answer.matches[0].from_ms, answer.matches[0].to_ms) == (1000, 6000)
    assert abs(answer.matches[0].at_ms - 3500) <= 42


def test_a_range_bridges_a_flash_but_not_another_scene() -> None:
    rng = np.random.default_rng(4)
    still, flash = random_layouts(rng, 2)

    def range_with(n_flash_frames: int) -> tuple[int, int]:
        layouts = np.concatenate([[still] * 48, [flash] * n_flash_frames, [still] * 48])
        shelf = Shelf((0, layouts.astype(np.uint8)))
        (answer,) = search_pictures([one_view(still)], shelf.find, shelf.name_of, 1)
        return answer.matches[0].from_ms, answer.matches[0].to_ms

    assert LARGEST_GAP_MS == 250
    assert range_with(3) == (0, 4125)
    assert range_with(24) == (0, 2000)


def test_a_batch_answers_as_single_searches_do(films: Callable[[int], Layouts]) -> None:
    shelf = Shelf(*((i, films(i)) for i in range(4)))
    rng = np.random.default_rng(1)
    layouts = np.concatenate([films(i)[rng.integers(0, 480, 10)] for i in range(6)])
    batch = search_pictures(views_of_layouts(layouts), shelf.find, shelf.name_of, 4)
    for row, answer in zip(layouts, batch, strict=True):
        (single,) = search_pictures(views_of_layouts(row[None]), shelf.find, shelf.name_of, 4)
        assert (single.verdict, single.matches) == (answer.verdict, answer.matches)


def test_the_listed_moments_are_the_nearest_that_are_stored(
    films: Callable[[int], Layouts],
) -> None:
    shelf = Shelf(*((i, films(i)) for i in range(3)))
    picture = films(2)[77]
    (answer,) = search_pictures([one_view(picture)], shelf.find, shelf.name_of, 8)
    query = derive(picture[None])[0].astype(np.int64)
    for match in answer.matches:
        source = shelf.library.snapshot().sources[match.source_id]
        kept = source.signature.kept_of(np.searchsorted(source.signature.times_ms, match.at_ms))
        assert ((source.vectors[kept] - query) ** 2).sum() == match.distance
    covered = {
        (match.source_id, time_ms)
        for match in answer.matches
        for time_ms in range(match.from_ms - 1001, match.to_ms + 1002)
    }
    last = answer.matches[-1].distance
    for source in shelf.library.snapshot().sources.values():
        times_ms = source.signature.times_ms[source.signature.kept_first]
        distances = ((source.vectors[:] - query) ** 2).sum(axis=1)
        known = [(source.source_id, int(time_ms)) in covered for time_ms in times_ms]
        for i in np.flatnonzero(distances < last):
            reach = (np.sqrt(distances[i]) + SAME_LENGTH) ** 2
            ends = np.flatnonzero(np.append(distances > reach, True))
            stop = int(ends[np.searchsorted(ends, i)])
            start = int(ends[np.searchsorted(ends, i) - 1]) if i > ends[0] else -1
            assert any(known[start + 1 : stop]), times_ms[i]
