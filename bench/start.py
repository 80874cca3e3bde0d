"""Time from starting `mitate serve` to `listening on` with a million stored descriptors."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Spread, machine
from bench.vectors import like_real, real_layouts
from mitate.kernels.borders import Rect
from mitate.kernels.signature import DESCRIPTOR_VERSION, Signature
from mitate.server.placement import Placement
from mitate.server.store import Store

SOURCES, FRAMES, SEED = 200, 5_000, 13


def _store(folder: Path, layouts: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    store = Store(folder)
    n_kept = 0
    for i in range(SOURCES):
        mine = layouts[i * FRAMES : (i + 1) * FRAMES]
        n_kept += len(mine)
        signature = Signature(
            kind="video",
            descriptor_version=DESCRIPTOR_VERSION,
            preprocessing_version="planes/1",
            width=640,
            height=360,
            rect=Rect(0, 0, 640, 360),
            duration_ms=FRAMES * 42,
            times_ms=np.arange(FRAMES, dtype=np.int64) * 42,
            kept_first=np.arange(FRAMES, dtype=np.uint32),
            layouts=mine,
            mirrored=mine,
            quality=np.full(FRAMES, 100, np.uint8),
        )
        digest = hashlib.sha256(str(i).encode()).hexdigest()
        store.commit_source(signature, digest, f"{i}.mkv", Placement())
    store.close()
    return n_kept


def _ready_s(folder: Path) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "mitate.server", "--data", str(folder)]
    process = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    elapsed = time.perf_counter() - started
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    if not line.startswith("listening on"):
        raise RuntimeError("the server did not start")
    return elapsed


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Store the descriptors, then start the server some times."""
    layouts = like_real(real_layouts(media), SOURCES * FRAMES, SEED)
    with tempfile.TemporaryDirectory() as name:
        n_kept = _store(Path(name) / "data", layouts)
        ready = Spread.of([_ready_s(Path(name) / "data") for _ in range(rounds)])
    case = f"restart with {n_kept:,} stored descriptors"
    return {"machine": machine(), "rounds": rounds, "cases": {case: {"ready_s": ready}}}
