"""Titles and episodes over the wire: create, read, list by pages, change, delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bad_requests import ARGUMENT, MISSING
from conftest import running
from google.protobuf.field_mask_pb2 import FieldMask
from wire import Wire

from mitate.v1 import catalog_pb2 as catalog


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with running(tmp_path_factory.mktemp("catalog"), "--workers", "1") as server:
        wire = Wire(server.address)
        yield wire
        wire.channel.close()


def new_title(wire: Wire, name: str, **refs: str) -> Any:
    title = catalog.Title(name=name, refs=refs)
    return wire.call("CatalogService/CreateTitle", catalog.CreateTitleRequest(title=title))


def new_episode(wire: Wire, title_id: int, label: str, **refs: str) -> Any:
    episode = catalog.Episode(title_id=title_id, episode=label, refs=refs)
    return wire.call("CatalogService/CreateEpisode", catalog.CreateEpisodeRequest(episode=episode))


def get_title(wire: Wire, title_id: int) -> Any:
    return wire.call("CatalogService/GetTitle", catalog.GetTitleRequest(title_id=title_id))


def update_title(wire: Wire, title: catalog.Title, *paths: str) -> Any:
    request = catalog.UpdateTitleRequest(title=title, update_mask=FieldMask(paths=paths))
    return wire.call("CatalogService/UpdateTitle", request)


def update_episode(wire: Wire, episode: catalog.Episode, *paths: str) -> Any:
    request = catalog.UpdateEpisodeRequest(episode=episode, update_mask=FieldMask(paths=paths))
    return wire.call("CatalogService/UpdateEpisode", request)


def test_a_new_title_is_what_was_asked_for(wire: Wire) -> None:
    made = new_title(wire, "  Baccano! ", anidb="4897")
    assert (made.name, dict(made.refs), made.episode_count) == ("Baccano!", {"anidb": "4897"}, 0)
    assert made.title_id > 0 and made.created_ms > 1_600_000_000_000
    assert get_title(wire, made.title_id) == made


def test_two_titles_may_have_the_same_name(wire: Wire) -> None:
    assert new_title(wire, "Same").title_id != new_title(wire, "Same").title_id


def pages(wire: Wire, method: str, request: Any, items: str) -> list[list[Any]]:
    """All pages of a list."""
    found = []
    while True:
        page = wire.call(method, request)
        found.append(list(getattr(page, items)))
        if not page.next_page_token:
            assert page.total_size == sum(map(len, found))
            return found
        request.page_token = page.next_page_token


@pytest.mark.parametrize("size", [1, 3, 1000, 2**31 - 1])
def test_pages_of_titles_hold_every_title_once_by_id(wire: Wire, size: int) -> None:
    made = {new_title(wire, f"page {i}").title_id for i in range(4)}
    request = catalog.ListTitlesRequest(page_size=size)
    found = pages(wire, "CatalogService/ListTitles", request, "titles")
    assert all(len(page) <= size for page in found)
    ids = [title.title_id for page in found for title in page]
    assert ids == sorted(set(ids))
    assert made <= set(ids)


def test_pages_of_episodes_keep_to_their_title(wire: Wire) -> None:
    one, other = new_title(wire, "one").title_id, new_title(wire, "other").title_id
    made = [new_episode(wire, one, f"E{i}").episode_id for i in range(5)]
    new_episode(wire, other, "E1")
    request = catalog.ListEpisodesRequest(title_id=one, page_size=2)
    found = pages(wire, "CatalogService/ListEpisodes", request, "episodes")
    assert [len(page) for page in found] == [2, 2, 1]
    assert [episode.episode_id for page in found for episode in page] == made
    everything = catalog.ListEpisodesRequest()
    (page,) = pages(wire, "CatalogService/ListEpisodes", everything, "episodes")
    assert {episode.title_id for episode in page} >= {one, other}


def test_a_token_leads_on_in_its_own_list_only(wire: Wire) -> None:
    title_id = new_title(wire, "tokens").title_id
    for label in ("E1", "E2"):
        new_episode(wire, title_id, label)
    lists = "CatalogService/ListEpisodes"
    first = wire.call(lists, catalog.ListEpisodesRequest(title_id=title_id, page_size=1))
    token = first.next_page_token
    for method, request in (
        (lists, catalog.ListEpisodesRequest(page_token=token)),
        ("CatalogService/ListTitles", catalog.ListTitlesRequest(page_token=token)),
    ):
        refusal = wire.refusal(method, request)
        assert (refusal.status, refusal.reason) == ARGUMENT
        assert "page_token" in refusal.message


def test_a_mask_says_what_of_a_title_changes(wire: Wire) -> None:
    title_id = new_title(wire, "before", anidb="1").title_id
    new = catalog.Title(title_id=title_id, name="after", refs={"mal": "2"})
    title = update_title(wire, new, "name")
    assert (title.name, dict(title.refs)) == ("after", {"anidb": "1"})
    new.name = "not this"
    title = update_title(wire, new, "refs")
    assert (title.name, dict(title.refs)) == ("after", {"mal": "2"})
    title = update_title(wire, catalog.Title(title_id=title_id, name="last"))
    assert (title.name, dict(title.refs)) == ("last", {"mal": "2"})
    title = update_title(wire, catalog.Title(title_id=title_id), "refs")
    assert (title.name, dict(title.refs)) == ("last", {})
    title = update_title(wire, new, "name", "refs")
    assert (title.name, dict(title.refs)) == ("not this", {"mal": "2"})
    assert get_title(wire, title_id) == title


def test_a_masked_name_that_is_empty_is_refused_and_nothing_changes(wire: Wire) -> None:
    made = new_title(wire, "stays", anidb="1")
    request = catalog.UpdateTitleRequest(
        title=catalog.Title(title_id=made.title_id), update_mask=FieldMask(paths=["name", "refs"])
    )
    refusal = wire.refusal("CatalogService/UpdateTitle", request)
    assert (refusal.status, refusal.reason) == ARGUMENT
    assert get_title(wire, made.title_id) == made


def test_an_episode_is_made_read_and_changed(wire: Wire) -> None:
    title = new_title(wire, "Mushishi")
    made = new_episode(wire, title.title_id, "S01E03", thetvdb="77")
    assert (made.title_id, made.title, made.episode) == (title.title_id, "Mushishi", "S01E03")
    assert (dict(made.refs), list(made.sources)) == ({"thetvdb": "77"}, [])
    request = catalog.GetEpisodeRequest(episode_id=made.episode_id)
    assert wire.call("CatalogService/GetEpisode", request) == made
    assert get_title(wire, title.title_id).episode_count == 1
    new = catalog.Episode(episode_id=made.episode_id, episode="S01E04", refs={"mal": "2"})
    changed = update_episode(wire, new, "episode")
    assert (changed.episode, dict(changed.refs)) == ("S01E04", {"thetvdb": "77"})
    changed = update_episode(wire, new, "refs")
    assert (changed.episode, dict(changed.refs)) == ("S01E04", {"mal": "2"})


def test_a_title_with_episodes_is_deleted_only_by_force(wire: Wire) -> None:
    title_id = new_title(wire, "full").title_id
    episode_id = new_episode(wire, title_id, "E1").episode_id
    delete = "CatalogService/DeleteTitle"
    refusal = wire.refusal(delete, catalog.DeleteTitleRequest(title_id=title_id))
    assert (refusal.status, refusal.reason) == ("FAILED_PRECONDITION", "FAILED_PRECONDITION")
    assert "force" in refusal.message
    wire.call(delete, catalog.DeleteTitleRequest(title_id=title_id, force=True))
    for method, request in (
        (delete, catalog.DeleteTitleRequest(title_id=title_id, force=True)),
        ("CatalogService/GetTitle", catalog.GetTitleRequest(title_id=title_id)),
        ("CatalogService/GetEpisode", catalog.GetEpisodeRequest(episode_id=episode_id)),
    ):
        refusal = wire.refusal(method, request)
        assert (refusal.status, refusal.reason) == MISSING


def test_ids_are_never_used_again(wire: Wire) -> None:
    gone = new_title(wire, "gone").title_id
    wire.call("CatalogService/DeleteTitle", catalog.DeleteTitleRequest(title_id=gone))
    assert new_title(wire, "new").title_id > gone


def test_a_title_that_was_created_outlives_its_last_episode(wire: Wire) -> None:
    title_id = new_title(wire, "kept").title_id
    episode_id = new_episode(wire, title_id, "E1").episode_id
    request = catalog.DeleteEpisodeRequest(episode_id=episode_id)
    wire.call("CatalogService/DeleteEpisode", request)
    assert get_title(wire, title_id).episode_count == 0
    refusal = wire.refusal("CatalogService/DeleteEpisode", request)
    assert (refusal.status, refusal.reason) == MISSING


def test_stats_count_titles_and_episodes(wire: Wire) -> None:
    before = wire.call("CatalogService/GetStats", catalog.GetStatsRequest())
    title_id = new_title(wire, "counted").title_id
    new_episode(wire, title_id, "E1")
    after = wire.call("CatalogService/GetStats", catalog.GetStatsRequest())
    assert after.title_count == before.title_count + 1
    assert after.episode_count == before.episode_count + 1
    assert after.source_count == 0
    assert after.server_version and after.descriptor_version and after.vector_version
