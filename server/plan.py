"""`mitate plan`: what so many hours of video need, from measured constants.

Every figure is proportional to the number of stored frames; docs/sizing.md tells where constants
come from and where the proportion ends. Those of GPUs are derived from data sheets.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from mitate.kernels.signature import LUMA_COLS, LUMA_ROWS, N_COEFFICIENTS, THUMB_COLS, THUMB_ROWS
from mitate.kernels.windows import WINDOWS

FRAMES_PER_S = 24_000 / 1001
KEPT_PER_FRAME = 0.80  # neighbours with equal descriptors are stored once; 60 real clips
FRAMES_PER_RUN = 8.7  # kept frames in a run of the index, the same clips
FRAMES_PER_WINDOWED_RUN = 5.6  # kept frames for one set of windows and one thumbnail
LUMAS_PER_FRAME = 0.95  # luma grids, of 36 real clips; of drawn ones fewer
ROW_BYTES, RUN_BYTES, GPU_RUN_BYTES = 36, 76, 46
LUMA_BYTES = 4 + LUMA_ROWS * LUMA_COLS
SOURCE_FRAME_BYTES = (
    8 + KEPT_PER_FRAME * (4 + 2 * N_COEFFICIENTS + 1) + LUMAS_PER_FRAME * LUMA_BYTES
)
WINDOWED_RUN_BYTES = 4 + len(WINDOWS) * N_COEFFICIENTS + THUMB_ROWS * THUMB_COLS
LOAD_S = 0.8e-6  # CPU time for a kept frame, from the signature file to the index
SINGLE_S, BATCH_S = 4.2e-10, 7.3e-11  # CPU time of one query for a kept frame
PASSES = 2  # over the centres of runs


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device by its data sheet."""

    memory_bytes: float
    dot4_per_s: float


GPUS = {"h100": Gpu(80e9, 1.4e13)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What an index needs and gives."""

    hours: float
    frames: int
    kept_frames: int
    disk_bytes: int
    memory_bytes: int  # of the index of whole frames
    windows_memory_bytes: int  # of the index of windows, beside that
    start_cpu_s: float
    single_query_cpu_ms: float
    queries_per_core_s: float  # in batches of 256
    gpus: int = 0
    gpu_memory_bytes: int = 0  # of whole frames, without windows
    gpu_queries_per_s: float = 0.0  # derived, not measured; half of what the device can do


def plan(hours: float, gpu: str | None = None) -> Plan:
    """Return what `hours` of video need."""
    frames = hours * 3600 * FRAMES_PER_S
    kept = frames * KEPT_PER_FRAME
    runs, windowed = kept / FRAMES_PER_RUN, kept / FRAMES_PER_WINDOWED_RUN
    gpu_bytes = kept * ROW_BYTES + runs * GPU_RUN_BYTES
    n_gpus, rate = 0, 0.0
    if gpu is not None:
        device = GPUS[gpu]
        n_gpus = max(1, -int(-gpu_bytes // (0.9 * device.memory_bytes)))
        batch_s = PASSES * runs * 8 / device.dot4_per_s / n_gpus
        rate = 0.5 / batch_s
    return Plan(
        hours,
        int(frames),
        int(kept),
        int(frames * SOURCE_FRAME_BYTES + windowed * WINDOWED_RUN_BYTES),
        int(kept * ROW_BYTES + runs * RUN_BYTES),
        int(windowed * len(WINDOWS) * ROW_BYTES),
        kept * LOAD_S,
        kept * SINGLE_S * 1000,
        1 / (kept * BATCH_S),
        n_gpus,
        int(gpu_bytes) if n_gpus else 0,
        rate,
    )


def command(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print a plan; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="mitate plan", description="Tell what memory, disk and time hours of video need."
    )
    parser.add_argument("--hours", type=_hours, required=True, metavar="N", help="hours of video")
    parser.add_argument("--gpu", choices=sorted(GPUS), help="also plan for GPUs of this kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    made = plan(given.hours, given.gpu)
    if given.json:
        sys.stdout.write(json.dumps(asdict(made)) + "\n")
        return 0
    sys.stdout.write("\n".join(f"{name:24} {text}" for name, text in _lines(made)) + "\n")
    return 0


def _hours(text: str) -> float:
    hours = float(text)
    if not 0 < hours <= 1e8:
        raise argparse.ArgumentTypeError(f"{text} hours; more than 0 and at most 1e8 are allowed")
    return hours


def _lines(made: Plan) -> list[tuple[str, str]]:
    cores = os.cpu_count() or 1
    lines = [
        ("video", f"{made.hours:,.0f} hours, {made.frames:,} frames, {made.kept_frames:,} kept"),
        ("disk", _size(made.disk_bytes)),
        ("memory, whole frames", _size(made.memory_bytes)),
        (f"memory, {len(WINDOWS)} windows", _size(made.windows_memory_bytes)),
        ("start", f"{made.start_cpu_s:,.0f} s of CPU time"),
        ("one query", f"{made.single_query_cpu_ms:,.1f} ms of CPU time, in whole frames"),
        ("queries, batches of 256", f"{made.queries_per_core_s * cores:,.1f}/s on {cores} cores"),
    ]
    if made.gpus:
        lines += [
            ("GPUs", f"{made.gpus}, {_size(made.gpu_memory_bytes)} without windows"),
            ("queries on GPUs", f"{made.gpu_queries_per_s:,.0f}/s (derived, not measured)"),
        ]
    return lines


def _size(n_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:,.1f} TB"
