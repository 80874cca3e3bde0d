from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mitate.kernels.errors import FailedPrecondition, InvalidArgument, NotFound
from mitate.server.catalog import Catalog
from mitate.server.placement import Placement
from mitate.server.records import CommitResult, Names, SignatureFile, Source


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(tmp_path / "catalog.sqlite")
    yield opened
    opened.close()


def add(
    catalog: Catalog, seed: int, placement: Placement | None = None, file_name: str = "a.mkv"
) -> CommitResult:
    sha256 = hashlib.sha256(str(seed).encode()).hexdigest()
    draft = Source(
        source_id=0,
        episode_id=0,
        sha256=sha256,
        file_name=file_name,
        kind="video",
        n_frames=100,
        n_kept=40,
        duration_ms=4000 + seed,
        width=640,
        height=360,
        descriptor_version="cld/1",
        preprocessing_version="planes/1",
        partial=seed % 2 == 0,
        created_ms=0,
    )
    file = SignatureFile(f"{seed}-{threading.get_ident()}.msig", 1000 + seed, sha256)
    return catalog.add_source(draft, file, placement or Placement())


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
        (catalog.get_source, "no source 5"),
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
        catalog.get_source(first.source.source_id)
    catalog.check()


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
    assert catalog.find_source_by_sha256(first.source.sha256) is None


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


def test_closed_catalog_says_so(catalog: Catalog) -> None:
    catalog.close()
    with pytest.raises(FailedPrecondition, match="is closed"):
        catalog.get_title(1)
    with pytest.raises(FailedPrecondition, match="is closed"):
        catalog.create_title("Late")
