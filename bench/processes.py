"""A server as a process of its own, and what it and its children use."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1 << 20
STOP_S = 60.0


@contextmanager
def serving(data: Path, *flags: str) -> Iterator[tuple[int, str]]:
    """Run `mitate serve` over a data directory; give its process id and its address.

    Raises:
        RuntimeError: it did not start.
    """
    command = [sys.executable, "-m", "mitate.server", "--data", str(data)]
    server = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        line = server.stdout.readline()
        if not line.startswith("listening on"):
            raise RuntimeError(f"the server did not start, it said {line!r}")
        yield server.pid, line.split()[-1]
    finally:
        server.terminate()
        server.wait(STOP_S)
        server.stdout.close()


def family(pid: int) -> list[int]:
    """Return a process and those that any of its threads has started."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(int(child) for thread in threads for child in thread.read_text().split())]


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process, pages of files included."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


def peak_mib(pid: int) -> float:
    """Return the largest resident memory of a process since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def forget_peak(pid: int) -> None:
    """Measure the peak of memory from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_s(pid: int) -> float:
    """Return the user and system time of a process, and of children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
