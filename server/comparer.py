"""Comparing two things: a query is looked for in a reference as a search would look for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from mitate.kernels.decode import Limits
from mitate.kernels.errors import MitateError, NotFound
from mitate.kernels.windows import ANY_WINDOW
from mitate.server.calibration import default_calibration
from mitate.server.candidates import (
    Candidate,
    FindWindows,
    candidates,
    frame_hits,
    near_windows,
)
from mitate.server.catalog import Catalog
from mitate.server.compare_findings import Findings, query_side, reference_side
from mitate.server.compare_pair import Sight, candidates_at, judge
from mitate.server.compare_query import Round, query_of, some_frames
from mitate.server.compare_sides import Loaded, Loader, library_of, stored
from mitate.server.compare_stages import stages, summary
from mitate.server.comparison import Comparison, Subject, clock
from mitate.server.distances import Vectors
from mitate.server.engine import Engine, Found
from mitate.server.library import Library, LoadedSource, Scope, Snapshot
from mitate.server.query_views import Views, views_of_layouts
from mitate.server.records import Names, place
from mitate.server.search import FIRST_K, Find
from mitate.server.tickets import Ticket
from mitate.server.workers import Progress, WorkerPool

Near = Callable[[Round], list[Candidate]]


class Comparer:
    """Compares; methods block, any thread may call them."""

    def __init__(
        self,
        engine: Engine,
        pool: WorkerPool,
        catalog: Catalog,
        limits: Limits,
        false_alarm_rate: float,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._loader = Loader(pool, limits)
        self._false_alarm_rate = false_alarm_rate

    def compare(
        self,
        a: Subject,
        b: Subject,
        progress: Progress,
        cancelled: threading.Event,
        ticket: Ticket,  # goes with every search
    ) -> Comparison:
        """Look for A in B; what is stored is always what is looked in, if only one is.

        Raises:
            InvalidMedia, InvalidSignature, InvalidArgument: one of them cannot be used.
            NotFound: no such episode or source.
            WorkerDied, OperationCancelled: as `WorkerPool.sign`.
        """
        one, other = (self._loaded(subject, progress, cancelled) for subject in (a, b))
        query, reference = (other, one) if one.stored and not other.stored else (one, other)
        near = self._near(reference, ticket)
        if query.kept is None:
            query = self._loader.frame(query, _nearest_frame(query, near), progress, cancelled)
        views = query_of(query.still.views if query.still else _views_of(query))

        def sights() -> Iterator[Sight]:
            for part in views.rounds:
                own = near(part)
                if part.frames and not own:
                    raise NotFound(f"{reference.subject.letter} is being removed")
                yield Sight(own, *self._indexed(part, Scope(), ticket))

        judged = judge(views, sights(), default_calibration(), self._false_alarm_rate)
        if reference.kept is None:
            reference = self._loader.frame(reference, judged.best.kept, progress, cancelled)
        found = Findings(
            query_side(query, views, judged, self._names(query, query.sources[:1])),
            reference_side(reference, judged, self._names(reference, (judged.best.source,))),
            views,
            judged,
            self._place_of,
        )
        return _told(found)

    def _loaded(self, subject: Subject, progress: Progress, cancelled: threading.Event) -> Loaded:
        try:
            if subject.path is not None:
                return self._loader.file(subject, progress, cancelled)
            return stored(subject, self._engine.snapshot(), self._catalog)
        except MitateError as error:
            raise type(error)(f"{subject.letter}: {error.message}") from error

    def _near(self, reference: Loaded, ticket: Ticket) -> Near:
        """Return what finds the candidates of a reference."""
        library = None if reference.stored else library_of(reference.signature)
        sources = reference.sources or tuple(library.snapshot().sources.values() if library else ())

        def near(views: Round) -> list[Candidate]:
            if reference.kept is not None:
                return candidates_at(sources[0], reference.kept, views)
            if library is not None:
                return _within(library, views)
            scope = Scope(episode_ids=frozenset(source.episode_id for source in sources))
            ids = {source.source_id for source in sources}
            found, _ = self._indexed(views, scope, ticket)
            return [one for one in found if one.source.source_id in ids]

        return near

    def _indexed(self, views: Round, scope: Scope, ticket: Ticket) -> tuple[list[Candidate], int]:
        """Return the candidates among what is indexed, and how many frames that are."""

        def find(queries: Vectors, k: int) -> Found:
            return self._engine.search(queries, k, scope, ticket=ticket).result()

        def find_windows(queries: Vectors, k: int, window: int = ANY_WINDOW) -> Found:
            part = replace(scope, window=window)
            return self._engine.search(queries, k, part, windows=True, ticket=ticket).result()

        snapshot = self._engine.snapshot()
        return _candidates(views, snapshot, find, find_windows), snapshot.n_rows

    def _names(self, loaded: Loaded, sources: tuple[LoadedSource, ...]) -> Names | None:
        if not loaded.stored:
            return None
        (source,) = sources
        names = self._catalog.names([source.source_id]).get(source.source_id)
        if names is None:
            raise NotFound(f"{loaded.subject.letter}: source {source.source_id} is being removed")
        return names

    def _place_of(self, candidate: Candidate) -> str:
        source_id, signature = candidate.source.source_id, candidate.source.signature
        names = self._catalog.names([source_id]).get(source_id)
        at = clock(int(signature.times_ms[signature.kept_first[candidate.kept]]))
        return f"{place(names)} at {at}" if names else f"source {source_id} at {at}"


def _told(found: Findings) -> Comparison:
    judged = found.judged
    told = stages(found)
    looks = found.views.looks
    return Comparison(
        query=found.query,
        reference=found.reference,
        verdict=judged.verdict,
        probability=judged.probability,
        mirrored=found.mirrored,
        distance=judged.best.distance,
        plain_distance=found.plain_distance,
        fit=judged.fit,
        grid=None if looks is None else looks.grids[looks.bases[judged.best.view]],
        summary=summary(found, told),
        stages=told,
    )


def _nearest_frame(query: Loaded, near: Near) -> int:
    """Return the kept frame of a query that is nearest to the reference."""
    kept, vectors = some_frames(query.signature)
    found = near(Round(np.arange(len(vectors)), vectors, np.full(len(vectors), ANY_WINDOW)))
    return int(kept[found[0].view]) if found else 0


def _views_of(query: Loaded) -> Views:
    (views,) = views_of_layouts(query.signature.layouts[[query.kept or 0]])
    return views


def _within(library: Library, views: Round) -> list[Candidate]:
    snapshot = library.snapshot()

    def find(queries: Vectors, k: int) -> Found:
        return Found(library.index.search(queries, k), snapshot, 0.0, 1)

    def find_windows(queries: Vectors, k: int, window: int = ANY_WINDOW) -> Found:
        allowed = snapshot.allowed(Scope(window=window), windows=True)
        return Found(library.windows.search(queries, k, allowed), snapshot, 0.0, 1)

    return _candidates(views, snapshot, find, find_windows)


def _candidates(
    views: Round, snapshot: Snapshot, find: Find, find_windows: FindWindows
) -> list[Candidate]:
    """Return the candidates among frames and windows, as far as these are looked for."""
    hits = []
    if views.frames:
        frames = find(views.vectors, FIRST_K)
        snapshot = frames.snapshot
        hits.append(frame_hits(frames.neighbours, views.numbers, snapshot))
    if views.windows:
        hits += near_windows(views.vectors, views.numbers, views.only, find_windows, FIRST_K)
    return candidates(hits, snapshot)
