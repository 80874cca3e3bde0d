"""Changing what is stored: the store first, the index after it, the answer last."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mitate.kernels.errors import InvalidMedia
from mitate.kernels.signature import Signature
from mitate.kernels.vector import N_DIMS
from mitate.server import telemetry
from mitate.server.catalog import Also
from mitate.server.engine import Engine
from mitate.server.library import NewSource, Scope
from mitate.server.placement import Placement
from mitate.server.records import CommitResult, Removal
from mitate.server.store import Store
from mitate.server.upload import sha256_of
from mitate.server.workers import Progress, WorkerPool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a file, and how long the stages took."""

    result: CommitResult
    timings_ms: dict[str, float]


class Ingest:
    """Adds and removes sources; methods block, any thread may call them."""

    def __init__(self, store: Store, engine: Engine, pool: WorkerPool) -> None:
        self._store = store
        self._engine = engine
        self._pool = pool
        self._order = threading.Lock()  # the index takes changes in the order of the store

    def add_file(
        self,
        path: Path,
        file_name: str,
        placement: Placement,
        sha256: str | None = None,  # of the file, when it is known
        progress: Progress | None = None,
        cancelled: threading.Event | None = None,
        allow_partial: bool = False,
        also: Callable[[sqlite3.Connection, Ingested], None] | None = None,
    ) -> Ingested:
        """Sign a file and store it; content that is there already is not decoded.

        `also` is part of the transaction that makes the file part of the truth.

        Raises:
            InvalidMedia, WorkerDied, OperationCancelled: as `WorkerPool.sign`.
            InvalidArgument, NotFound, Overloaded: as `Store.commit_source`.
        """
        placement = placement.checked()
        started = time.perf_counter()
        sha256 = sha256 or sha256_of(path)
        found = self._store.catalog.find_commit(sha256, placement)
        if found is not None:
            return Ingested(found, {"total": _since(started)})
        with telemetry.stage("sign"):
            signature = self._pool.sign(path, progress, cancelled)
        signed_ms = _since(started)

        def committed(db: sqlite3.Connection, result: CommitResult) -> None:
            if also is not None:
                also(db, Ingested(result, {"sign": signed_ms, "total": _since(started)}))

        result = self.add_signature(
            signature, sha256, file_name, placement, allow_partial=allow_partial, also=committed
        )
        total_ms = _since(started)
        telemetry.stage_ended("store", started + signed_ms / 1000, started + total_ms / 1000)
        return Ingested(
            result, {"sign": signed_ms, "store": total_ms - signed_ms, "total": total_ms}
        )

    def add_signature(
        self,
        signature: Signature,
        sha256: str,  # of the media file
        file_name: str,
        placement: Placement,
        *,
        allow_partial: bool = False,
        also: Also | None = None,  # part of the transaction
    ) -> CommitResult:
        """Store a signature; when this returns it is on the disk and searchable.

        Raises:
            InvalidMedia: the file was cut off, and that is not allowed.
        """
        if signature.partial and not allow_partial:
            raise InvalidMedia(
                f"the file is cut off: only its first {signature.duration_ms / 1000:.1f} s can be "
                "read, and part of an episode is stored only when that is asked for (--partial)"
            )
        with self._order:
            result = self._store.commit_source(signature, sha256, file_name, placement, also)
            if result.status == "exists":
                return result
            source = NewSource(
                result.source.source_id,
                result.episode.episode_id,
                result.title.title_id,
                self._store.load(result.source.source_id),
            )
            old = result.removal.source_ids
            done = self._engine.change(lambda library: library.replace(old, [source]))
        done.result()
        log.info(
            "%s source=%d episode=%d frames=%d file=%r",
            *(result.status, result.source.source_id, result.episode.episode_id),
            *(result.source.n_frames, result.source.file_name),
        )
        return result

    def remove_episode(self, episode_id: int) -> None:
        """Remove an episode; when this returns no search finds it."""
        self._remove(lambda: self._store.remove_episode(episode_id))

    def remove_title(self, title_id: int, *, force: bool) -> None:
        """Remove a title, with `force` its episodes too."""
        self._remove(lambda: self._store.remove_title(title_id, force=force))

    def _remove(self, remove: Callable[[], Removal]) -> None:
        done: Future[None] | None = None
        with self._order:
            removal = remove()
            if removal.source_ids:
                done = self._engine.change(lambda library: library.remove(*removal.source_ids))
        if done is not None:
            done.result()
        log.info("removed sources=%s", ",".join(map(str, removal.source_ids)) or "none")


def load(store: Store, engine: Engine) -> int:
    """Bring everything that is stored into the index; return the number of sources."""
    sources = [
        NewSource(stored.source.source_id, stored.source.episode_id, stored.title_id, signature)
        for stored, signature in store.load_all()
    ]
    engine.change(lambda library: library.add(*sources)).result()
    # Compiles the search, so that the first caller does not wait for it.
    engine.search(np.zeros((1, N_DIMS), np.int8), 1, Scope()).result()
    return len(sources)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
