"""From what a caller sends to an answer: views or signatures, neighbours, matches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mitate.kernels import signature_file
from mitate.kernels.chunks import Chunk, MediaHead, taken_apart
from mitate.kernels.decode import Limits
from mitate.kernels.errors import InvalidMedia, NotReady
from mitate.kernels.layout import Layouts
from mitate.kernels.signature import Signature
from mitate.kernels.windows import ANY_WINDOW
from mitate.server import telemetry
from mitate.server.calibration import default_calibration
from mitate.server.candidates import FindWindows
from mitate.server.catalog import Catalog
from mitate.server.columns import Columns, columns_of
from mitate.server.engine import Engine, Found
from mitate.server.library import Scope
from mitate.server.query_views import views_of_layouts
from mitate.server.records import Answer, Match, Names, Timeline
from mitate.server.scanner import Scanner
from mitate.server.search import Find
from mitate.server.search_clip import scan, search_clip
from mitate.server.search_close import Closer
from mitate.server.search_picture import search_pictures
from mitate.server.signature_queries import read_signature
from mitate.server.tickets import Ticket
from mitate.server.workers import Progress, WorkerPool

Result = TypeVar("Result")
TRIES = 10  # searches that met a source which was being removed
RETRY_S = 0.02


@dataclass(slots=True)
class Proof:
    """Whether the index has proved everything that it was asked during one call."""

    exact: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search is asked for."""

    k: int = 10  # matches per query
    scope: Scope = field(default_factory=Scope)
    unmirrored_only: bool = False
    ticket: Ticket = field(default_factory=Ticket, compare=False)
    proof: Proof = field(default_factory=Proof, compare=False)


class _Removed(Exception):
    """A source was removed between the search and the naming of its result."""


class Matcher:
    """Answers pictures, signatures, clips and scans; methods block, any thread may call them."""

    def __init__(
        self,
        engine: Engine,
        pool: WorkerPool,
        catalog: Catalog,
        clip_limits: Limits,
        false_alarm_rate: float,
    ) -> None:
        self._engine = engine
        self._pool = pool
        self._catalog = catalog
        self._clip_limits = clip_limits
        self._false_alarm_rate = false_alarm_rate

    def picture(self, image: bytes, wanted: Wanted, keep_borders: bool) -> Answer:
        """Answer a picture file; raises as `WorkerPool.views`."""
        started = time.perf_counter()
        with telemetry.stage("decode"):
            views = self._pool.views(image, keep_borders)
        decoded_ms = (time.perf_counter() - started) * 1000
        (answer,) = self._search(
            lambda find, names: search_pictures(
                [views],
                find,
                names,
                wanted.k,
                mirrored=not wanted.unmirrored_only,
                closer=self._closer(wanted),
            ),
            wanted,
        )
        return _timed(_proved(answer, wanted), started, decode=decoded_ms)

    def signatures(self, layouts: Layouts, wanted: Wanted) -> list[Answer]:
        """Answer one-frame signatures, shape (n, 33)."""
        return self._search(
            lambda find, names: search_pictures(
                views_of_layouts(layouts),
                find,
                names,
                wanted.k,
                mirrored=not wanted.unmirrored_only,
                kind="signature",
            ),
            wanted,
        )

    def columns(self, layouts: Layouts, wanted: Wanted) -> Columns:
        """Answer one-frame signatures, shape (n, 33), in columns."""
        return columns_of(self.signatures(layouts, wanted), wanted.k)

    def clip(
        self, path: Path, wanted: Wanted, progress: Progress, cancelled: threading.Event
    ) -> Answer:
        """Answer a video, picture or signature file."""
        started = time.perf_counter()
        with telemetry.stage("decode"):
            signature = self._signature(path, progress, cancelled)
        signed_ms = (time.perf_counter() - started) * 1000
        answer = self._search(
            lambda find, names: search_clip(
                signature,
                find,
                names,
                wanted.k,
                mirrored=not wanted.unmirrored_only,
                find_windows=self._find_windows(wanted),
            ),
            wanted,
        )
        answer = replace(_proved(answer, wanted), kind=signature.kind)
        return _timed(answer, started, decode=signed_ms)

    def scan(
        self,
        path: Path,
        wanted: Wanted,
        progress: Progress,
        cancelled: threading.Event,
        found: Callable[[Sequence[Match]], None],
    ) -> Timeline:
        """Return the timeline of a video or signature file; `found` gets segments as they come."""
        started = time.perf_counter()
        segments: list[Match] = []
        scan_ms = 0.0

        def look(part: Signature) -> Sequence[Match]:
            nonlocal scan_ms
            begun = time.perf_counter()
            found_here = self.look(part, wanted)
            scan_ms += (time.perf_counter() - begun) * 1000
            return found_here

        def keep(new: Sequence[Match]) -> None:
            segments.extend(new)
            found(new)

        scanner = Scanner(look)

        def take(chunk: Chunk, head: MediaHead) -> None:
            keep(scanner.feed(chunk, head))

        if signature_file.is_signature_file(path):
            chunk, head = taken_apart(read_signature(path, self._clip_limits))
            take(chunk, head)
        else:
            head = self._pool.stream(path, take, progress, cancelled, self._clip_limits)
        if head.kind == "image":
            raise InvalidMedia("it is a picture, which has no timeline; `search` answers pictures")
        keep(scanner.finish(head))
        return _timed(Timeline(head.duration_ms, tuple(segments)), started, scan=scan_ms)

    def look(self, part: Signature, wanted: Wanted) -> Sequence[Match]:
        """Return the segments of a part of a video, as a scanner asks for them."""
        mirrored, parts = not wanted.unmirrored_only, self._find_windows(wanted)
        return self._search(
            lambda find, names: scan(part, find, names, mirrored=mirrored, find_windows=parts),
            wanted,
        ).segments

    def _signature(self, path: Path, progress: Progress, cancelled: threading.Event) -> Signature:
        if signature_file.is_signature_file(path):
            return read_signature(path, self._clip_limits)
        return self._pool.sign(path, progress, cancelled, self._clip_limits)

    def _closer(self, wanted: Wanted) -> Closer:
        return Closer(self._find_windows(wanted), default_calibration(), self._false_alarm_rate)

    def _find_windows(self, wanted: Wanted) -> FindWindows:
        return partial(self._found, wanted, True)

    def _found(
        self,
        wanted: Wanted,
        windows: bool,
        queries: NDArray[np.int8],
        k: int,
        window: int = ANY_WINDOW,
    ) -> Found:
        started_s = time.perf_counter()
        scope = replace(wanted.scope, window=window)
        found = self._engine.search(queries, k, scope, windows, wanted.ticket).result()
        telemetry.waited_and_searched(started_s, found.queue_ms)
        wanted.proof.exact &= bool(found.neighbours.exact.all())
        return found

    def _search(
        self, search: Callable[[Find, Callable[[int], Names]], Result], wanted: Wanted
    ) -> Result:
        for _ in range(TRIES):
            try:
                return search(partial(self._found, wanted, False), self._namer())
            except _Removed:
                time.sleep(RETRY_S)
        raise NotReady("the episodes found are being removed; try again in a moment")

    def _namer(self) -> Callable[[int], Names]:
        known: dict[int, Names] = {}

        def name_of(source_id: int) -> Names:
            if source_id not in known:
                known.update(self._catalog.names([source_id]))
            if source_id not in known:
                raise _Removed
            return known[source_id]

        return name_of


def _proved(answer: Answer, wanted: Wanted) -> Answer:
    return replace(answer, exact=answer.exact and wanted.proof.exact)


Timed = TypeVar("Timed", Answer, Timeline)


def _timed(answer: Timed, started: float, **stages_ms: float) -> Timed:
    total_ms = (time.perf_counter() - started) * 1000
    return replace(answer, timings_ms={**stages_ms, **answer.timings_ms, "total": total_ms})
