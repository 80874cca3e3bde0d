from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from mitate.kernels.decode import Limits
from mitate.kernels.errors import InvalidMedia, WorkerDied
from mitate.kernels.sign import sign
from mitate.server.metrics import REGISTRY
from mitate.server.worker import MAX_FILES, Allowance
from mitate.server.workers import WorkerPool

GIB = 1 << 30


@contextmanager
def pool(allowance: Allowance, limits: Limits | None = None) -> Iterator[WorkerPool]:
    made = WorkerPool(1, allowance, 60.0, limits or Limits())
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, ffmpeg: str) -> Path:
    return drawn(ffmpeg, tmp_path_factory.mktemp("media") / "short.mp4", "160x90", 1)


def drawn(ffmpeg: str, path: Path, size: str, seconds: int) -> Path:
    import subprocess

    source = f"testsrc2=s={size}:r=25:d={seconds}"
    codec = ["-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run(
        [ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", source, *codec, str(path)], check=True
    )
    return path


def test_a_worker_can_gain_no_rights_and_open_few_files(short: Path) -> None:
    with pool(Allowance(4 * GIB, 60)) as workers:
        workers.sign(short)
        (worker,) = multiprocessing.active_children()
        status = Path(f"/proc/{worker.pid}/status").read_text()
        limits = Path(f"/proc/{worker.pid}/limits").read_text()
    assert "NoNewPrivs:\t1" in status
    lines = {line[:25].strip(): line[25:].split() for line in limits.splitlines()}
    assert lines["Max open files"][:2] == [str(MAX_FILES)] * 2
    assert lines["Max address space"][0] == str(4 * GIB)
    assert lines["Max core file size"][0] == "0"


def test_processor_time_is_counted_for_each_file(ffmpeg: str, short: Path, tmp_path: Path) -> None:
    long = drawn(ffmpeg, tmp_path / "long.mp4", "1280x720", 45)
    with pool(Allowance(4 * GIB, 1)) as workers:
        with pytest.raises(
            WorkerDied, match=r"took 1 s of processor time, the limit \(worker_cpu_s\)"
        ):
            workers.sign(long)
        for _ in range(3):
            assert workers.sign(short).n_frames == 25


def test_memory_is_watched_where_a_gpu_is_in_use(short: Path) -> None:
    with pool(Allowance(1 << 20, 60, on_gpu=True)) as workers, pytest.raises(WorkerDied) as caught:
        workers.sign(short)
    assert "more memory than the 1048576 bytes" in caught.value.message


def test_a_file_that_the_gpu_cannot_decode_is_counted_and_told(
    short: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = 'mitate_decoder_fallbacks_total{used="pyav",wanted="pyav-cuda:0"} 1.0'
    with pool(Allowance(4 * GIB, 60, on_gpu=True)) as workers, caplog.at_level(logging.INFO):
        signature = workers.sign(short)
    assert signature.layouts.tobytes() == sign(short).layouts.tobytes()
    assert line in generate_latest(REGISTRY).decode()
    assert "decoder fallback wanted=pyav-cuda:0 used=pyav reason=" in caplog.text


def test_a_file_over_a_limit_is_refused_and_the_worker_goes_on(short: Path) -> None:
    with pool(Allowance(4 * GIB, 60), Limits(max_frames=10)) as workers:
        with pytest.raises(InvalidMedia, match="more than 10 frames"):
            workers.sign(short)
        head = workers.stream(
            short, lambda *chunk: None, lambda *progress: None, threading.Event(), Limits()
        )
    assert head.duration_ms == 1000
