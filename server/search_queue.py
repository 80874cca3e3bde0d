"""Searches that wait for the engine: two priorities, callers in turn, large searches in slices.

Not safe for threads by itself; the engine holds its lock around every call. A batch is one call of
the index: what waits for the same rows is merged, up to a slice, whose size follows the measured
speed of the index so that nobody waits long for the engine. A search larger than a slice is begun
and goes on in later batches; all its slices must see one state of the library, so the engine
changes nothing while a search is begun.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.errors import MitateError, Overloaded
from mitate.server.index import Neighbours
from mitate.server.lanes import Lanes
from mitate.server.library import Scope, Snapshot
from mitate.server.pace import Pace, retry_after_ms
from mitate.server.tickets import Priority, Ticket
from mitate.server.turns import Turns

MAX_BATCH_QUERIES = 4096  # vectors searched in one call of the index
MIN_SLICE_QUERIES = 32  # a picture with its views is not cut
SLICE_MS = 10.0  # aim for one call of the index
BULK_SHARE = 0.75  # of the queue; the rest is kept for interactive searches
MAX_SKIPPED = 256  # searches for other rows that are looked past when a batch is filled


@dataclass(frozen=True, slots=True)
class Found:
    """Neighbours and the state of the library in which they were found."""

    neighbours: Neighbours
    snapshot: Snapshot
    queue_ms: float
    n_batched: int  # queries that were searched together


@dataclass(slots=True, eq=False)
class Search:
    """Queries that wait, and the answers that they have so far."""

    queries: NDArray[np.int8]  # (q, 32)
    k: int
    scope: Scope
    windows: bool
    ticket: Ticket
    future: Future[Found] = field(default_factory=Future)
    since_s: float = field(default_factory=time.perf_counter)
    n_taken: int = 0
    queue_ms: float = 0.0
    parts: list[Neighbours] = field(default_factory=list)

    @property
    def n_left(self) -> int:
        """Queries that no batch has taken yet."""
        return len(self.queries) - self.n_taken

    @property
    def rows(self) -> tuple[Scope, bool]:
        """What can share a call of the index."""
        return self.scope, self.windows

    @property
    def begun(self) -> bool:
        """Some queries are taken and some are not."""
        return 0 < self.n_taken < len(self.queries)


class Slice(NamedTuple):
    """Queries first..stop-1 of a search."""

    search: Search
    first: int
    stop: int


class Dropped(NamedTuple):
    """A search that is not worth starting any more."""

    search: Search
    error: MitateError


class SearchQueue:
    """What waits, bounded by its number of queries."""

    def __init__(self, max_queries: int) -> None:
        self._max_queries = max_queries
        self._lanes: Lanes[Search] = Lanes()
        self.pace = Pace(SLICE_MS, MIN_SLICE_QUERIES, MAX_BATCH_QUERIES)
        self.n_queries = 0
        self.n_begun = 0  # searches that nothing may change the library under

    def __bool__(self) -> bool:
        return bool(self._lanes)

    @property
    def wait_ms(self) -> float:
        """How long what waits is likely to take."""
        return self.n_queries * self.pace.ms_per_item

    def put(self, search: Search) -> None:
        """Let a search wait.

        Raises:
            Overloaded: too many queries wait already.
        """
        bulk = search.ticket.priority is Priority.BULK
        limit = int(self._max_queries * BULK_SHARE) if bulk else self._max_queries
        n_more = len(search.queries)
        if self.n_queries and self.n_queries + n_more > limit:
            share = f"{BULK_SHARE:.0%} of max_queue_signatures, for bulk"
            raise Overloaded(
                f"{self.n_queries} queries wait to be searched and {n_more} more would pass the "
                f"limit of {limit} ({share if bulk else 'max_queue_signatures'}); try again later",
                retry_after_ms=retry_after_ms(self.wait_ms),
            )
        self._lanes.put(search.ticket, search)
        self.n_queries += n_more

    def take(self, *, begin_large: bool) -> tuple[list[Slice], list[Dropped]]:
        """Take the next batch, and what is not worth searching any more.

        Without `begin_large` only what is begun, or ends within this batch, is taken.
        """
        dropped: list[Dropped] = []
        batch: list[Slice] = []
        contended = self._lanes.contended
        for priority in self._lanes.order():
            batch = self._batch(self._lanes.lane(priority), dropped, begin_large)
            if batch:
                self._lanes.served(priority, contended=contended)
                break
        return batch, dropped

    def _batch(self, lane: Turns[Search], dropped: list[Dropped], begin_large: bool) -> list[Slice]:
        """Fill a slice from the callers in turn."""
        batch: list[Slice] = []
        skipped: list[Search] = []
        room = self.pace.portion
        while lane and room and len(skipped) < MAX_SKIPPED:
            search = lane.pop()
            if self._drop(search, dropped):
                continue
            too_large = not search.begun and search.n_left > room and (batch or not begin_large)
            if too_large or (batch and search.rows != batch[0].search.rows):
                skipped.append(search)
                continue
            batch.append(self._cut(search, min(search.n_left, room)))
            room -= batch[-1].stop - batch[-1].first
            if search.n_left:
                lane.put_back(search.ticket.caller, search, first=False)
        for search in reversed(skipped):
            lane.put_back(search.ticket.caller, search, first=True)
        return batch

    def _cut(self, search: Search, n_queries: int) -> Slice:
        self.n_begun -= search.begun
        one = Slice(search, search.n_taken, search.n_taken + n_queries)
        search.n_taken = one.stop
        self.n_begun += search.begun
        self.n_queries -= n_queries
        return one

    def _drop(self, search: Search, dropped: list[Dropped]) -> bool:
        """Drop a search that nobody waits for or that cannot be answered in time."""
        error = search.ticket.refusal(search.n_left * self.pace.ms_per_item / 1000)
        if error is None and not search.future.done():
            return False
        if error is not None:
            dropped.append(Dropped(search, error))
        self.n_begun -= search.begun
        self.n_queries -= search.n_left
        return True
