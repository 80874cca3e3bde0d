"""Memory of server and workers while an hour of video is added."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from bench.measure import machine

CLIP, SECONDS = "bbb_npm_480p-30sec.mp4", 3600
SAMPLE_S = 2.0
MIB = 1 << 20


def _children(pid: int) -> list[int]:
    """Return the processes that any thread of a process has started."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def _rss_bytes(pid: int) -> int:
    """Return the resident memory of a process and its children, shared pages counted each time."""
    total = 0
    for one in (pid, *_children(pid)):
        fields = Path(f"/proc/{one}/statm").read_text().split()
        total += int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
    return total


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Loop a clip to an hour, add it, and sample the memory."""
    with tempfile.TemporaryDirectory() as name:
        hour = Path(name) / "hour.mp4"
        loop = ["ffmpeg", "-v", "error", "-stream_loop", str(SECONDS // 30 - 1)]
        loop += ["-i", str(media / CLIP), "-map", "0:v:0", "-c", "copy", str(hour)]
        subprocess.run(loop, check=True)
        serve = [sys.executable, "-m", "mitate.server", "--data", f"{name}/data"]
        server = subprocess.Popen(
            [*serve, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        add = [sys.executable, "-m", "mitate.clients.cli", "add", str(hour), "--server", address]
        client = subprocess.Popen([*add, "--json"], stdout=subprocess.DEVNULL)
        samples = []
        done = threading.Event()
        while client.poll() is None:
            samples.append(_rss_bytes(server.pid) / MIB)
            done.wait(SAMPLE_S)
        if client.returncode:
            raise RuntimeError(f"adding failed with exit code {client.returncode}")
        server.terminate()
        server.wait(60)
    half = len(samples) // 2
    return {
        "machine": machine(),
        "cases": {
            "adding an hour of 480p video, server and workers together": {
                "peak_mib": max(samples),
                "middle_mib": samples[half],
                "end_mib": samples[-1],
                "samples": len(samples),
            }
        },
    }
