"""The engine: one thread that owns library and index, fed by an opportunistic batcher.

Changes run alone and in order, so a search sees a complete episode or none of it. Whenever the
engine is free it takes what waits; there is no timer, so a lone caller never waits for company.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.errors import NotReady
from mitate.server import metrics
from mitate.server.index import Neighbours
from mitate.server.library import Compacted, Library, Scope, Snapshot
from mitate.server.search_queue import Dropped, Found, Search, SearchQueue, Slice
from mitate.server.tickets import Ticket

__all__ = ["Engine", "Found"]

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class Engine:
    """Runs changes and searches on its own thread; safe to call from any thread."""

    def __init__(self, library: Library, max_queued: int) -> None:
        self._library = library
        self._changes: deque[tuple[Callable[[Library], Any], Future[Any]]] = deque()
        self._queue = SearchQueue(max_queued)
        self._wake = threading.Condition()
        self._open = True
        self._compacted: Future[Compacted] | None = None  # while one is built
        self.generation = 0
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    @property
    def n_queued(self) -> int:
        """Queries waiting to be searched."""
        return self._queue.n_queries

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
        ticket: Ticket | None = None,
    ) -> Future[Found]:
        """Find the k nearest rows of every query, among frames or among windows.

        The future raises OperationCancelled or DeadlineExceeded where the ticket ran out.

        Raises:
            Overloaded: too many queries are waiting.
            NotReady: the engine has stopped.
        """
        search = Search(queries, k, scope, windows, ticket or Ticket())
        with self._wake:
            self._refuse_when_closed()
            self._queue.put(search)
            self._wake.notify()
        return search.future

    def close(self) -> None:
        """Finish what waits and stop."""
        with self._wake:
            self._open = False
            self._wake.notify()
        self._thread.join()

    def _has_work(self) -> bool:
        compacted = self._compacted is not None and self._compacted.done()
        return bool(self._changes or self._queue or not self._open or compacted)

    def _refuse_when_closed(self) -> None:
        if not self._open:
            raise NotReady("the server is shutting down")

    def _loop(self) -> None:
        while True:
            changes: deque[tuple[Callable[[Library], Any], Future[Any]]] = deque()
            batch: list[Slice] = []
            dropped: list[Dropped] = []
            with self._wake:
                self._wake.wait_for(self._has_work)
                if self._changes and not self._queue.n_begun:
                    changes, self._changes = self._changes, changes
                else:
                    batch, dropped = self._queue.take(begin_large=not self._changes)
                ended = not (self._open or changes or batch or dropped)
            if ended:
                return
            for search, error in dropped:
                if search.n_taken or search.future.set_running_or_notify_cancel():
                    search.future.set_exception(error)
            for function, future in changes:
                self.generation += 1
                self._settle(future, partial(function, self._library))
            self._compact()
            if batch:
                self._search(batch)

    def _compact(self) -> None:
        """Have indexes with many dead rows built anew beside the searches, then go on with them."""
        if self._compacted and self._compacted.done() and not self._queue.n_begun:
            self._library.adopt(self._compacted.result())
            self._compacted = None
        if self._compacted is None and self._library.wants_compaction:
            self._compacted = Future()
            threading.Thread(target=self._build_compacted, args=(self._compacted,)).start()

    def _build_compacted(self, future: Future[Compacted]) -> None:
        future.set_result(self._library.compacted())
        with self._wake:
            self._wake.notify()

    def _search(self, batch: list[Slice]) -> None:
        """Search a batch; searches whose last slice it holds are answered."""
        started_s = time.perf_counter()
        batch = [
            one for one in batch if one.first or one.search.future.set_running_or_notify_cancel()
        ]
        if not batch:
            return
        first = batch[0].search
        snapshot = self._library.snapshot()
        try:
            index = self._library.windows if first.windows else self._library.index
            found = index.search(
                np.concatenate([one.search.queries[one.first : one.stop] for one in batch]),
                max(one.search.k for one in batch),
                snapshot.allowed(first.scope, first.windows),
            )
        except Exception as error:
            log.exception("search failed")
            for one in batch:
                one.search.future.set_exception(error)
            return
        n_queries = len(found.rows)
        ran_s = time.perf_counter() - started_s
        self._queue.pace.learn(n_queries, ran_s * 1000)
        metrics.batch_ended(n_queries, ran_s)
        at = 0
        for search, start, stop in batch:
            rows = slice(at, at + stop - start)
            at = rows.stop
            search.parts.append(found.part(rows, search.k))
            if start == 0:
                search.queue_ms = (started_s - search.since_s) * 1000
            if stop == len(search.queries):
                neighbours = joined(search.parts)
                search.future.set_result(Found(neighbours, snapshot, search.queue_ms, n_queries))

    def _settle(self, future: Future[Any], work: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except Exception as error:
            log.exception("change failed")
            future.set_exception(error)


def joined(parts: Sequence[Neighbours]) -> Neighbours:
    """Return the neighbours of all queries of a search from those of its slices."""
    if len(parts) == 1:
        return parts[0]
    return Neighbours(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
