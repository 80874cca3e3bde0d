"""Where sources come to lie when they are added or replaced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cataloguing import add

from mitate.kernels.errors import NotFound
from mitate.server.catalog import Catalog
from mitate.server.placement import Placement


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path / "catalog.sqlite")
    yield opened
    opened.close()


def test_files_without_names_become_episodes_of_their_own_even_when_stems_collide(
    catalog: Catalog,
) -> None:
    first, second = add(catalog, 1, file_name="x/01.mkv"), add(catalog, 2, file_name="y/01.mp4")
    assert first.status == second.status == "added"
    assert first.episode.episode_id != second.episode.episode_id
    assert first.title.title_id != second.title.title_id
    assert first.title.name == second.title.name == first.episode.label == "01"


def test_title_groups_files_and_is_found_by_name(catalog: Catalog) -> None:
    made = catalog.create_title("Serial")
    results = [add(catalog, seed, Placement(title=" Serial ")) for seed in (1, 2)]
    assert {result.title.title_id for result in results} == {made.title_id}
    assert len({result.episode.episode_id for result in results}) == 2
    assert results[1].title.n_episodes == 2
    other = add(catalog, 3, Placement(title="Other"))
    assert other.title.title_id != made.title_id


def test_same_title_and_label_are_sources_of_one_episode(catalog: Catalog) -> None:
    place = Placement(title="Serial", episode="S01E01")
    first, second = add(catalog, 1, place), add(catalog, 2, place)
    assert first.episode.episode_id == second.episode.episode_id
    assert [source.source_id for source in second.episode.sources] == [1, 2]
    assert second.episode.duration_ms == 4002
    assert second.episode.title == "Serial"


def test_episode_id_adds_another_source(catalog: Catalog) -> None:
    first = add(catalog, 1)
    second = add(catalog, 2, Placement(episode_id=first.episode.episode_id, refs={"mal": "2"}))
    assert second.status == "added"
    assert second.episode.episode_id == first.episode.episode_id
    assert second.episode.refs == {"mal": "2"}
    with pytest.raises(NotFound, match="no episode 9"):
        add(catalog, 3, Placement(episode_id=9))


def test_replace_keeps_the_episode_and_swaps_its_sources(catalog: Catalog) -> None:
    first = add(catalog, 1, Placement(refs={"mal": "1", "anidb": "1"}))
    episode_id = first.episode.episode_id
    add(catalog, 2, Placement(episode_id=episode_id))
    place = Placement(replace_episode_id=episode_id, refs={"mal": "2"})
    result = add(catalog, 3, place)
    assert (result.status, result.removal.source_ids) == ("replaced", (1, 2))
    assert result.episode.episode_id == episode_id
    assert result.episode.sources == (result.source,)
    assert result.episode.refs == {"mal": "2", "anidb": "1"}
    assert catalog.find_commit(first.source.sha256, Placement()) is None


def test_replacing_by_content_that_is_there_already(catalog: Catalog) -> None:
    first, other = add(catalog, 1), add(catalog, 2)
    alone = Placement(replace_episode_id=first.episode.episode_id)
    assert add(catalog, 1, alone).status == "exists"
    elsewhere = add(catalog, 2, alone)
    assert (elsewhere.status, elsewhere.episode) == ("exists", other.episode)
    add(catalog, 3, Placement(episode_id=first.episode.episode_id))
    result = add(catalog, 1, alone)
    assert (result.status, result.removal.source_ids) == ("replaced", (1, 3))
    assert result.source.source_id == 4


def test_same_content_exists_where_it_was_added_and_changes_nothing(catalog: Catalog) -> None:
    first = add(catalog, 1, Placement(title="Serial"))
    again = add(catalog, 1, Placement(title="Other", episode="9", refs={"mal": "1"}))
    assert again.status == "exists"
    assert (again.title, again.episode, again.source) == (first.title, first.episode, first.source)
    assert catalog.stats().n_titles == 1


def test_find_commit_answers_as_adding_would(catalog: Catalog) -> None:
    first = add(catalog, 1)
    sha256 = first.source.sha256
    found = catalog.find_commit(sha256.upper(), Placement())
    assert found is not None and (found.status, found.source) == ("exists", first.source)
    assert catalog.find_commit("0" * 64, Placement()) is None
    with pytest.raises(NotFound, match="no episode 8"):
        catalog.find_commit("0" * 64, Placement(replace_episode_id=8))


def test_source_ids_are_never_used_again(catalog: Catalog) -> None:
    last = add(catalog, 1)
    catalog.delete_episode(last.episode.episode_id)
    after = add(catalog, 1)
    assert after.source.source_id > last.source.source_id
    assert after.episode.episode_id > last.episode.episode_id
    assert after.title.title_id > last.title.title_id


def test_title_made_by_adding_goes_with_its_last_episode(catalog: Catalog) -> None:
    made, updated = catalog.create_title("Made"), add(catalog, 1, Placement(title="Updated"))
    catalog.update_title(updated.title.title_id, refs={"mal": "1"})
    only = add(catalog, 2, Placement(title="Only"))
    in_made = add(catalog, 3, Placement(title="Made"))
    for result in (updated, only, in_made):
        catalog.delete_episode(result.episode.episode_id)
    left = {title.title_id for title in catalog.list_titles().items}
    assert left == {made.title_id, updated.title.title_id}


def test_threads_that_add_to_one_title_find_the_same(catalog: Catalog) -> None:
    place = Placement(title="Serial", episode="01")
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda seed: add(catalog, seed % 20, place), range(40)))
    assert len({result.title.title_id for result in results}) == 1
    assert len({result.episode.episode_id for result in results}) == 1
    assert sorted(result.status for result in results) == ["added"] * 20 + ["exists"] * 20


def test_reader_sees_an_episode_whole_while_it_is_replaced(catalog: Catalog) -> None:
    episode_id = add(catalog, 0).episode.episode_id
    stop = threading.Event()

    def replace() -> None:
        for seed in range(1, 60):
            add(catalog, seed, Placement(replace_episode_id=episode_id))
        stop.set()

    writer = threading.Thread(target=replace)
    writer.start()
    counts = set()
    while not stop.is_set():
        counts.add(len(catalog.get_episode(episode_id).sources))
    writer.join()
    assert counts == {1}
