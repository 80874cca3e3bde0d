"""A real server in a process of its own, on a free port, and the real command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MITATE = (sys.executable, "-m", "mitate.clients.cli")


@dataclass
class Server:
    """A running `mitate serve`."""

    process: subprocess.Popen[str]
    address: str
    data: Path

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """End it as an operator would; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def mitate(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command line against it."""
        return mitate(*arguments, "--server", self.address)

    def answers(self, *arguments: str | Path) -> list[dict[str, Any]]:
        """Run the command line with --json and return what it prints."""
        done = self.mitate(*arguments, "--json")
        return [json.loads(line) for line in done.stdout.splitlines()]


def mitate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [*MITATE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def start(data: Path, log: Path, *flags: str) -> Server:
    """Start a server and wait until it is ready."""
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [*MITATE, "serve", "--data", str(data), "--listen", "127.0.0.1:0", *flags],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | {"PYTHONWARNINGS": "default"},
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on 127.0.0.1:"), (line, log.read_text()[-2000:])
    process.stdout.close()
    return Server(process, line.split()[-1], data)


@contextmanager
def running(folder: Path, *flags: str) -> Iterator[Server]:
    """A server over `folder`/data that is stopped in the end."""
    server = start(folder / "data", folder / "log.txt", *flags)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            assert server.stop() == 0, (folder / "log.txt").read_text()[-2000:]


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Iterator[Server]:
    """A server with all real clips in it, added with one command."""
    with running(tmp_path_factory.mktemp("indexed")) as server:
        done = server.mitate("add", clips, "--json")
        assert done.returncode == 0, done.stderr[-2000:]
        yield server


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory, ffmpeg: str) -> Path:
    """A folder with three short videos drawn by ffmpeg."""
    folder = tmp_path_factory.mktemp("drawn")
    sources = {
        "test.mp4": "testsrc2=size=320x180:rate=24:duration=4",
        "life.mkv": "life=size=320x180:rate=24:ratio=0.4:mold=9:seed=7",
        "zoom.webm": "mandelbrot=size=320x180:rate=24:end_scale=0.05:maxiter=200",
    }
    for name, source in sources.items():
        command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-t", "4"]
        command += ["-pix_fmt", "yuv420p", str(folder / name)]
        subprocess.run(command, check=True)
    return folder
