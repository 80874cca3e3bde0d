"""CPU time of whole processes, and what machine it was measured on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and range of repeated figures."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """Return the spread of figures."""
        return Spread(statistics.median(values), min(values), max(values))


def cpu_s(command: Sequence[str]) -> float:
    """Run a command and return the user and system time of it and its children, in seconds."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stderr is not None
    error = process.stderr.read()
    process.stderr.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {error.decode()[-500:]}")
    return usage.ru_utime + usage.ru_stime


def machine() -> dict[str, object]:
    """Return what a figure depends on."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in ("av", "faiss-cpu", "numba", "numpy")},
    }
