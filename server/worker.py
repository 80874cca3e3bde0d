"""What runs in a decoding process: tasks from a pipe, one at a time.

It dies with the server, however that ends, and keeps to a limit of memory.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

from mitate.kernels.decode import Limits
from mitate.kernels.errors import MitateError
from mitate.kernels.sign import MediaHead, SignatureStream, sign
from mitate.kernels.signature import Signature
from mitate.kernels.stills import Still, still
from mitate.kernels.views import Level, PictureViews, picture_views

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is asked: a file's signature, its chunks, one frame, or a picture's views."""

    kind: Literal["sign", "stream", "still", "views"]
    media: str | bytes
    limits: Limits
    backend: str = "auto"
    keep_borders: bool = False
    level: Level = "normal"
    at_ms: int | None = None


def _die_with_parent(parent: int) -> None:
    """Ask Linux to end this process when the server ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


Result = Signature | PictureViews | Still | MediaHead


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
    if task.kind == "sign":
        return sign(path, backend=task.backend, limits=task.limits, progress=tell)
    with SignatureStream(path, backend=task.backend, limits=task.limits) as stream:
        for chunk in stream:
            send("chunk", (chunk, stream.head(), stream.info.duration_ms))
        return stream.head()


def worker_main(pipe: Connection, parent: int, memory_bytes: int) -> None:
    """Answer tasks until the pipe closes."""
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            result = _run(task, lambda kind, value: pipe.send((kind, value)))
            pipe.send(("result", result))
        except MitateError as error:
            pipe.send(("error", (error.reason, error.message)))
        except MemoryError:
            text = (
                f"decoding needs more memory than the {memory_bytes} bytes that a worker may use "
                "(worker_memory_bytes)"
            )
            pipe.send(("error", ("INVALID_MEDIA", text)))
