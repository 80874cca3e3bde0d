"""Decoding processes: untrusted media never meets the process that serves.

Each worker is a spawned process that takes one task at a time from a pipe and answers with
progress, then a result or an error. A worker that dies, stalls or grows over its memory fails its
task with `WorkerDied` and is replaced at the next task. Long tasks (videos) can hold all workers
but one, which stays free for pictures.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import queue
import resource
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from mitate.kernels.chunks import Chunk, MediaHead
from mitate.kernels.decode import Limits
from mitate.kernels.errors import OperationCancelled, WorkerDied, error_class
from mitate.kernels.signature import Signature
from mitate.kernels.stills import Still
from mitate.kernels.view_cuts import Level
from mitate.kernels.views import PictureViews
from mitate.server import metrics
from mitate.server.worker import Allowance, Pixels, Task, worker_main

log = logging.getLogger(__name__)

Progress = Callable[[int, int, int], None]  # frames decoded, position_ms, duration_ms
POLL_S = 0.25
TASKS_PER_WORKER = 500  # then a fresh process takes over, whatever the decoders leaked

OnChunk = Callable[[Chunk, MediaHead], None]


class Worker:
    """One decoding process and its pipe."""

    def __init__(self, allowance: Allowance) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(
            target=worker_main, args=(theirs, os.getpid(), allowance), daemon=True
        )
        self.process.start()
        theirs.close()
        self.n_tasks = 0

    def stop(self) -> None:
        """End the process at once."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


class WorkerPool:
    """Workers for pictures and videos; safe to call from any thread."""

    def __init__(
        self,
        n_workers: int,
        allowance: Allowance,
        stall_s: float,
        limits: Limits,
        level: Level = "normal",
    ) -> None:
        self._level: Level = level
        self._allowance = allowance
        self._backend = f"pyav-cuda:{allowance.gpu}" if allowance.on_gpu else "auto"
        self._stall_s = stall_s
        self._limits = limits
        self._idle: queue.SimpleQueue[Worker | None] = queue.SimpleQueue()
        for _ in range(n_workers + 1):
            self._idle.put(None)
        self._long = threading.BoundedSemaphore(n_workers)
        self._busy: set[Worker] = set()
        self._closed = threading.Event()

    def warm_up(self) -> None:
        """Start one worker ahead of the first picture."""
        self._idle.put(self._take())

    def sign(
        self,
        path: Path,
        progress: Progress | None = None,
        cancelled: threading.Event | None = None,
        limits: Limits | None = None,
    ) -> Signature:
        """Return the signature of a file.

        Raises:
            InvalidMedia: the file cannot be decoded or is over a limit.
            WorkerDied: the decoder crashed, stalled or used too much memory.
            OperationCancelled: `cancelled` was set.
        """
        with self._long:
            task = Task("sign", str(path), limits or self._limits, self._backend)
            result = self._work(task, progress, cancelled)
        if not isinstance(result, Signature):
            raise WorkerDied(f"a worker answered {type(result).__name__} instead of a signature")
        return result

    def stream(
        self,
        path: Path,
        on_chunk: OnChunk,
        progress: Progress,
        cancelled: threading.Event,
        limits: Limits,
    ) -> MediaHead:
        """Hand over the chunks of a file as they are decoded; raises as `sign`."""
        n_frames = 0

        def take(chunk: Chunk, head: MediaHead, duration_ms: int) -> None:
            nonlocal n_frames
            on_chunk(chunk, head)
            n_frames += len(chunk.times_ms)
            progress(n_frames, int(chunk.times_ms[-1]), duration_ms)

        with self._long:
            task = Task("stream", str(path), limits, self._backend)
            result = self._work(task, None, cancelled, take)
        if not isinstance(result, MediaHead):
            raise WorkerDied(f"a worker answered {type(result).__name__} instead of a head")
        return result

    def views(self, picture: bytes, keep_borders: bool) -> PictureViews:
        """Return the views of a picture; raises as `sign`."""
        task = Task("views", picture, self._limits, keep_borders=keep_borders, level=self._level)
        result = self._work(task, None, None)
        if not isinstance(result, PictureViews):
            raise WorkerDied(f"a worker answered {type(result).__name__} instead of views")
        return result

    def still(
        self,
        path: Path,
        at_ms: int | None,
        progress: Progress,
        cancelled: threading.Event,
        limits: Limits,
    ) -> Still:
        """Return one frame of a file; raises as `sign`, and InvalidArgument for a wrong time."""
        task = Task("still", str(path), limits, level=self._level, at_ms=at_ms)
        with self._long:
            result = self._work(task, progress, cancelled)
        if not isinstance(result, Still):
            raise WorkerDied(f"a worker answered {type(result).__name__} instead of a frame")
        return result

    def frames(
        self,
        path: Path,
        times_ms: tuple[int, ...],  # increasing
        longest_side: int,
        progress: Progress,
        cancelled: threading.Event,
        limits: Limits,
    ) -> list[Pixels]:
        """Return the frames of a video at some times, (h, w, 3) RGB each; raises as `sign`."""
        task = Task("frames", str(path), limits, times_ms=times_ms, longest_side=longest_side)
        with self._long:
            result = self._work(task, progress, cancelled)
        if not isinstance(result, list):
            raise WorkerDied(f"a worker answered {type(result).__name__} instead of frames")
        return result

    def close(self) -> None:
        """End all workers; tasks under way fail."""
        self._closed.set()
        for worker in list(self._busy):
            worker.process.kill()
        while not self._idle.empty():
            worker_or_none = self._idle.get()
            if worker_or_none is not None:
                worker_or_none.stop()

    def _take(self) -> Worker:
        worker = self._idle.get()
        if worker is not None and worker.process.is_alive() and worker.n_tasks < TASKS_PER_WORKER:
            return worker
        if worker is not None:
            worker.stop()
        return Worker(self._allowance)

    def _work(
        self,
        task: Task,
        progress: Progress | None,
        cancelled: threading.Event | None,
        take: Callable[[Chunk, MediaHead, int], None] | None = None,
    ) -> object:
        worker = self._take()
        self._busy.add(worker)
        healthy = False
        try:
            worker.n_tasks += 1
            worker.pipe.send(task)
            kind, value = self._listen(worker, progress, cancelled, take)
            healthy = True
        except (EOFError, ConnectionError) as broken:
            worker.process.join(1)
            code = worker.process.exitcode
            log.error("worker died pid=%s exit=%s task=%s", worker.process.pid, code, task.kind)
            metrics.media_failed(WorkerDied.reason)
            raise WorkerDied(self._why_it_ended(code)) from broken
        finally:
            self._busy.discard(worker)
            if healthy and not self._closed.is_set():
                self._idle.put(worker)
            else:
                worker.stop()
                self._idle.put(None)
        if kind == "error":
            metrics.media_failed(value[0])
            raise error_class(value[0])(value[1])
        return value

    def _listen(
        self,
        worker: Worker,
        progress: Progress | None,
        cancelled: threading.Event | None,
        take: Callable[[Chunk, MediaHead, int], None] | None,
    ) -> tuple[str, Any]:
        last_sign_of_life = time.monotonic()
        while True:
            if worker.pipe.poll(POLL_S):
                kind, value = worker.pipe.recv()
                if kind in ("result", "error"):
                    return kind, value
                if kind == "chunk" and take is not None:
                    take(*value)
                elif kind == "progress" and progress is not None:
                    progress(*value)
                elif kind == "fallback":
                    log.info("decoder fallback wanted=%s used=%s reason=%r", *value)
                    metrics.decoder_fell_back(*value[:2])
                last_sign_of_life = time.monotonic()
            if cancelled is not None and cancelled.is_set():
                raise OperationCancelled("the work was cancelled")
            self._watch_memory(worker)
            if time.monotonic() - last_sign_of_life > self._stall_s:
                metrics.media_failed(WorkerDied.reason)
                raise WorkerDied(
                    f"decoding made no progress for {self._stall_s:g} s, the limit (worker_stall_s)"
                )

    def _watch_memory(self, worker: Worker) -> None:
        """Raise WorkerDied where a worker without a limit of its own uses too much."""
        most = self._allowance.memory_bytes
        if self._allowance.on_gpu and most and _resident_bytes(worker.process.pid) > most:
            metrics.media_failed(WorkerDied.reason)
            raise WorkerDied(
                f"decoding needs more memory than the {most} bytes that a worker may use "
                "(worker_memory_bytes)"
            )

    def _why_it_ended(self, code: int | None) -> str:
        if code == -signal.SIGXCPU:
            limit_s = self._allowance.cpu_s
            return f"decoding took {limit_s:g} s of processor time, the limit (worker_cpu_s)"
        return f"the decoding process ended (exit code {code})"


def _resident_bytes(pid: int | None) -> int:
    """Return the memory that a process holds; 0 where it is gone or nothing tells."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * resource.getpagesize()
