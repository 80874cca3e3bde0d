"""What windows and thumbnails cost when a video is signed, against whole frames alone.

Plain signing decodes the same frames and adds up their 8x8 blocks only; it has no windows, no
thumbnails, no luma grids and no borders of shots. CPU time of one thread; rounds alternate.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bench.measure import Spread, machine
from mitate.kernels import grids
from mitate.kernels.describer import Codes, CpuDescriber, Numbers
from mitate.kernels.shot_borders import Inner, no_inner
from mitate.kernels.sign import sign
from mitate.kernels.signature import N_WINDOWS, THUMB_COLS, THUMB_ROWS, no_lumas

CLIP = "bbb_npm_1080p-30sec.mp4"
HEIGHTS = (1080, 720, 360)


def _no_windows(describer: CpuDescriber, numbers: Numbers) -> Codes:
    return np.zeros((len(numbers), N_WINDOWS, 33), np.uint8)


def _no_thumbnails(describer: CpuDescriber, numbers: Numbers) -> Codes:
    return np.zeros((len(numbers), THUMB_ROWS, THUMB_COLS), np.uint8)


def _no_lumas(describer: CpuDescriber) -> Codes:
    return no_lumas()


def _no_inner(describer: CpuDescriber, numbers: Numbers, layouts: Codes) -> Inner:
    return no_inner()


@contextmanager
def plain() -> Iterator[None]:
    """Have videos signed by their whole frames alone."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(grids, "FINE_CELLS", grids.CELLS))
        stack.enter_context(patch.object(CpuDescriber, "windows", _no_windows))
        stack.enter_context(patch.object(CpuDescriber, "thumbnails", _no_thumbnails))
        stack.enter_context(patch.object(CpuDescriber, "lumas", _no_lumas))
        stack.enter_context(patch.object(CpuDescriber, "inner", _no_inner))
        yield


def _cpu_s(path: Path) -> float:
    started = time.process_time()
    sign(path)
    return time.process_time() - started


def measure(path: Path, rounds: int) -> dict[str, Any]:
    """Return CPU times of both ways and their ratio."""
    whole = sign(path)
    with plain():
        alone = sign(path)
    if not np.array_equal(whole.layouts, alone.layouts):
        raise RuntimeError("plain signing gives other descriptors")
    pairs = []
    for _ in range(rounds):
        ours_s = _cpu_s(path)
        with plain():
            pairs.append((ours_s, _cpu_s(path)))
    return {
        "frames": whole.n_frames,
        "runs": len(whole.run_first),
        "cpu_s": Spread.of([ours for ours, _ in pairs]),
        "plain_cpu_s": Spread.of([theirs for _, theirs in pairs]),
        "ratio": Spread.of([ours / theirs for ours, theirs in pairs]),
    }


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Measure one clip at several sizes."""
    cases = {}
    with tempfile.TemporaryDirectory() as folder:
        for height in HEIGHTS:
            path = Path(folder) / f"{height}.mp4"
            scaled = ["-vf", f"scale=-2:{height}", "-an", "-c:v", "libx264", "-preset", "veryfast"]
            command = ["ffmpeg", "-v", "error", "-i", str(media / CLIP), *scaled, str(path)]
            subprocess.run(command, check=True)
            cases[f"H.264 {height}p"] = measure(path, rounds)
    return {"machine": machine(), "rounds": rounds, "cases": cases}
