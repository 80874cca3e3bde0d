"""What too much load, idle streams and short connections do to the service.

    python -m bench.service_overload [overload|interactive|connections|idle_streams]...
        [--seconds 60] [--minutes 10]

prints one JSON object, and keeps it where nothing is left out. The engine waits a fixed time per
signature, so its capacity is known; the load runs in a process of its own and sends on schedule,
whether answers come or not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from bench import report
from bench.measure import machine
from bench.service import served
from bench.service_load import METADATA, batch
from mitate.v1 import search_pb2

COUNT = 8  # signatures of a call
SIGNATURE_MS = 5.0
DEADLINE_S = 1.0
PER_S, EVERY_S = 200, 10.0  # short connections, and how often memory is looked at
N_STREAMS, SETTLE_S = 10_000, 5.0
METHOD = "/mitate.v1.SearchService/BatchSearchSignatures"
STREAM = "/mitate.v1.SearchService/StreamSearch"


def _request(count: int, priority: int) -> bytes:
    request = search_pb2.BatchSearchSignaturesRequest(signatures=batch(count))
    request.options.priority = priority  # type: ignore[assignment]
    return request.SerializeToString()


def _unary(channel: grpc.aio.Channel) -> grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]:
    return channel.unary_unary(METHOD)


def _stream(channel: grpc.aio.Channel) -> grpc.aio.StreamStreamMultiCallable[bytes, bytes]:
    return channel.stream_stream(STREAM)


async def _on_schedule(address: str, per_s: float, seconds: float, priority: int) -> dict[str, Any]:
    """Send calls at a rate; return what became of them and how long the accepted took."""
    request, took_ms, failed = _request(COUNT, priority), list[float](), dict[str, int]()
    async with grpc.aio.insecure_channel(address) as channel:
        call = _unary(channel)

        async def one() -> None:
            started_s = time.perf_counter()
            try:
                await call(request, timeout=DEADLINE_S, metadata=METADATA)
                took_ms.append((time.perf_counter() - started_s) * 1000)
            except grpc.aio.AioRpcError as error:
                failed[error.code().name] = failed.get(error.code().name, 0) + 1

        begun_s, tasks = time.perf_counter(), list[asyncio.Task[None]]()
        for i in range(int(per_s * seconds)):
            await asyncio.sleep(max(0.0, begun_s + i / per_s - time.perf_counter()))
            tasks.append(asyncio.ensure_future(one()))
        await asyncio.gather(*tasks)
        elapsed_s = time.perf_counter() - begun_s
    return {
        "sent_per_s": len(tasks) / elapsed_s,
        "useful_per_s": len(took_ms) / elapsed_s,
        "p99_ms": float(np.percentile(took_ms, 99)) if took_ms else None,
        "failed": failed,
    }


async def _closed_loop(address: str, callers: int, seconds: float) -> float:
    """Return the calls per second that callers get who wait for their answers."""
    request, n_done, end_s = _request(COUNT, 2), 0, time.perf_counter() + seconds
    async with grpc.aio.insecure_channel(address) as channel:
        call = _unary(channel)

        async def caller() -> None:
            nonlocal n_done
            while time.perf_counter() < end_s:
                await call(request, metadata=METADATA)
                n_done += 1

        await asyncio.gather(*(caller() for _ in range(callers)))
    return n_done / seconds


async def _single(address: str, n_calls: int) -> list[float]:
    """Return how long single interactive signatures take, one after the other."""
    request, took_ms = _request(1, 1), list[float]()
    async with grpc.aio.insecure_channel(address) as channel:
        call = _unary(channel)
        for _ in range(n_calls):
            started_s = time.perf_counter()
            await call(request, metadata=METADATA)
            took_ms.append((time.perf_counter() - started_s) * 1000)
            await asyncio.sleep(0.01)
    return took_ms


async def _beside_bulk(address: str, seconds: float) -> dict[str, float]:
    alone = await _single(address, int(seconds * 20))
    bulk = asyncio.ensure_future(_closed_loop(address, 16, seconds * 3))
    await asyncio.sleep(0.5)
    beside = await _single(address, int(seconds * 20))
    await bulk
    p99 = [float(np.percentile(one, 99)) for one in (alone, beside)]
    return {"alone_p99_ms": p99[0], "beside_bulk_p99_ms": p99[1], "ratio": p99[1] / p99[0]}


async def _idle_streams(address: str, n_streams: int) -> int:
    """Open streams that are answered once and then say nothing more; return how many are open.

    They are opened a hundred at a time: gRPC refuses calls while a thousand wait to be accepted.
    """
    opening = search_pb2.StreamSearchRequest(config=search_pb2.StreamSearchConfig())
    once = search_pb2.StreamSearchRequest(signatures=batch(1))

    async def one(stream: grpc.aio.StreamStreamCall[bytes, bytes]) -> None:
        await stream.write(opening.SerializeToString())
        await stream.write(once.SerializeToString())
        await stream.read()

    for _ in range(0, n_streams, 100):
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.aio.insecure_channel(address, options)
        call = _stream(channel)
        streams = [call(metadata=METADATA) for _ in range(100)]
        _KEPT.extend((channel, *streams))
        await asyncio.gather(*map(one, streams), return_exceptions=True)
    n_open = sum(isinstance(kept, grpc.aio.StreamStreamCall) and not kept.done() for kept in _KEPT)
    print(json.dumps({"open": n_open}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return n_open


_KEPT: list[Any] = []


async def _connections(address: str, per_s: float, seconds: float) -> int:
    """Open a connection, call once, close it, at a rate; return how many worked."""
    request, n_done = _request(1, 1), 0

    async def one() -> None:
        nonlocal n_done
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(address, options) as channel:
            await _unary(channel)(request, metadata=METADATA, timeout=10)
            n_done += 1

    begun_s, tasks = time.perf_counter(), list[asyncio.Task[None]]()
    for i in range(int(per_s * seconds)):
        await asyncio.sleep(max(0.0, begun_s + i / per_s - time.perf_counter()))
        tasks.append(asyncio.ensure_future(one()))
    await asyncio.gather(*tasks, return_exceptions=True)
    return n_done


def _mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _load(*arguments: object) -> Any:
    command = [sys.executable, "-m", "bench.service_overload", "load", *map(str, arguments)]
    return json.loads(subprocess.check_output(command, text=True).splitlines()[-1])


def _overload(seconds: float) -> dict[str, Any]:
    """Four times as much as the engine can do."""
    with served("slow", str(SIGNATURE_MS)) as (address, pid):
        peak = _load("closed", address, 16, seconds / 3)
        before = _mib(pid)
        found: dict[str, Any] = _load("schedule", address, 4 * peak, seconds, 0)
        found |= {"peak_per_s": peak, "share_of_peak": found["useful_per_s"] / peak}
        return found | {"before_mib": before, "after_mib": _mib(pid)}


def _interactive(seconds: float) -> dict[str, Any]:
    """Single signatures while bulk saturates the engine."""
    with served("slow", str(SIGNATURE_MS)) as (address, _):
        found: dict[str, Any] = _load("beside", address, seconds / 3)
        return found


def _opened_and_closed(minutes: float) -> dict[str, Any]:
    """Two hundred connections opened and closed a second; the slope is that of least squares."""
    memory_mib, n_done = [], 0
    with served("idle", "0") as (address, pid):
        _load("connections", address, PER_S, EVERY_S)
        for _ in range(round(minutes * 60 / EVERY_S)):
            n_done += _load("connections", address, PER_S, EVERY_S)
            memory_mib.append(round(_mib(pid), 1))
        n_open = len(os.listdir(f"/proc/{pid}/fd"))
    at_min = np.arange(len(memory_mib)) * EVERY_S / 60
    slope = float(np.polyfit(at_min, memory_mib, 1)[0])
    return {
        "minutes": minutes,
        "sent": round(minutes * 60 * PER_S),
        "done": n_done,
        "files_open_at_the_end": n_open,
        "memory_mib": memory_mib,
        "slope_mib_per_min": slope,
    }


def _many_streams(n_streams: int) -> dict[str, Any]:
    """Streams that say nothing, opened and closed twice, to tell a leak from a high-water mark."""
    with served("idle", "0") as (address, pid):
        before, after_mib = _mib(pid), []
        for _ in range(2):
            command = [sys.executable, "-m", "bench.service_overload", "load", "idle", address]
            command.append(str(n_streams))
            pipe = subprocess.PIPE
            holder = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
            assert holder.stdout is not None
            found: dict[str, Any] = json.loads(holder.stdout.readline())
            found["kib_each"] = (_mib(pid) - before) / found["open"] * 1024
            found["lone_p50_ms"] = float(np.median(_load("single", address, 100)))
            holder.communicate("\n")
            time.sleep(SETTLE_S)
            after_mib.append(_mib(pid) - before)
    return found | {"asked": n_streams, "after_closing_mib": after_mib}


def measure(names: list[str], seconds: float, minutes: float) -> dict[str, Any]:
    """Measure what is named."""
    work: dict[str, Callable[[], dict[str, Any]]] = {
        "overload": lambda: _overload(seconds),
        "interactive": lambda: _interactive(seconds),
        "connections": lambda: _opened_and_closed(minutes),
        "idle_streams": lambda: _many_streams(N_STREAMS),
    }
    return {"machine": machine(), "seconds": seconds} | {n: work[n]() for n in names or work}


def _loads(kind: str, address: str, rest: list[str]) -> Any:
    numbers = [float(one) for one in rest]
    work: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "closed": lambda: _closed_loop(address, int(numbers[0]), numbers[1]),
        "schedule": lambda: _on_schedule(address, numbers[0], numbers[1], int(numbers[2])),
        "beside": lambda: _beside_bulk(address, numbers[0]),
        "single": lambda: _single(address, int(numbers[0])),
        "connections": lambda: _connections(address, numbers[0], numbers[1]),
        "idle": lambda: _idle_streams(address, int(numbers[0])),
    }
    return asyncio.run(work[kind]())


def main() -> None:
    """Measure, or be the load."""
    if sys.argv[1:2] == ["load"]:
        print(json.dumps(_loads(sys.argv[2], sys.argv[3], sys.argv[4:])), flush=True)
        return
    parser = argparse.ArgumentParser(prog="python -m bench.service_overload")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float, default=60.0, help="of overload")
    parser.add_argument("--minutes", type=float, default=10.0, help="of short connections")
    given = parser.parse_args()
    found = measure(given.names, given.seconds, given.minutes)
    print(json.dumps(found, indent=1))
    if not given.names:
        report.write("service_overload", found)


if __name__ == "__main__":
    main()
