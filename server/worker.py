"""What runs in a decoding process: tasks from a pipe, one at a time.

It dies with the server, however that ends, and keeps to its limits: of memory, processor time and
open files, and it can gain no rights.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

import numpy as np
import numpy.typing as npt

from mitate.kernels.chunks import MediaHead
from mitate.kernels.decode import Limits
from mitate.kernels.errors import MitateError
from mitate.kernels.sign import SignatureStream, whole
from mitate.kernels.signature import Signature
from mitate.kernels.stills import Still, frames_at, still
from mitate.kernels.view_cuts import Level
from mitate.kernels.views import PictureViews, picture_views

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
MAX_FILES = 256


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a worker may use."""

    memory_bytes: int  # 0: no limit
    cpu_s: float  # of one task
    on_gpu: bool = False  # CUDA reserves address space without end, so memory is watched instead
    gpu: int = 0  # its number


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is asked: a signature, its chunks, one frame, many, or a picture's views."""

    kind: Literal["sign", "stream", "still", "frames", "views"]
    media: str | bytes
    limits: Limits
    backend: str = "auto"
    keep_borders: bool = False
    level: Level = "normal"
    at_ms: int | None = None
    times_ms: tuple[int, ...] = ()  # of frames
    longest_side: int = 0  # of frames, pixels


def _confine(allowance: Allowance, parent: int) -> None:
    """Give up what a decoder does not need, and ask Linux to end this process with the server."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if allowance.memory_bytes and not allowance.on_gpu:
        resource.setrlimit(resource.RLIMIT_AS, (allowance.memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = MAX_FILES if most == resource.RLIM_INFINITY else min(MAX_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if os.getppid() != parent:
        os._exit(1)


def _allow_cpu(cpu_s: float) -> None:
    """Have Linux end this process once the task at hand has used up its processor time."""
    used_s = time.process_time()
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used_s + cpu_s), most))


Pixels = npt.NDArray[np.uint8]
Result = Signature | PictureViews | Still | MediaHead | list[Pixels]


def _run(task: Task, send: Callable[[str, object], None]) -> Result:
    if task.kind == "views":
        return picture_views(
            task.media, limits=task.limits, keep_borders=task.keep_borders, level=task.level
        )
    path = str(task.media)

    def tell(n_frames: int, position_ms: int, duration_ms: int) -> None:
        send("progress", (n_frames, position_ms, duration_ms))

    if task.kind == "still":
        return still(path, task.at_ms, limits=task.limits, level=task.level, progress=tell)
    if task.kind == "frames":
        times_ms, side = task.times_ms, task.longest_side
        return frames_at(path, times_ms, side, limits=task.limits, progress=tell)
    with SignatureStream(path, backend=task.backend, limits=task.limits) as stream:
        if task.kind == "sign":
            result: Result = whole(stream, tell)
        else:
            for chunk in stream:
                send("chunk", (chunk, stream.head(), stream.info.duration_ms))
            result = stream.head()
        if stream.fallback is not None:
            send("fallback", (task.backend, stream.info.backend, stream.fallback))
        return result


def worker_main(pipe: Connection, parent: int, allowance: Allowance) -> None:
    """Answer tasks until the pipe closes."""
    _confine(allowance, parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        _allow_cpu(allowance.cpu_s)
        try:
            result = _run(task, lambda kind, value: pipe.send((kind, value)))
            pipe.send(("result", result))
        except MitateError as error:
            pipe.send(("error", (error.reason, error.message)))
        except MemoryError:
            text = (
                f"decoding needs more memory than the {allowance.memory_bytes} bytes that a worker "
                "may use (worker_memory_bytes)"
            )
            pipe.send(("error", ("INVALID_MEDIA", text)))
