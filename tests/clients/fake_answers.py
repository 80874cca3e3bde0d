"""Canned answers, and what a fake server holds."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
from google.longrunning import operations_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from mitate.kernels.errors import InvalidArgument, InvalidMedia, MitateError
from mitate.v1 import catalog_pb2, match_pb2, search_pb2

MATCHES = {
    b"match": match_pb2.VERDICT_MATCH,
    b"ambiguous": match_pb2.VERDICT_AMBIGUOUS,
    b"none": match_pb2.VERDICT_NO_MATCH,
    b"black": match_pb2.VERDICT_UNINFORMATIVE,
}


def status_of(error: MitateError) -> status_pb2.Status:
    """Return an error as the wire carries it."""
    status = status_pb2.Status(code=grpc.StatusCode[error.status].value[0], message=error.message)
    detail = status.details.add()
    detail.Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain="mitate"))
    return status


def a_match(number: int = 1, verdict: int = match_pb2.VERDICT_MATCH, **fields: Any) -> Any:
    """Return a match in episode `number` of title 1."""
    values = {
        "title": "Tears of Steel",
        "title_id": 1,
        "episode": f"S01E{number:02}",
        "episode_id": number,
        "source_id": 10 + number,
        "from_ms": 12_400,
        "to_ms": 13_100,
        "at_ms": 12_800,
        "speed": 1.0,
        "distance": 120.5,
        "similarity": 0.97 - number / 100,
        "verdict": verdict,
        "view": "full",
        "refs": {"anidb": "23"},
    }
    return match_pb2.Match(**{**values, **fields})


def hit_columns(count: int, k: int = 2) -> search_pb2.HitColumns:
    """Return one hit per query, in episode 7, at 1000 ms times the number of the query."""
    indexes = np.full((count, k), 0xFFFFFFFF, "<u4")
    indexes[:, 0] = 0
    times = np.zeros((count, k), "<i8")
    times[:, 0] = np.arange(count) * 1000
    ones = np.ones((count, k), "u1")
    return search_pb2.HitColumns(
        top_k=k,
        episode_indexes=indexes.tobytes(),
        source_ids=(times * 0 + 17).tobytes(),
        from_ms=times.tobytes(),
        to_ms=(times + 40).tobytes(),
        at_ms=(times + 20).tobytes(),
        distances=np.full((count, k), 1.5, "<f4").tobytes(),
        mirrored=(ones * 0).tobytes(),
        verdicts=ones.tobytes(),
        hit_counts=np.ones(count, "<u4").tobytes(),
        query_verdicts=np.ones(count, "u1").tobytes(),
        episodes=[
            search_pb2.EpisodeEntry(
                episode_id=7, episode="S01E07", title_id=1, title="Sintel", refs={"mal": "5"}
            )
        ],
        exact=True,
    )


class State:
    """What the fake holds, and what tests ask of it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.requests: dict[str, list[Any]] = {}
        self.failures: dict[str, list[MitateError | grpc.StatusCode]] = {}
        self.uploads: dict[str, tuple[str, bytes]] = {}
        self.titles: dict[int, catalog_pb2.Title] = {}
        self.episodes: dict[int, catalog_pb2.Episode] = {}
        self.operations: dict[str, list[operations_pb2.Operation]] = {}
        self.live: list[bytes] = []  # frames of live scans
        self.live_configs: list[Any] = []
        self.page_size = 2

    def fail(self, method: str, context: Any) -> None:
        """End a call with the next failure that a test planned for its method."""
        failures = self.failures.get(method, [])
        if failures:
            failure = failures.pop(0)
            if isinstance(failure, MitateError):
                context.abort_with_status(rpc_status.to_status(status_of(failure)))
            context.abort(failure, "failed on purpose")

    def add(
        self, name: str, content: bytes, where: catalog_pb2.Placement, allow_partial: bool
    ) -> Any:
        """Store a file as the server would: the same content again exists."""
        with self.lock:
            result = self._add(name, content, where, allow_partial)
        result.source.partial = content.startswith(b"cut")
        return result

    def _add(
        self, name: str, content: bytes, where: catalog_pb2.Placement, allow_partial: bool
    ) -> Any:
        if content.startswith(b"cut") and not allow_partial:
            raise InvalidMedia("the file is cut off")
        if content.startswith(b"bad"):
            raise InvalidMedia(f"{name}: no video stream in it")
        sha256 = hashlib.sha256(content).hexdigest()
        for episode in self.episodes.values():
            for source in episode.sources:
                if source.sha256 == sha256:
                    return self._result("EXISTS", episode, source)
        number = where.replace_episode_id or where.episode_id or len(self.episodes) + 1
        if where.replace_episode_id:
            del self.episodes[number].sources[:]
        stem = name.rsplit(".", 1)[0]
        episode = self.episodes.setdefault(
            number,
            catalog_pb2.Episode(
                episode_id=number,
                title_id=self._title(where.title or stem),
                title=where.title or stem,
                episode=where.episode or stem,
                refs=where.refs,
                created_ms=1_700_000_000_000,
            ),
        )
        source = episode.sources.add(
            source_id=100 + sum(len(e.sources) for e in self.episodes.values()),
            episode_id=number,
            sha256=sha256,
            file_name=name,
            kind=match_pb2.MEDIA_KIND_VIDEO,
            frame_count=1234,
            kept_count=1000,
            duration_ms=51_400,
            width=1280,
            height=720,
            descriptor_version="cld-21-6-6-mean/1",
            preprocessing_version="planes/1",
            created_ms=1_700_000_000_000,
        )
        return self._result("REPLACED" if where.replace_episode_id else "ADDED", episode, source)

    def _title(self, name: str) -> int:
        for title in self.titles.values():
            if title.name == name:
                return title.title_id
        number = len(self.titles) + 1
        self.titles[number] = catalog_pb2.Title(title_id=number, name=name, created_ms=1)
        return number

    @staticmethod
    def _result(status: str, episode: Any, source: Any) -> catalog_pb2.IngestResult:
        return catalog_pb2.IngestResult(
            status=f"INGEST_STATUS_{status}",
            episode=episode,
            source=source,
        )

    def operation(self, name: str, result: Any, metadata: Any) -> operations_pb2.Operation:
        """Start an operation that is done at the second look."""
        running = operations_pb2.Operation(name=name)
        running.metadata.Pack(metadata)
        done = operations_pb2.Operation(name=name, done=True)
        if isinstance(result, MitateError):
            done.error.CopyFrom(status_of(result))
        else:
            done.response.Pack(result)
        self.operations[name] = [running, done]
        return running


def progress(fraction: float) -> match_pb2.Progress:
    """Return how far the reading of a file of 2000 ms is."""
    return match_pb2.Progress(
        decoded_frames=int(50 * fraction),
        position_ms=int(2000 * fraction),
        duration_ms=2000,
        fraction=fraction,
    )


def verdict_of(content: bytes) -> match_pb2.Verdict:
    """Return the verdict whose name a file contains; a match otherwise."""
    return next((v for word, v in MATCHES.items() if word in content), match_pb2.VERDICT_MATCH)


def collected(first: str, requests: Iterator[Any]) -> tuple[Any, bytes]:
    """Return the first message's content and the joined chunks."""
    start = getattr(next(requests), first)
    content = b"".join(request.chunk for request in requests)
    total = getattr(start, "total_bytes", 0)
    if total and total != len(content):
        raise InvalidArgument(f"{len(content)} bytes arrived of {total}")
    return start, content
