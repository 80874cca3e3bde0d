"""Calls with signatures, merged as they wait: the side of the batcher that is on the event loop.

Whenever one of the few threads is free, it gets all that waits for the same thing, up to a portion
that follows the measured speed; there is no timer. A large call is answered in portions between
which others get through. Each query sees one state of the library; the portions of one call may
see different ones. More than one batch is under way so that one is searched while another is
translated.
"""

from __future__ import annotations

import asyncio
import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mitate.kernels.errors import MitateError, NotReady, Overloaded
from mitate.kernels.layout import Layouts
from mitate.server import metrics
from mitate.server.batch_calls import BatchCall, Batched, BatchSlice, Packed
from mitate.server.columns import Columns, joined
from mitate.server.lanes import Lanes
from mitate.server.matcher import Wanted
from mitate.server.pace import Pace, retry_after_ms
from mitate.server.tickets import Priority, Ticket

log = logging.getLogger(__name__)
IN_FLIGHT = 2  # batches of one priority
RESERVED = 1  # threads that bulk leaves to interactive calls
AIM_MS = 20.0  # of a batch
LEAST, MOST = 16, 2048  # signatures of a batch
MARGIN_MS = 20.0  # for the way back to the caller
SAFETY = 1.3  # by which the expected time of an answer is taken to be longer
SECOND_MS = 2.0  # of work that waits make another batch beside one under way worth its while
BULK_SHARE = 0.75  # of what may wait; the rest is kept for interactive calls


class Batches:
    """What waits for signatures to be searched. Used on the event loop only."""

    def __init__(
        self,
        answer: Callable[[Layouts, Wanted], Columns],
        max_signatures: int,
        *,
        in_flight: int = IN_FLIGHT,
        most: int = MOST,
    ) -> None:
        self._answer = answer
        self._max_signatures = max_signatures
        self._lanes: Lanes[BatchCall[Any]] = Lanes()
        self._pace = Pace(AIM_MS, min(LEAST, most), most)
        self._batches: queue.SimpleQueue[list[BatchSlice] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # over the answers of a call
        self._n_free = self._n_threads = in_flight + RESERVED
        self._in_flight = in_flight
        self._under_way = [0] * len(Priority)  # batches by priority
        self._closed = False
        self._feeding = False  # a call of _feed is under way
        self._n_waiting = [0] * len(Priority)  # signatures by priority
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def n_signatures(self) -> int:
        """Signatures that wait."""
        return sum(self._n_waiting)

    @property
    def wait_ms(self) -> float:
        """How long what waits is likely to take."""
        return self.n_signatures * self._pace.ms_per_item

    def submit(
        self,
        layouts: Layouts,
        wanted: Wanted,
        pack: Callable[[Batched], Packed],
        failed: Callable[[MitateError], Packed] | None = None,
    ) -> asyncio.Future[Packed]:
        """Search signatures, shape (n, 33); cancel the future when nobody waits any more.

        `pack` makes the result, in a thread, so that it does not hold up the event loop; `failed`
        makes it of an error that comes later, which otherwise the future raises.

        Raises:
            Overloaded: too many signatures wait, or too many for the caller's time.
        """
        if self._loop is None:
            self._loop = self._start()
        if self._closed:
            raise NotReady("the server is shutting down")
        self._admit(len(layouts), wanted)
        call = BatchCall(layouts, wanted, pack, failed, self._loop.create_future())
        call.future.add_done_callback(call.ended)
        self._lanes.put(wanted.ticket, call)
        self._n_waiting[wanted.ticket.priority] += len(layouts)
        if self._n_free and not self._feeding:
            self._feeding = True
            self._loop.call_soon(self._feed)  # together with what else has come by now
        return call.future

    def close(self) -> None:
        """Take nothing more and end the threads; what waits is given up."""
        self._closed = True
        for _ in range(self._n_threads):
            self._batches.put(None)

    def _start(self) -> asyncio.AbstractEventLoop:
        for i in range(self._n_free):
            threading.Thread(target=self._work, name=f"batch-{i}", daemon=True).start()
        return asyncio.get_running_loop()

    def _admit(self, n_more: int, wanted: Wanted) -> None:
        bulk = wanted.ticket.priority is Priority.BULK
        limit = int(self._max_signatures * BULK_SHARE) if bulk else self._max_signatures
        if self.n_signatures and self.n_signatures + n_more > limit:
            share = f"{BULK_SHARE:.0%} of max_queue_signatures, for bulk"
            raise Overloaded(
                f"{self.n_signatures} signatures wait and {n_more} more would pass the limit of "
                f"{limit} ({share if bulk else 'max_queue_signatures'}); try again later",
                retry_after_ms=retry_after_ms(self.wait_ms),
            )
        if wanted.ticket.deadline_s == math.inf:
            return
        left_ms = (wanted.ticket.deadline_s - time.monotonic()) * 1000
        expected_ms = self._expected_ms(n_more, wanted.ticket.priority)
        if expected_ms > left_ms:
            raise Overloaded(
                f"the answer is likely to take {expected_ms:.0f} ms and {max(0.0, left_ms):.0f} ms "
                "are left of the caller's time; try again later",
                retry_after_ms=retry_after_ms(self.wait_ms / self._in_flight),
            )

    def _expected_ms(self, n_more: int, priority: Priority) -> float:
        """Return how long signatures that come now are likely to take."""
        ahead = self._n_waiting[Priority.INTERACTIVE]
        if priority is Priority.BULK:
            ahead = self.n_signatures
        wait = ahead / self._in_flight + n_more
        return MARGIN_MS + SAFETY * wait * self._pace.ms_per_item

    def _feed(self) -> None:
        """Give free threads what waits."""
        self._feeding = False
        while self._n_free and self._lanes:
            batch = self._next()
            if not batch:
                return
            self._n_free -= 1
            self._under_way[batch[0].call.wanted.ticket.priority] += 1
            self._batches.put(batch)

    def _next(self) -> list[BatchSlice]:
        contended = self._lanes.contended
        for priority in self._lanes.order():
            if not self._has_room(priority):
                continue
            batch = self._fill(priority)
            if batch:
                self._lanes.served(priority, contended=contended)
                return batch
        return []

    def _has_room(self, priority: Priority) -> bool:
        """Tell whether another batch may be under way and would be worth its thread."""
        n_batches = self._under_way[priority]
        return not n_batches or (n_batches < self._in_flight and self.wait_ms >= SECOND_MS)

    def _fill(self, priority: Priority) -> list[BatchSlice]:
        """Take from the callers in turn what asks for the same, up to a portion."""
        lane, room = self._lanes.lane(priority), self._pace.portion
        batch: list[BatchSlice] = []
        its: Wanted | None = None  # what the batch asks for
        other: list[BatchCall[Any]] = []
        while lane and room:
            call = lane.pop()
            if self._drop(call):
                continue
            if batch and call.wanted is not its and call.wanted != its:
                other.append(call)
                continue
            if not call.n_taken:
                call.queue_ms = (time.perf_counter() - call.since_s) * 1000
            one = BatchSlice(call, call.n_taken, call.n_taken + min(call.n_left, room))
            batch.append(one)
            its = call.wanted
            call.n_taken = one.stop
            room -= one.stop - one.first
            self._n_waiting[priority] -= one.stop - one.first
            if call.n_left:
                lane.put_back(call.wanted.ticket.caller, call, first=False)
        for call in reversed(other):
            lane.put_back(call.wanted.ticket.caller, call, first=True)
        return batch

    def _drop(self, call: BatchCall[Any]) -> bool:
        """Drop a call that nobody waits for or that cannot be answered in time."""
        ticket = call.wanted.ticket
        error = ticket.refusal((MARGIN_MS + call.n_left * self._pace.ms_per_item) / 1000)
        if error is None and not call.future.done():
            return False
        if error is not None:
            call.settle(error)
        self._n_waiting[ticket.priority] -= call.n_left
        return True

    def _work(self) -> None:
        """Answer batches on a thread until there are no more."""
        while (batch := self._batches.get()) is not None:
            started_s = time.perf_counter()
            done: list[tuple[BatchCall[Any], Any]]
            try:
                done = self._answered(batch)
            except MitateError as error:
                done = [(one.call, error) for one in batch]
            except Exception as defect:
                log.exception("batch failed")
                done = [(one.call, defect) for one in batch]
            n_signatures = sum(one.stop - one.first for one in batch)
            took_ms = (time.perf_counter() - started_s) * 1000
            if self._loop is None or self._loop.is_closed():
                return
            priority = batch[0].call.wanted.ticket.priority
            self._loop.call_soon_threadsafe(self._settle, done, priority, n_signatures, took_ms)

    def _answered(self, batch: list[BatchSlice]) -> list[tuple[BatchCall[Any], Any]]:
        """Answer a batch; return the calls that lacked nothing else."""
        wanted = batch[0].call.wanted
        layouts = [one.call.layouts[one.first : one.stop] for one in batch]
        if len(batch) > 1:  # no call's end may take the others' answers with it
            wanted = replace(wanted, ticket=Ticket("", wanted.ticket.priority))
        columns = self._answer(layouts[0] if len(batch) == 1 else np.concatenate(layouts), wanted)
        done: list[tuple[BatchCall[Any], Any]] = []
        at = 0
        for call, first, stop in batch:
            part = columns.part(at, at + stop - first)
            at += stop - first
            if self._add(call, first, part):
                parts = [call.parts[place] for place in sorted(call.parts)]
                search_ms = (time.perf_counter() - call.since_s) * 1000 - call.queue_ms
                metrics.stage_ended("wait", call.queue_ms / 1000)
                batched = Batched(joined(parts), call.queue_ms, search_ms, columns.n_queries)
                done.append((call, call.pack(batched)))
        return done

    def _add(self, call: BatchCall[Any], first: int, part: Columns) -> bool:
        """Add answers to a call; tell whether it has all."""
        with self._lock:
            call.parts[first] = part
            call.n_answered += part.n_queries
            return call.n_answered == len(call.layouts)

    def _settle(
        self,
        done: list[tuple[BatchCall[Any], Any]],
        priority: Priority,
        n_signatures: int,
        took_ms: float,
    ) -> None:
        self._n_free += 1
        self._under_way[priority] -= 1
        self._pace.learn(n_signatures, took_ms)
        self._feed()
        for call, result in done:
            call.settle(result)
