"""Time from starting `mitate serve` to `listening on` with a million stored descriptors."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from bench.measure import Spread, machine
from bench.processes import serving
from bench.signatures import store_videos
from bench.vectors import like_real, real_layouts

SOURCES, FRAMES, SEED = 200, 5_000, 13


def _ready_s(folder: Path) -> float:
    started = time.perf_counter()
    with serving(folder):
        elapsed = time.perf_counter() - started
    return elapsed


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Store the descriptors, then start the server some times."""
    layouts = like_real(real_layouts(media), SOURCES * FRAMES, SEED)
    with tempfile.TemporaryDirectory() as name:
        firsts = range(0, len(layouts), FRAMES)
        store_videos(Path(name) / "data", (layouts[i : i + FRAMES] for i in firsts))
        ready = Spread.of([_ready_s(Path(name) / "data") for _ in range(rounds)])
    case = f"restart with {len(layouts):,} stored descriptors"
    return {"machine": machine(), "rounds": rounds, "cases": {case: {"ready_s": ready}}}
