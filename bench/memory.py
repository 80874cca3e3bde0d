"""Memory of server and workers while an hour of video is added."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from bench.measure import machine
from bench.processes import family, rss_mib, serving

CLIP, SECONDS = "bbb_npm_480p-30sec.mp4", 3600
SAMPLE_S = 2.0


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Loop a clip to an hour, add it, and sample the memory."""
    with tempfile.TemporaryDirectory() as name:
        hour = Path(name) / "hour.mp4"
        loop = ["ffmpeg", "-v", "error", "-stream_loop", str(SECONDS // 30 - 1)]
        loop += ["-i", str(media / CLIP), "-map", "0:v:0", "-c", "copy", str(hour)]
        subprocess.run(loop, check=True)
        with serving(Path(name) / "data") as (pid, address):
            add = [sys.executable, "-m", "mitate.clients.cli", "add", str(hour)]
            client = subprocess.Popen(
                [*add, "--server", address, "--json"], stdout=subprocess.DEVNULL
            )
            samples = []
            done = threading.Event()
            while client.poll() is None:
                samples.append(sum(map(rss_mib, family(pid))))
                done.wait(SAMPLE_S)
            if client.returncode:
                raise RuntimeError(f"adding failed with exit code {client.returncode}")
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
