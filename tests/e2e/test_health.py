from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from conftest import running

CHECK = [sys.executable, "-m", "mitate.clients.health"]


def health(address: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "MITATE_LISTEN": address}
    return subprocess.run(
        CHECK, env=variables, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_ready_server_is_healthy(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        done = health(server.address)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_port_without_a_server_is_not_healthy() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = health(f"127.0.0.1:{unused.getsockname()[1]}")
    assert done.returncode == 1
    assert done.stderr.startswith("mitate: UNAVAILABLE: ")
