"""Answers of the wire read into results: no input, no output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mitate.clients.results import (
    Added,
    Alternative,
    Answer,
    Episode,
    Match,
    Progress,
    Source,
    Stats,
    Timeline,
    Title,
    Upload,
    Verdict,
)
from mitate.kernels.errors import InternalError
from mitate.v1 import catalog_pb2, match_pb2, media_pb2, scan_pb2, search_pb2

VERDICTS: Mapping[int, Verdict] = {
    match_pb2.VERDICT_UNSPECIFIED: Verdict.NO_MATCH,
    match_pb2.VERDICT_MATCH: Verdict.MATCH,
    match_pb2.VERDICT_AMBIGUOUS: Verdict.AMBIGUOUS,
    match_pb2.VERDICT_NO_MATCH: Verdict.NO_MATCH,
    match_pb2.VERDICT_UNINFORMATIVE: Verdict.UNINFORMATIVE,
}
KINDS: Mapping[int, str] = {
    match_pb2.MEDIA_KIND_UNSPECIFIED: "unknown",
    match_pb2.MEDIA_KIND_VIDEO: "video",
    match_pb2.MEDIA_KIND_IMAGE: "image",
    match_pb2.MEDIA_KIND_SIGNATURE: "signature",
}
STATUSES: Mapping[int, Literal["added", "exists", "replaced"]] = {
    catalog_pb2.INGEST_STATUS_ADDED: "added",
    catalog_pb2.INGEST_STATUS_EXISTS: "exists",
    catalog_pb2.INGEST_STATUS_REPLACED: "replaced",
}


def progress(message: match_pb2.Progress) -> Progress:
    """Read how far the server is."""
    return Progress(
        stage="read",
        fraction=min(1.0, max(0.0, message.fraction)),
        frames=message.decoded_frames,
        position_ms=message.position_ms,
        duration_ms=message.duration_ms,
    )


def match(message: match_pb2.Match) -> Match:
    """Read one match."""
    return Match(
        title=message.title,
        title_id=message.title_id,
        episode=message.episode,
        episode_id=message.episode_id,
        source_id=message.source_id,
        query_from_ms=message.query_from_ms,
        query_to_ms=message.query_to_ms,
        from_ms=message.from_ms,
        to_ms=message.to_ms,
        at_ms=message.at_ms,
        mirrored=message.mirrored,
        speed=message.speed,
        distance=message.distance,
        similarity=message.similarity,
        probability=message.probability if message.HasField("probability") else None,
        verdict=VERDICTS[message.verdict],
        view=message.view,
        alternatives=tuple(_alternative(one) for one in message.alternatives),
        refs=dict(message.refs),
    )


def _alternative(message: match_pb2.Alternative) -> Alternative:
    return Alternative(
        title=message.title,
        title_id=message.title_id,
        episode=message.episode,
        episode_id=message.episode_id,
        source_id=message.source_id,
        from_ms=message.from_ms,
        to_ms=message.to_ms,
        distance=message.distance,
    )


def picture_answer(message: search_pb2.SearchImageResponse) -> Answer:
    """Read the answer to a picture."""
    return Answer(
        kind="image",
        verdict=VERDICTS[message.verdict],
        matches=tuple(match(one) for one in message.matches),
        exact=message.exact,
        timings_ms=dict(message.diagnostics.timings_ms),
    )


def clip_answer(message: search_pb2.SearchVideoResponse | None) -> Answer:
    """Read the last message of a searched clip.

    Raises:
        InternalError: it holds no answer.
    """
    if message is None or not message.HasField("answer"):
        raise InternalError("the server ended the search without an answer")
    answer = message.answer
    return Answer(
        kind=KINDS[answer.kind],
        verdict=VERDICTS[answer.verdict],
        matches=tuple(match(one) for one in answer.matches),
        exact=answer.exact,
        timings_ms=dict(message.diagnostics.timings_ms),
    )


def timeline(message: scan_pb2.ScanVideoResponse) -> Timeline:
    """Read the result of a scan."""
    return Timeline(
        duration_ms=message.duration_ms,
        segments=tuple(match(one) for one in message.segments),
        matched_ms=message.matched_ms,
        timings_ms=dict(message.diagnostics.timings_ms),
        picture=message.picture,
    )


def source(message: catalog_pb2.Source) -> Source:
    """Read one source."""
    return Source(
        source_id=message.source_id,
        episode_id=message.episode_id,
        sha256=message.sha256,
        file_name=message.file_name,
        kind=KINDS[message.kind],
        frames=message.frame_count,
        kept=message.kept_count,
        duration_ms=message.duration_ms,
        width=message.width,
        height=message.height,
        descriptor_version=message.descriptor_version,
        preprocessing_version=message.preprocessing_version,
        partial=message.partial,
        created_ms=message.created_ms,
    )


def episode(message: catalog_pb2.Episode) -> Episode:
    """Read one episode."""
    return Episode(
        episode_id=message.episode_id,
        episode=message.episode,
        title_id=message.title_id,
        title=message.title,
        refs=dict(message.refs),
        created_ms=message.created_ms,
        sources=tuple(source(one) for one in message.sources),
    )


def title(message: catalog_pb2.Title) -> Title:
    """Read one title."""
    return Title(
        title_id=message.title_id,
        title=message.name,
        refs=dict(message.refs),
        created_ms=message.created_ms,
        n_episodes=message.episode_count,
    )


def added(message: catalog_pb2.IngestResult) -> Added:
    """Read what became of a file.

    Raises:
        InternalError: the server does not say.
    """
    if message.status not in STATUSES:
        raise InternalError(f"the server answered the unknown status {message.status}")
    return Added(
        status=STATUSES[message.status],
        title=message.episode.title,
        title_id=message.episode.title_id,
        episode=message.episode.episode,
        episode_id=message.episode.episode_id,
        source_id=message.source.source_id,
        kind=KINDS[message.source.kind],
        frames=message.source.frame_count,
        duration_ms=message.source.duration_ms,
        partial=message.source.partial,
        timings_ms=dict(message.diagnostics.timings_ms),
    )


def upload(message: media_pb2.Upload) -> Upload:
    """Read the state of an upload."""
    return Upload(
        upload_id=message.upload_id,
        file_name=message.file_name,
        size_bytes=message.size_bytes,
        sha256=message.sha256,
        complete=message.complete,
    )


def stats(message: catalog_pb2.Stats) -> Stats:
    """Read how the server is."""
    return Stats(
        titles=message.title_count,
        episodes=message.episode_count,
        sources=message.source_count,
        frames=message.frame_count,
        kept=message.kept_count,
        duration_ms=message.duration_ms,
        stored_bytes=message.stored_bytes,
        index_generation=message.index_generation,
        index=message.index,
        queued_signatures=message.queued_signatures,
        started_ms=message.started_ms,
        server_version=message.server_version,
        descriptor_version=message.descriptor_version,
        vector_version=message.vector_version,
    )
