"""Requests built from plain values: no input, no output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from google.protobuf import field_mask_pb2

from mitate.clients.results import SearchOptions
from mitate.v1 import catalog_pb2, match_pb2, media_pb2, search_pb2


def options_message(options: SearchOptions | None) -> match_pb2.SearchOptions:
    """Build what narrows a search; None leaves everything to the server."""
    if options is None:
        return match_pb2.SearchOptions()
    return match_pb2.SearchOptions(
        top_k=options.k,
        title_ids=options.title_ids,
        episode_ids=options.episode_ids,
        excluded_episode_ids=options.excluded_episode_ids,
        keep_borders=options.keep_borders,
        unmirrored_only=options.unmirrored_only,
    )


def placement(
    title: str | None,
    episode: str | None,
    refs: Mapping[str, str] | None,
    episode_id: int | None,
    replace_episode_id: int | None,
) -> catalog_pb2.Placement:
    """Build where a new source goes."""
    return catalog_pb2.Placement(
        title=title or "",
        episode=episode or "",
        refs=dict(refs or {}),
        episode_id=episode_id or 0,
        replace_episode_id=replace_episode_id or 0,
    )


def upload_requests(
    file_name: str,
    total_bytes: int,
    chunks: Iterable[bytes],
    upload_id: str = "",
    offset_bytes: int = 0,
) -> Iterator[media_pb2.UploadMediaRequest]:
    """Build the messages of an upload, or of the rest of one."""
    start = media_pb2.UploadStart(
        file_name=file_name,
        total_bytes=total_bytes,
        upload_id=upload_id,
        offset_bytes=offset_bytes,
    )
    yield media_pb2.UploadMediaRequest(start=start)
    for chunk in chunks:
        yield media_pb2.UploadMediaRequest(chunk=chunk)


def clip_requests(
    options: SearchOptions | None,
    total_bytes: int,
    chunks: Iterable[bytes],
) -> Iterator[search_pb2.SearchVideoRequest]:
    """Build the messages that search a clip."""
    config = search_pb2.SearchVideoConfig(options=options_message(options), total_bytes=total_bytes)
    yield search_pb2.SearchVideoRequest(config=config)
    for chunk in chunks:
        yield search_pb2.SearchVideoRequest(chunk=chunk)


def import_requests(
    config: catalog_pb2.ImportSignaturesConfig, chunks: Iterable[bytes]
) -> Iterator[catalog_pb2.ImportSignaturesRequest]:
    """Build the messages that add a source by its signature file."""
    yield catalog_pb2.ImportSignaturesRequest(config=config)
    for chunk in chunks:
        yield catalog_pb2.ImportSignaturesRequest(chunk=chunk)


def title_update(
    title_id: int, name: str | None, refs: Mapping[str, str] | None
) -> catalog_pb2.UpdateTitleRequest:
    """Build the request that changes what is not None."""
    return catalog_pb2.UpdateTitleRequest(
        title=catalog_pb2.Title(title_id=title_id, name=name or "", refs=dict(refs or {})),
        update_mask=_mask(name=name, refs=refs),
    )


def episode_update(
    episode_id: int, label: str | None, refs: Mapping[str, str] | None
) -> catalog_pb2.UpdateEpisodeRequest:
    """Build the request that changes what is not None."""
    return catalog_pb2.UpdateEpisodeRequest(
        episode=catalog_pb2.Episode(
            episode_id=episode_id, episode=label or "", refs=dict(refs or {})
        ),
        update_mask=_mask(episode=label, refs=refs),
    )


def _mask(**values: object) -> field_mask_pb2.FieldMask:
    return field_mask_pb2.FieldMask(
        paths=[name for name, value in values.items() if value is not None]
    )
