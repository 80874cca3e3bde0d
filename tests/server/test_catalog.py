"""Titles and episodes of the catalog, and what it tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cataloguing import add

from mitate.kernels.errors import FailedPrecondition, InvalidArgument, NotFound
from mitate.server.catalog import Catalog
from mitate.server.placement import Placement
from mitate.server.records import Names


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path / "catalog.sqlite")
    yield opened
    opened.close()


def test_created_title_is_read_back(catalog: Catalog) -> None:
    made = catalog.create_title("  Serial  ", {"mal": "7", "anidb": " 3 "})
    assert (made.name, made.n_episodes) == ("Serial", 0)
    assert list(made.refs.items()) == [("anidb", "3"), ("mal", "7")]
    assert made.created_ms > 1_600_000_000_000
    assert catalog.get_title(made.title_id) == made


def test_titles_may_share_a_name(catalog: Catalog) -> None:
    assert catalog.create_title("Same").title_id != catalog.create_title("Same").title_id


def test_update_changes_only_what_is_given(catalog: Catalog) -> None:
    title = catalog.create_title("Before", {"mal": "7"})
    assert catalog.update_title(title.title_id, name="After").refs == {"mal": "7"}
    updated = catalog.update_title(title.title_id, refs={"anidb": "1"})
    assert (updated.name, updated.refs) == ("After", {"anidb": "1"})
    episode = catalog.create_episode(title.title_id, "01", {"thetvdb": "9"})
    assert catalog.update_episode(episode.episode_id, label="02").refs == {"thetvdb": "9"}
    assert catalog.update_episode(episode.episode_id, refs={}).refs == {}
    assert catalog.get_episode(episode.episode_id).label == "02"


def test_what_is_not_there_is_named(catalog: Catalog) -> None:
    for call, text in (
        (catalog.get_title, "no title 5"),
        (catalog.update_title, "no title 5"),
        (catalog.delete_title, "no title 5"),
        (catalog.get_episode, "no episode 5"),
        (catalog.update_episode, "no episode 5"),
        (catalog.delete_episode, "no episode 5"),
        (catalog.file_of, "no source 5"),
        (catalog.list_episodes, "no title 5"),
    ):
        with pytest.raises(NotFound, match=text):
            call(5)
        with pytest.raises(InvalidArgument, match="is -1; ids are 1 to"):
            call(-1)
    with pytest.raises(NotFound, match="no title 5"):
        catalog.create_episode(5, "01")


def test_title_with_episodes_is_deleted_only_with_force(catalog: Catalog) -> None:
    title = catalog.create_title("Serial", {"mal": "7"})
    first = add(catalog, 1, Placement(title="Serial"))
    add(catalog, 2, Placement(title="Serial", refs={"anidb": "1"}))
    with pytest.raises(FailedPrecondition, match="has 2 episodes"):
        catalog.delete_title(title.title_id)
    removal = catalog.delete_title(title.title_id, force=True)
    assert removal.source_ids == (1, 2)
    assert len(removal.file_names) == 2
    assert catalog.stats().n_episodes == 0
    with pytest.raises(NotFound):
        catalog.file_of(first.source.source_id)
    catalog.check()


def test_names_merge_references_and_the_episode_wins(catalog: Catalog) -> None:
    title = catalog.create_title("Serial", {"mal": "1", "anidb": "2"})
    result = add(catalog, 1, Placement(title="Serial", episode="01", refs={"mal": "9"}))
    found = catalog.names([result.source.source_id, 77])
    assert found == {
        1: Names(
            title="Serial",
            title_id=title.title_id,
            episode="01",
            episode_id=result.episode.episode_id,
            source_id=1,
            refs={"anidb": "2", "mal": "9"},
        )
    }


def test_names_of_many_sources_come_in_one_call(catalog: Catalog) -> None:
    assert catalog.names(range(1, 100_000)) == {}


def test_pages_cover_everything_once_while_the_catalog_changes(catalog: Catalog) -> None:
    made = [catalog.create_title(f"Title {i}") for i in range(7)]
    first = catalog.list_titles(page_size=3)
    assert (first.items, first.total_size) == (tuple(made[:3]), 7)
    catalog.delete_title(made[1].title_id)
    catalog.delete_title(made[3].title_id)
    second = catalog.list_titles(3, first.next_page_token)
    assert second.items == tuple(made[4:7])
    assert (second.next_page_token, second.total_size) == ("", 5)


def test_episodes_are_listed_by_title_or_all(catalog: Catalog) -> None:
    for seed in range(1, 6):
        add(catalog, seed, Placement(title="odd" if seed % 2 else "even"))
    title_id = catalog.get_episode(1).title_id
    page = catalog.list_episodes(title_id, 2)
    assert [episode.episode_id for episode in page.items] == [1, 3]
    assert page.total_size == 3
    assert [source.source_id for source in page.items[1].sources] == [3]
    rest = catalog.list_episodes(title_id, 2, page.next_page_token)
    assert [episode.episode_id for episode in rest.items] == [5]
    assert catalog.list_episodes().total_size == 5
    with pytest.raises(InvalidArgument, match="belongs to another list"):
        catalog.list_episodes(0, 2, page.next_page_token)


def test_stats_count_what_is_stored(catalog: Catalog) -> None:
    add(catalog, 1)
    add(catalog, 2)
    stats = catalog.stats()
    assert (stats.n_titles, stats.n_episodes, stats.n_sources) == (2, 2, 2)
    assert (stats.n_frames, stats.n_kept, stats.duration_ms) == (200, 80, 8003)
    assert stats.stored_bytes == 2003


def test_stored_lists_sources_with_title_and_file(catalog: Catalog) -> None:
    results = [add(catalog, seed) for seed in (1, 2)]
    found = catalog.stored()
    assert [entry.source for entry in found] == [result.source for result in results]
    assert [entry.title_id for entry in found] == [result.title.title_id for result in results]
    assert found[1].file == catalog.file_of(2)
    assert [entry.source.partial for entry in found] == [False, True]


def test_closed_catalog_says_so(catalog: Catalog) -> None:
    catalog.close()
    with pytest.raises(FailedPrecondition, match="is closed"):
        catalog.get_title(1)
    with pytest.raises(FailedPrecondition, match="is closed"):
        catalog.create_title("Late")
