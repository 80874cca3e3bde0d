"""The stages of a call: told in its answer, counted in the metrics, drawn in its trace.

A stage belongs to the call that is under way in this thread or task (`calls.CALL`), or to none, as
in long work. Times are those of `time.perf_counter`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from mitate.server import metrics
from mitate.server.calls import CALL, Call

LAG_EVERY_S = 0.25
MAX_STAGES = 256  # of one call that are traced; a stream may have any number
LAG_KEPT = 40  # measurements, ten seconds


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time what runs inside as a stage."""
    started_s = time.perf_counter()
    try:
        yield
    finally:
        stage_ended(name, started_s, time.perf_counter())


def stage_ended(name: str, started_s: float, ended_s: float) -> None:
    """Tell a stage; one that happens several times in a call adds up."""
    metrics.stage_ended(name, max(0.0, ended_s - started_s))
    call = CALL.get()
    if call is not None:
        _add(call, name, started_s, ended_s)


def _add(call: Call, name: str, started_s: float, ended_s: float) -> None:
    seconds = max(0.0, ended_s - started_s)
    call.stages_ms[name] = call.stages_ms.get(name, 0.0) + seconds * 1000
    if call.span is not None and len(call.stages) < MAX_STAGES:
        call.stages.append((name, started_s, ended_s))


def told_in_answer(**stages_ms: float) -> None:
    """Add stages that were counted elsewhere to the call under way; one followed the other."""
    call = CALL.get()
    if call is None:
        return
    at_s = time.perf_counter() - sum(stages_ms.values()) / 1000
    for name, ms in stages_ms.items():
        _add(call, name, max(at_s, call.started), at_s + ms / 1000)
        at_s += ms / 1000


def waited_and_searched(started_s: float, queue_ms: float) -> None:
    """Tell a search that began to wait at `started_s`, waited `queue_ms`, and ends now."""
    begun_s = started_s + queue_ms / 1000
    stage_ended("queue", started_s, begun_s)
    stage_ended("search", begun_s, time.perf_counter())


async def watch_event_loop() -> None:
    """Measure for ever how late the event loop wakes up."""
    lags: deque[float] = deque(maxlen=LAG_KEPT)
    while True:
        asleep_s = time.perf_counter()
        await asyncio.sleep(LAG_EVERY_S)
        lags.append(max(0.0, time.perf_counter() - asleep_s - LAG_EVERY_S))
        metrics.loop_lagged(max(lags))
