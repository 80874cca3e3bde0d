"""Reading and changing the catalog."""

from __future__ import annotations

from collections.abc import Mapping

from mitate.clients import answers, requests
from mitate.clients.results import Episode, Stats, Title, Upload
from mitate.clients.steps import Call, Flow
from mitate.v1 import catalog_pb2, media_pb2

PAGE_SIZE = 1000


def create_title(name: str, refs: Mapping[str, str] | None) -> Flow[Title]:
    """Create a title."""
    title = catalog_pb2.Title(name=name, refs=dict(refs or {}))
    reply = yield Call("CatalogService/CreateTitle", catalog_pb2.CreateTitleRequest(title=title))
    return answers.title(reply)


def get_title(title_id: int) -> Flow[Title]:
    """Return one title."""
    request = catalog_pb2.GetTitleRequest(title_id=title_id)
    return answers.title((yield Call("CatalogService/GetTitle", request)))


def titles() -> Flow[tuple[Title, ...]]:
    """Return all titles, page by page."""
    found: list[Title] = []
    request = catalog_pb2.ListTitlesRequest(page_size=PAGE_SIZE)
    while True:
        reply = yield Call("CatalogService/ListTitles", request)
        found += [answers.title(one) for one in reply.titles]
        if not reply.next_page_token:
            return tuple(found)
        request.page_token = reply.next_page_token


def update_title(title_id: int, name: str | None, refs: Mapping[str, str] | None) -> Flow[Title]:
    """Change a title."""
    request = requests.title_update(title_id, name, refs)
    return answers.title((yield Call("CatalogService/UpdateTitle", request)))


def remove_title(title_id: int, force: bool) -> Flow[None]:
    """Delete a title."""
    request = catalog_pb2.DeleteTitleRequest(title_id=title_id, force=force)
    yield Call("CatalogService/DeleteTitle", request)


def create_episode(title_id: int, label: str, refs: Mapping[str, str] | None) -> Flow[Episode]:
    """Create an episode without sources."""
    episode = catalog_pb2.Episode(title_id=title_id, episode=label, refs=dict(refs or {}))
    request = catalog_pb2.CreateEpisodeRequest(episode=episode)
    return answers.episode((yield Call("CatalogService/CreateEpisode", request)))


def get_episode(episode_id: int) -> Flow[Episode]:
    """Return one episode."""
    request = catalog_pb2.GetEpisodeRequest(episode_id=episode_id)
    return answers.episode((yield Call("CatalogService/GetEpisode", request)))


def episodes(title_id: int | None) -> Flow[tuple[Episode, ...]]:
    """Return all episodes, or those of a title, page by page."""
    found: list[Episode] = []
    request = catalog_pb2.ListEpisodesRequest(title_id=title_id or 0, page_size=PAGE_SIZE)
    while True:
        reply = yield Call("CatalogService/ListEpisodes", request)
        found += [answers.episode(one) for one in reply.episodes]
        if not reply.next_page_token:
            return tuple(found)
        request.page_token = reply.next_page_token


def update_episode(
    episode_id: int, label: str | None, refs: Mapping[str, str] | None
) -> Flow[Episode]:
    """Change an episode."""
    request = requests.episode_update(episode_id, label, refs)
    return answers.episode((yield Call("CatalogService/UpdateEpisode", request)))


def remove_episode(episode_id: int) -> Flow[None]:
    """Delete an episode."""
    request = catalog_pb2.DeleteEpisodeRequest(episode_id=episode_id)
    yield Call("CatalogService/DeleteEpisode", request)


def get_upload(upload_id: str) -> Flow[Upload]:
    """Return the state of an upload."""
    request = media_pb2.GetUploadRequest(upload_id=upload_id)
    return answers.upload((yield Call("MediaService/GetUpload", request)))


def stats() -> Flow[Stats]:
    """Return how the server is."""
    return answers.stats((yield Call("CatalogService/GetStats", catalog_pb2.GetStatsRequest())))
