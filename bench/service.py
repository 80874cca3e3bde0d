"""The service against a bare grpc.aio server that answers as many bytes, in turns.

The bare server parses the request and makes the answer with generated code, from columns that are
at hand. Ours has identities, quotas and metrics on; where it says "traced", every call is traced to
a collector as well. Servers and load run in processes of their own. Beside throughput, which on a
small machine is shared with the load, each case tells the CPU time of the server per message.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.measure import Spread, machine

SECONDS = 4
FRAMES = 200_000  # stored, where the real engine answers
CASES = {  # kind, callers, messages under way of each, signatures in a message
    "stream, 256 signatures": ("stream", 2, 8, 256),
    "stream, 1 signature": ("stream", 2, 64, 1),
    "unary, 8 callers": ("unary", 8, 1, 1),
    "unary, 8 callers, traced": ("unary", 8, 1, 1),
    "unary, lone caller": ("unary", 1, 1, 1),
    "unary, lone caller, traced": ("unary", 1, 1, 1),
}
MANY, LONE = ("unary", 32, 1, 1), ("unary", 1, 1, 1)
SLOW_MS = 2.0


@contextmanager
def served(*arguments: str) -> Iterator[tuple[str, int]]:
    """Run a server of `bench.service_servers`; gives its address and process id."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.service_servers", arguments[0]]
        process = subprocess.Popen(
            [*command, *([folder, *arguments[1:]] if len(arguments) > 1 else [])],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = next(one for one in process.stdout if one.startswith("listening on "))
            yield line.split()[-1], process.pid
        finally:
            process.terminate()
            process.wait(60)


def loaded(address: str, pid: int, case: tuple[str, int, int, int]) -> dict[str, float]:
    """Load a server; return messages per second, latencies and CPU time per message."""
    kind, callers, window, count = case
    numbers = map(str, (SECONDS, callers, window, count))
    before_s = _cpu_s(pid)
    command = [sys.executable, "-m", "bench.service_load", address, kind, *numbers]
    figures: dict[str, float] = json.loads(subprocess.check_output(command, text=True))
    spent_s = _cpu_s(pid) - before_s
    return figures | {"cpu_us": spent_s / (figures["per_s"] * SECONDS) * 1e6}


def _cpu_s(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _against_bare(rounds: int) -> dict[str, Any]:
    found: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {name: [] for name in CASES}
    for _ in range(rounds):
        with ExitStack() as stack:
            bare, ours = (stack.enter_context(served(*one)) for one in (("bare",), ("idle", "0")))
            collector, _ = stack.enter_context(served("collector"))
            traced = stack.enter_context(served("traced", "0", collector))
            for name, case in CASES.items():
                its = traced if name.endswith("traced") else ours
                found[name].append((loaded(*bare, case), loaded(*its, case)))
    return {
        name: {
            "bare": pairs[-1][0],
            "ours": pairs[-1][1],
            "throughput_ratio": Spread.of([b["per_s"] / a["per_s"] for a, b in pairs]),
            "cpu_ratio": Spread.of([a["cpu_us"] / b["cpu_us"] for a, b in pairs]),
            "p50_ratio": Spread.of([b["p50_ms"] / a["p50_ms"] for a, b in pairs]),
        }
        for name, pairs in found.items()
    }


def _batching(rounds: int) -> dict[str, Any]:
    """An engine of 2 ms per batch: 32 callers and a lone one, merged and one by one."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        with (
            served("bare") as bare,
            served("idle", str(SLOW_MS)) as merged,
            served("alone", str(SLOW_MS)) as single,
        ):
            per_s = {
                "bare": loaded(*bare, MANY)["per_s"],
                "merged": loaded(*merged, MANY)["per_s"],
                "one_by_one": loaded(*single, MANY)["per_s"],
            }
            lone_ms = loaded(*merged, LONE)["p50_ms"], loaded(*single, LONE)["p50_ms"]
        figures = {f"{name}_per_s": one for name, one in per_s.items()} | {
            "throughput_gain": per_s["merged"] / per_s["one_by_one"],
            "possible_gain": per_s["bare"] / per_s["one_by_one"],
            "lone_p50_ratio": lone_ms[0] / lone_ms[1],
        }
        for name, figure in figures.items():
            found.setdefault(name, []).append(figure)
    return {name: Spread.of(figures) for name, figures in found.items()}


def _real(rounds: int) -> dict[str, Any]:
    """The real engine: the service against the engine alone."""
    shares = []
    case = CASES["stream, 256 signatures"]
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "bench.service_servers", "engine", folder]
            command += [str(FRAMES), str(case[3]), str(SECONDS)]
            alone = float(subprocess.check_output(command, text=True).split()[-1])
        with served("full", str(FRAMES)) as ours:
            served_per_s = loaded(*ours, case)["per_s"]
        shares.append(served_per_s / alone)
    return {
        "frames": FRAMES,
        "engine_signatures_per_s": alone * case[3],
        "served_signatures_per_s": served_per_s * case[3],
        "share_of_engine": Spread.of(shares),
    }


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Measure transport, batching and the real engine."""
    return {
        "machine": machine(),
        "rounds": rounds,
        "against_bare": _against_bare(rounds),
        "batching": _batching(rounds),
        "real": _real(rounds),
    }
