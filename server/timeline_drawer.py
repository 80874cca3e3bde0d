"""Draws the timeline of a scanned file: reads the frames that are shown, finds what is stored."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from mitate.kernels import signature_file
from mitate.kernels.decode import Limits
from mitate.server.engine import Engine
from mitate.server.records import Timeline
from mitate.server.signature_queries import read_signature
from mitate.server.timeline_cards import SHOWN_WIDTH
from mitate.server.timeline_picture import draw
from mitate.server.timeline_scenes import (
    MOST_SCENES,
    Scene,
    Shown,
    frame_of,
    scenes,
    stored_picture,
    with_pictures,
)
from mitate.server.workers import Progress, WorkerPool


@dataclass(frozen=True, slots=True)
class TimelineDrawer:
    """Draws timelines; any thread may call it."""

    engine: Engine
    pool: WorkerPool
    limits: Limits

    def draw(
        self,
        path: Path,
        name: str,
        timeline: Timeline,
        progress: Progress,
        cancelled: threading.Event,
    ) -> bytes:
        """Return the timeline of a video or signature file as a PNG file."""
        some = scenes(timeline)[:MOST_SCENES]
        frames = self._frames(path, some, progress, cancelled)
        sources = self.engine.snapshot().sources
        named = {scene.segment.source_id for scene in some if scene.segment is not None}
        stored = {number: sources[number].signature for number in named & sources.keys()}
        return draw(timeline, with_pictures(some, frames, stored), name)

    def _frames(
        self, path: Path, some: list[Scene], progress: Progress, cancelled: threading.Event
    ) -> list[Shown]:
        if signature_file.is_signature_file(path):
            signature = read_signature(path, self.limits)
            return [stored_picture(signature, scene.moment_ms) for scene in some]
        times_ms = tuple(scene.moment_ms for scene in some)
        order = sorted(range(len(some)), key=times_ms.__getitem__)
        ordered = tuple(times_ms[place] for place in order)
        pixels = self.pool.frames(path, ordered, SHOWN_WIDTH, progress, cancelled, self.limits)
        by_place = dict(zip(order, pixels, strict=True))
        return [frame_of(by_place[place]) for place in range(len(some))]
