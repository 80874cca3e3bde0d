"""The engine: one thread that owns library and index, fed by an opportunistic batcher.

Changes run alone and in order, so a search sees a complete episode or none of it. Searches that
wait for the same scope are merged into one call of the index whenever the engine is free; there is
no timer, so a lone caller never waits for company.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.errors import NotReady, Overloaded
from mitate.server.index import Neighbours
from mitate.server.library import Library, Scope, Snapshot

log = logging.getLogger(__name__)
Result = TypeVar("Result")
BATCH_QUERIES = 4096  # vectors searched in one call of the index


@dataclass(frozen=True, slots=True)
class Found:
    """Neighbours and the state of the library in which they were found."""

    neighbours: Neighbours
    snapshot: Snapshot
    queue_ms: float
    n_batched: int  # queries that were searched together


@dataclass(slots=True)
class _Search:
    queries: NDArray[np.int8]
    k: int
    scope: Scope
    windows: bool
    since: float
    future: Future[Found]


class Engine:
    """Runs changes and searches on its own thread; safe to call from any thread."""

    def __init__(self, library: Library, max_queued: int) -> None:
        self._library = library
        self._max_queued = max_queued
        self._changes: deque[tuple[Callable[[Library], Any], Future[Any]]] = deque()
        self._searches: deque[_Search] = deque()
        self._wake = threading.Condition()
        self._n_queued = 0
        self._open = True
        self.generation = 0
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    @property
    def n_queued(self) -> int:
        """Queries waiting to be searched."""
        return self._n_queued

    def snapshot(self) -> Snapshot:
        """Return the state of the library now."""
        return self._library.snapshot()

    def change(self, function: Callable[[Library], Result]) -> Future[Result]:
        """Run `function` on the engine thread after the searches under way."""
        future: Future[Result] = Future()
        with self._wake:
            self._refuse_when_closed()
            self._changes.append((function, future))
            self._wake.notify()
        return future

    def search(
        self,
        queries: NDArray[np.int8],  # (q, 32)
        k: int,
        scope: Scope,
        windows: bool = False,
    ) -> Future[Found]:
        """Find the k nearest rows of every query, among frames or among windows.

        Raises:
            Overloaded: too many queries are waiting.
            NotReady: the engine has stopped.
        """
        future: Future[Found] = Future()
        with self._wake:
            self._refuse_when_closed()
            if self._n_queued and self._n_queued + len(queries) > self._max_queued:
                raise Overloaded(
                    f"{self._n_queued} queries wait to be searched and {len(queries)} more would "
                    f"pass the limit of {self._max_queued} (max_queue_signatures); try again later"
                )
            self._n_queued += len(queries)
            self._searches.append(_Search(queries, k, scope, windows, time.perf_counter(), future))
            self._wake.notify()
        return future

    def close(self) -> None:
        """Finish what waits and stop."""
        with self._wake:
            self._open = False
            self._wake.notify()
        self._thread.join()

    def _refuse_when_closed(self) -> None:
        if not self._open:
            raise NotReady("the server is shutting down")

    def _loop(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._changes or self._searches or not self._open)
                changes, self._changes = self._changes, deque()
                batch = self._next_batch()
            if not changes and not batch:
                return
            for function, future in changes:
                self.generation += 1
                self._settle(future, partial(function, self._library))
            if batch:
                self._search_batch(batch)

    def _next_batch(self) -> list[_Search]:
        """Take the first search and all that can share its call of the index."""
        batch: list[_Search] = []
        rest: deque[_Search] = deque()
        n_queries = 0
        for search in self._searches:
            fits = not batch or (
                (search.scope, search.windows) == (batch[0].scope, batch[0].windows)
                and n_queries + len(search.queries) <= BATCH_QUERIES
            )
            (batch if fits else rest).append(search)
            n_queries += len(search.queries) if fits else 0
        self._searches = rest
        self._n_queued -= n_queries
        return batch

    def _search_batch(self, batch: list[_Search]) -> None:
        started = time.perf_counter()
        live = [search for search in batch if search.future.set_running_or_notify_cancel()]
        if not live:
            return
        try:
            snapshot = self._library.snapshot()
            windows = live[0].windows
            index = self._library.windows if windows else self._library.index
            found = index.search(
                np.concatenate([search.queries for search in live]),
                max(search.k for search in live),
                snapshot.allowed(live[0].scope, windows),
            )
        except Exception as error:
            log.exception("search failed")
            for search in live:
                search.future.set_exception(error)
            return
        n_batched = len(found.rows)
        first = 0
        for search in live:
            rows = slice(first, first + len(search.queries))
            first = rows.stop
            mine = Neighbours(found.distances[rows, : search.k], found.rows[rows, : search.k])
            waited_ms = (started - search.since) * 1000
            search.future.set_result(Found(mine, snapshot, waited_ms, n_batched))

    def _settle(self, future: Future[Any], work: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except Exception as error:
            log.exception("change failed")
            future.set_exception(error)
