"""Decoding with decord, in a process of its own: RGB only, asked for by name.

On a GPU its frames are copied to the host, since they cross from that process to this one.

decord turns pictures upright, scales all frames to the size of the first, starts every file at 0
and converts to RGB itself, so its preprocessing has a version of its own and is comparable to that
of other decoders within a tolerance only.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np

from mitate.kernels.colour import Colour
from mitate.kernels.decode import Limits, MediaInfo, Picture, Plane, check_pixels, check_progress
from mitate.kernels.decord_child import FRAME, RECORD
from mitate.kernels.errors import InvalidArgument, InvalidMedia, WorkerDied
from mitate.kernels.frame_times import FrameTimes

PREPROCESSING_VERSION = "decord-rgb/1"
PREPROCESSING_VERSION_ON_GPU = "decord-cuda-rgb/1"  # converts with a matrix of its own

_CHILD = "mitate.kernels.decord_child"


class DecordDecoder:
    """One video file, decoded by decord in a child process."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        limits: Limits,
        threads: int = 1,
        *,
        on_gpu: bool = False,
    ) -> None:
        if importlib.util.find_spec("decord") is None:
            raise InvalidArgument("the backend decord is not installed; `mitate[decord]` has it")
        self._path = os.path.abspath(os.fspath(path))
        self._limits = limits
        self._threads = threads
        self._device = "gpu" if on_gpu else "cpu"
        self._child = _Child(self._path, threads, 0, self._device)
        self.fallback: str | None = None
        self.partial = False
        self.n_errors = 0
        self.end_ms = 0
        try:
            self.info = self._read_info()
        except BaseException:
            self.close()
            raise

    def frames(self) -> Iterator[Picture]:
        """Yield every frame in the order shown; raises InvalidMedia when over a limit."""
        rate = Fraction(self.info.fps).limit_denominator(1001) if self.info.fps > 0 else None
        times = FrameTimes(Fraction(1, 1000), rate, 0)
        for number, picture in enumerate(self._child.pictures()):
            stamp = picture.time_ms if picture.time_ms >= 0 else None
            picture.time_ms = times.next_ms(stamp, None, None)
            check_progress(number + 1, picture.time_ms, self._limits)
            yield picture
        self.end_ms = times.end_ms
        self.n_errors = int(self._child.error is not None)
        self.partial = self._child.error is not None

    def sample(self, count: int) -> Iterator[Picture]:
        """Yield up to `count` key frames spread over the file."""
        child = _Child(self._path, self._threads, count, self._device)
        try:
            child.info()
            yield from child.pictures()
        finally:
            child.close()

    def close(self) -> None:
        """End the child process."""
        self._child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_info(self) -> MediaInfo:
        on_gpu = self._device == "gpu"
        n_frames, fps, width, height = self._child.info()
        check_pixels(width, height, self._limits.max_pixels)
        duration_ms = round(n_frames * 1000 / fps) if fps > 0 else 0
        check_progress(n_frames, duration_ms, self._limits)
        return MediaInfo(
            kind="video",
            container="",
            codec="",
            profile="",
            pixel_format="rgb24",
            width=width,
            height=height,
            duration_ms=duration_ms,
            fps=fps,
            backend="decord-cuda" if on_gpu else "decord",
            preprocessing_version=PREPROCESSING_VERSION_ON_GPU if on_gpu else PREPROCESSING_VERSION,
        )


class _Child:
    """The other process and the records that it sends."""

    def __init__(self, path: str, threads: int, count: int, device: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", _CHILD, path, str(threads), str(count), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.error: str | None = None

    def info(self) -> tuple[int, float, int, int]:
        """Return number of frames, frames per second, width and height."""
        kind, content = self._record()
        if kind == b"U":
            raise InvalidArgument(f"decord cannot use a GPU: {content.decode('utf-8', 'replace')}")
        if kind == b"X":
            text = content.decode("utf-8", "replace")
            raise InvalidMedia(f"not a video that decord can read: {text}")
        about = json.loads(content)
        height, width = about["shape"][:2]
        return about["frames"], about["fps"], width, height

    def pictures(self) -> Iterator[Picture]:
        """Yield frames until the end, or until an error, which is left in `error`."""
        while True:
            kind, content = self._record()
            if kind == b"E":
                return
            if kind == b"X":
                self.error = content.decode("utf-8", "replace")
                return
            time_ms, width, height = FRAME.unpack_from(content)
            pixels = np.frombuffer(content, np.uint8, offset=FRAME.size)
            plane = Plane(pixels.reshape(height, width * 3), width, channels=3)
            yield Picture((plane,), Colour("rgb"), width, height, time_ms)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _record(self) -> tuple[bytes, bytes]:
        kind, length = RECORD.unpack(self._exactly(RECORD.size))
        return kind, self._exactly(length)

    def _exactly(self, n_bytes: int) -> bytes:
        pipe = self._process.stdout
        content = pipe.read(n_bytes) if pipe else b""
        if len(content) < n_bytes:
            code = self._process.wait()
            raise WorkerDied(f"the process that runs decord ended (exit code {code})")
        return content
