"""Damaged files against a live server: `python -m bench.fuzz --files 3000`.

Every file is uploaded and searched. It must be answered or refused with an error that says why,
within a time limit; the server must live on and keep nothing of it.
"""

from __future__ import annotations

import argparse
import collections
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.mutants import MAX_BYTES, mutants
from mitate.clients import Client
from mitate.kernels.errors import MitateError

LIMIT_S = 90.0  # for one file: the stall of a worker and some
FINE = {"INVALID_MEDIA", "INVALID_ARGUMENT", "WORKER_DIED"}
DRAWN = {
    "h264.mkv": "-c:v libx264 -preset veryfast -g 12 -bf 2",
    "h264.mp4": "-c:v libx264 -preset veryfast -g 12",
    "hi10.mkv": "-c:v libx264 -preset veryfast -pix_fmt yuv420p10le",
    "hevc.mp4": "-c:v libx265 -preset ultrafast -x265-params log-level=0",
    "vp9.webm": "-c:v libvpx-vp9 -deadline realtime -cpu-used 8",
    "av1.mkv": "-c:v libaom-av1 -usage realtime -cpu-used 8",
    "mpeg2.ts": "-c:v mpeg2video -bf 2",
    "mpeg4.avi": "-c:v mpeg4",
    "flv.flv": "-c:v flv",
    "theora.ogv": "-c:v libtheora",
    "wmv.wmv": "-c:v wmv2",
    "ffv1.mkv": "-c:v ffv1",
    "gif.gif": "",
    "apng.png": "-f apng",
    "still.png": "-frames:v 1",
    "still.jpg": "-frames:v 1 -update 1",
}


def drawn(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield good files of many kinds, drawn by ffmpeg."""
    for name, codec in DRAWN.items():
        path = folder / name
        source = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=1"]
        command = ["ffmpeg", "-v", "error", "-y", *source, *codec.split(), str(path)]
        subprocess.run(command, check=True)
        yield name, path.read_bytes()


class Outcomes:
    """Counts what became of files; safe to use from several threads."""

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []
        self.slowest_s = 0.0
        self._lock = threading.Lock()

    def note(self, name: str, outcome: str, fine: bool, took_s: float) -> None:
        """Note one file."""
        with self._lock:
            self.counts[outcome] += 1
            self.slowest_s = max(self.slowest_s, took_s)
            if not fine or took_s > LIMIT_S:
                self.wrong.append(f"{name}: {outcome} after {took_s:.1f} s")


def search(client: Client, path: Path, outcomes: Outcomes) -> None:
    """Search one file."""
    started = time.monotonic()
    try:
        outcome, fine = str(client.search(path).verdict), True
    except MitateError as error:
        clear = bool(error.message) and "\n" not in error.message
        outcome, fine = error.reason, error.reason in FINE and clear
    outcomes.note(path.name, outcome, fine, time.monotonic() - started)
    path.unlink()


def left_behind(data: Path) -> list[str]:
    """Return what lies in the folders of unfinished work."""
    folders = [folder for name in ("uploads", "tmp") if (folder := data / name).is_dir()]
    return [str(path) for folder in folders for path in folder.rglob("*") if path.is_file()]


def fuzz(seeds: list[tuple[str, bytes]], count: int, seed: int, folder: Path) -> Outcomes:
    """Search damaged files on a server of its own and return what became of them."""
    outcomes = Outcomes()
    serve = [sys.executable, "-m", "mitate.server", "--data", str(folder / "data")]
    server = subprocess.Popen(
        [*serve, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert server.stdout is not None
    address = server.stdout.readline().decode().split()[-1]
    server.stdout.close()
    with Client(address) as client, ThreadPoolExecutor(2) as pool:
        for name, content in mutants(seeds, count, seed):
            path = folder / name
            path.write_bytes(content)
            pool.submit(search, client, path, outcomes)
        pool.shutdown()
        client.stats()
    if server.poll() is not None:
        outcomes.wrong.append(f"the server ended with exit code {server.returncode}")
    server.terminate()
    server.wait(60)
    outcomes.wrong += [f"left behind: {path}" for path in left_behind(folder / "data")]
    return outcomes


def main() -> int:
    """Run, print the outcomes, and return 1 when one of them is not allowed."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--media", type=Path, default=Path("../shared/media/clips"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = list(drawn(folder))
        for clip in sorted(given.media.glob("*")):
            with clip.open("rb") as file:
                seeds.append((clip.name, file.read(MAX_BYTES // 4)))
        outcomes = fuzz(seeds, given.files, given.seed, folder)
    for outcome, number in outcomes.counts.most_common():
        print(f"{number:6d}  {outcome}")
    print(f"slowest {outcomes.slowest_s:.1f} s")
    print("\n".join(outcomes.wrong) or "nothing went wrong")
    return 1 if outcomes.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
