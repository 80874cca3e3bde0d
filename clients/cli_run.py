"""Runs one piece of work per file, several at once, and hands on what becomes of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue
from typing import TypeVar

from mitate.clients.cli_files import Job
from mitate.clients.cli_output import Bar, OnProgress
from mitate.clients.results import Progress
from mitate.kernels.errors import MitateError, OperationCancelled

T = TypeVar("T")
POLL_S = 0.2  # a thread that waits without end would not notice an interrupt
STOP_S = 1.5  # how long work that was told to stop may take to tidy up


def for_each(
    jobs: list[Job],
    work: Callable[[str, OnProgress], T],
    bar: Bar,
    done: Callable[[str, T | MitateError], None],
    *,
    parallel: int,
    in_order: bool = True,
) -> None:
    """Run `work(file, tell)` for every job and call `done` with each result or error.

    `done` is called here, one at a time: in the order of the jobs, or as they finish. When
    interrupted, work under way is told to stop by an error that its next report raises.
    """
    stopped = threading.Event()

    def run(job: Job) -> T:
        if job.error is not None:
            raise job.error
        with bar(job.file) as tell:

            def tell_or_stop(progress: Progress) -> None:
                if stopped.is_set():
                    raise OperationCancelled("interrupted")
                tell(progress)

            return work(job.file, tell_or_stop)

    pool = ThreadPoolExecutor(max(1, min(parallel, len(jobs))))
    futures: dict[Future[T], Job] = {}
    finished: SimpleQueue[Future[T]] = SimpleQueue()
    try:
        for job in jobs:
            future = pool.submit(run, job)
            futures[future] = job
            future.add_done_callback(finished.put)
        for future in _as_submitted(futures) if in_order else _as_finished(finished, len(jobs)):
            outcome: T | MitateError = _outcome(future)
            done(futures[future].file, outcome)
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
        wait([future for future in futures if not future.cancelled()], timeout=STOP_S)


def _as_submitted(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    for future in futures:
        while not future.done():
            wait([future], timeout=POLL_S)
        yield future


def _as_finished(finished: SimpleQueue[Future[T]], number: int) -> Iterator[Future[T]]:
    while number:
        try:
            future = finished.get(timeout=POLL_S)
        except Empty:
            continue
        number -= 1
        yield future


def _outcome(future: Future[T]) -> T | MitateError:
    try:
        return future.result()
    except MitateError as error:
        return error
