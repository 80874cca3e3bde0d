"""Knows both the server's records and the wire; no other file does but the other `translate_*`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import grpc
import numpy as np
from google.rpc import error_details_pb2, status_pb2

from mitate.kernels.errors import InvalidArgument, MitateError, Overloaded
from mitate.server.columns import Columns
from mitate.server.library import Scope
from mitate.server.matcher import Wanted
from mitate.server.placement import check_id
from mitate.server.records import (
    Alternative,
    Answer,
    Episode,
    Match,
    Names,
    Source,
    Timeline,
    Title,
    Verdict,
)
from mitate.v1 import catalog_pb2, match_pb2, scan_pb2, search_pb2

DOMAIN = "mitate"
MAX_ERROR_BYTES = 1500  # of a text; more would not pass where metadata is limited to 8 KiB
DEFAULT_TOP_K, MAX_TOP_K = 10, 100
MAX_IDS = 10_000  # in each list of what a search is narrowed to

VERDICTS = {
    Verdict.MATCH: match_pb2.VERDICT_MATCH,
    Verdict.AMBIGUOUS: match_pb2.VERDICT_AMBIGUOUS,
    Verdict.NO_MATCH: match_pb2.VERDICT_NO_MATCH,
    Verdict.UNINFORMATIVE: match_pb2.VERDICT_UNINFORMATIVE,
}
KINDS = {
    "video": match_pb2.MEDIA_KIND_VIDEO,
    "image": match_pb2.MEDIA_KIND_IMAGE,
    "signature": match_pb2.MEDIA_KIND_SIGNATURE,
}
INGEST = {
    "added": catalog_pb2.INGEST_STATUS_ADDED,
    "exists": catalog_pb2.INGEST_STATUS_EXISTS,
    "replaced": catalog_pb2.INGEST_STATUS_REPLACED,
}


def error_status(error: BaseException, incident: str = "") -> status_pb2.Status:
    """Return the google.rpc.Status of an error, with ErrorInfo; defects show their id only."""
    if isinstance(error, MitateError):
        name, reason, text = error.status, error.reason, error.message
    else:
        name, reason = "INTERNAL", "INTERNAL"
        text = f"internal error; the server's log has it as incident {incident}"
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)
    if incident:
        info.metadata["incident"] = incident
    code: int = grpc.StatusCode[name].value[0]
    status = status_pb2.Status(code=code, message=_cut(text))
    status.details.add().Pack(info)
    if isinstance(error, Overloaded) and error.retry_after_ms is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(error.retry_after_ms)
        status.details.add().Pack(retry)
    return status


def _cut(text: str) -> str:
    """Return a text short enough for the metadata of an answer, which carries it twice."""
    data = text.encode(errors="replace")
    if len(data) <= MAX_ERROR_BYTES:
        return text
    return data[:MAX_ERROR_BYTES].decode(errors="ignore") + "…"


def top_k(options: match_pb2.SearchOptions) -> int:
    """Return the number of matches asked for.

    Raises:
        InvalidArgument: it is over the limit.
    """
    if options.top_k > MAX_TOP_K:
        raise InvalidArgument(f"top_k is {options.top_k}; 1 to {MAX_TOP_K} are allowed")
    return options.top_k or DEFAULT_TOP_K


def wanted(options: match_pb2.SearchOptions) -> Wanted:
    """Return what a search is asked for; raises InvalidArgument."""
    for name in ("title_ids", "episode_ids", "excluded_episode_ids"):
        if len(getattr(options, name)) > MAX_IDS:
            raise InvalidArgument(
                f"{name} has {len(getattr(options, name))} ids; at most {MAX_IDS} are allowed"
            )
    scope = Scope(
        frozenset(check_id("title_ids", one) for one in options.title_ids),
        frozenset(check_id("episode_ids", one) for one in options.episode_ids),
        frozenset(check_id("excluded_episode_ids", one) for one in options.excluded_episode_ids),
    )
    return Wanted(top_k(options), scope, unmirrored_only=options.unmirrored_only)


def title(record: Title) -> catalog_pb2.Title:
    """Return the message of a title."""
    return catalog_pb2.Title(
        title_id=record.title_id,
        name=record.name,
        refs=dict(record.refs),
        created_ms=record.created_ms,
        episode_count=record.n_episodes,
    )


def source(record: Source) -> catalog_pb2.Source:
    """Return the message of a source."""
    return catalog_pb2.Source(
        source_id=record.source_id,
        episode_id=record.episode_id,
        sha256=record.sha256,
        file_name=record.file_name,
        kind=KINDS[record.kind],
        frame_count=record.n_frames,
        kept_count=record.n_kept,
        duration_ms=record.duration_ms,
        width=record.width,
        height=record.height,
        descriptor_version=record.descriptor_version,
        preprocessing_version=record.preprocessing_version,
        partial=record.partial,
        created_ms=record.created_ms,
    )


def episode(record: Episode) -> catalog_pb2.Episode:
    """Return the message of an episode."""
    return catalog_pb2.Episode(
        episode_id=record.episode_id,
        title_id=record.title_id,
        title=record.title,
        episode=record.label,
        refs=dict(record.refs),
        created_ms=record.created_ms,
        sources=[source(one) for one in record.sources],
    )


def _alternative(record: Alternative) -> match_pb2.Alternative:
    return match_pb2.Alternative(
        title=record.title,
        title_id=record.title_id,
        episode=record.episode,
        episode_id=record.episode_id,
        source_id=record.source_id,
        from_ms=record.from_ms,
        to_ms=record.to_ms,
        distance=record.distance,
    )


def match(record: Match) -> match_pb2.Match:
    """Return the message of a match."""
    return match_pb2.Match(
        title=record.title,
        title_id=record.title_id,
        episode=record.episode,
        episode_id=record.episode_id,
        source_id=record.source_id,
        query_from_ms=record.query_from_ms,
        query_to_ms=record.query_to_ms,
        from_ms=record.from_ms,
        to_ms=record.to_ms,
        at_ms=record.at_ms,
        mirrored=record.mirrored,
        speed=record.speed,
        distance=record.distance,
        similarity=record.similarity,
        probability=record.probability,
        verdict=VERDICTS[record.verdict],
        view=record.view,
        alternatives=[_alternative(one) for one in record.alternatives],
        refs=dict(record.refs),
    )


def matches(records: Sequence[Match]) -> list[match_pb2.Match]:
    """Return the messages of matches."""
    return [match(record) for record in records]


def diagnostics(
    generation: int, timings_ms: Mapping[str, float], n_batched: int = 0
) -> match_pb2.Diagnostics:
    """Return how an answer came about."""
    return match_pb2.Diagnostics(
        index_generation=generation, timings_ms=dict(timings_ms), batch_signatures=n_batched
    )


def fill_diagnostics(
    diagnostics: match_pb2.Diagnostics,
    generation: int,
    timings_ms: Mapping[str, float],
    n_batched: int = 0,
) -> None:
    """Say in a message how an answer came about; without a total it is the sum of the stages."""
    diagnostics.index_generation = generation
    diagnostics.batch_signatures = n_batched
    stages_ms = diagnostics.timings_ms
    for name, ms in timings_ms.items():
        stages_ms[name] = ms
    if "total" not in timings_ms:
        stages_ms["total"] = sum(timings_ms.values())


def scan_response(record: Timeline, generation: int) -> scan_pb2.ScanVideoResponse:
    """Return the result of a scan."""
    return scan_pb2.ScanVideoResponse(
        segments=matches(record.segments),
        duration_ms=record.duration_ms,
        matched_ms=record.matched_ms,
        diagnostics=diagnostics(generation, record.timings_ms),
    )


def fill_hits(hits: search_pb2.HitColumns, columns: Columns) -> None:
    """Put columns into a message."""
    hits.top_k = columns.episode_indexes.shape[1]
    hits.episode_indexes = columns.episode_indexes.tobytes()
    hits.source_ids = columns.source_ids.tobytes()
    hits.from_ms = columns.from_ms.tobytes()
    hits.to_ms = columns.to_ms.tobytes()
    hits.at_ms = columns.at_ms.tobytes()
    hits.distances = columns.distances.tobytes()
    hits.mirrored = columns.mirrored.tobytes()
    hits.verdicts = columns.verdicts.tobytes()
    hits.hit_counts = columns.hit_counts.tobytes()
    hits.query_verdicts = columns.query_verdicts.tobytes()
    hits.episodes.extend(entry(names) for names in columns.episodes)
    hits.exact = bool(columns.exact.all())


def fill_looks(hits: search_pb2.HitColumns, answer: Answer) -> None:
    """Put what only the hits of a picture have into the message of this one answer."""
    found = answer.matches[: hits.top_k]
    known = [math.nan if match.probability is None else match.probability for match in found]
    padded = known + [math.nan] * (hits.top_k - len(known))
    hits.probabilities = np.array(padded, "<f4").tobytes()
    hits.views.extend(match.view for match in found)


def entry(names: Names) -> search_pb2.EpisodeEntry:
    """Return the message of an episode that hits refer to."""
    return search_pb2.EpisodeEntry(
        episode_id=names.episode_id,
        episode=names.episode,
        title_id=names.title_id,
        title=names.title,
        refs=dict(names.refs),
    )
