"""What the services share: one of each part, wired from the settings."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from importlib.metadata import version

from mitate.kernels.errors import NotReady
from mitate.kernels.signature import DESCRIPTOR_VERSION
from mitate.kernels.vector import VECTOR_VERSION
from mitate.server.admission import Admission
from mitate.server.batches import Batches
from mitate.server.comparer import Comparer
from mitate.server.engine import Engine
from mitate.server.gate import Gate
from mitate.server.ingest import Ingest
from mitate.server.matcher import Matcher
from mitate.server.operations import Operations
from mitate.server.records import CatalogStats
from mitate.server.settings import Settings
from mitate.server.store import Store
from mitate.server.timeline_drawer import TimelineDrawer
from mitate.server.uploads import Uploads
from mitate.server.workers import WorkerPool
from mitate.v1 import catalog_pb2


@dataclass(slots=True)
class App:
    """The parts of a server."""

    settings: Settings
    store: Store
    engine: Engine
    pool: WorkerPool
    ingest: Ingest
    matcher: Matcher
    comparer: Comparer
    drawer: TimelineDrawer
    uploads: Uploads
    operations: Operations
    admission: Admission
    batches: Batches  # of signatures
    pictures: Gate
    index_name: str
    started_ms: int = field(default_factory=lambda: int(time.time() * 1000))
    ready: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def draining(self) -> bool:
        """No new calls are taken; those under way are finished."""
        return self.stopping.is_set()

    def check_ready(self) -> None:
        """Raise NotReady while the index is loading or the server is draining."""
        if self.draining:
            raise NotReady("the server is shutting down")
        if not self.ready:
            raise NotReady("the index is loading; try again in a moment")

    def stats(self, stored: CatalogStats) -> catalog_pb2.Stats:
        """Return how much is stored and how the server is."""
        return catalog_pb2.Stats(
            title_count=stored.n_titles,
            episode_count=stored.n_episodes,
            source_count=stored.n_sources,
            frame_count=stored.n_frames,
            kept_count=stored.n_kept,
            duration_ms=stored.duration_ms,
            stored_bytes=stored.stored_bytes,
            index_generation=self.engine.generation,
            index=self.index_name,
            queued_signatures=self.engine.n_queued + self.batches.n_signatures,
            started_ms=self.started_ms,
            server_version=version("mitate"),
            descriptor_version=DESCRIPTOR_VERSION,
            vector_version=VECTOR_VERSION,
        )

    def close(self) -> None:
        """Stop every part; what is acknowledged is already on the disk."""
        self.operations.close()
        self.batches.close()
        self.pool.close()
        self.engine.close()
        self.store.close()
