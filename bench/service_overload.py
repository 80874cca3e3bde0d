"""What too much load, idle streams and short connections do to the service.

    python -m bench.service_overload [SECONDS]

prints one JSON object. The engine waits a fixed time per signature, so its capacity is known; the
load runs in a process of its own and sends on schedule, whether answers come or not.
"""

from __future__ import annotations

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

from bench.service import served
from bench.service_load import METADATA, batch
from mitate.v1 import search_pb2

COUNT = 8  # signatures of a call
SIGNATURE_MS = 5.0
DEADLINE_S = 1.0
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
    """Open streams that send their configuration and nothing more; return how many are open."""
    opening = search_pb2.StreamSearchRequest(config=search_pb2.StreamSearchConfig())
    data = opening.SerializeToString()
    n_open = 0
    for _ in range(0, n_streams, 100):
        options = [("grpc.use_local_subchannel_pool", 1)]
        call = _stream(grpc.aio.insecure_channel(address, options))
        streams = [call(metadata=METADATA) for _ in range(100)]
        done = await asyncio.gather(
            *(stream.write(data) for stream in streams), return_exceptions=True
        )
        refused = [stream for stream, error in zip(streams, done, strict=True) if error]
        _KEPT.extend(streams)
        n_open += len(streams) - len(refused)
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


def measure(seconds: float) -> dict[str, Any]:
    """Measure everything."""
    found: dict[str, Any] = {}
    with served("slow", str(SIGNATURE_MS)) as (address, pid):
        peak = _load("closed", address, 16, seconds)
        before = _mib(pid)
        found["overload"] = _load("schedule", address, 4 * peak, seconds, 0)
        found["overload"] |= {"peak_per_s": peak, "before_mib": before, "after_mib": _mib(pid)}
    with served("slow", str(SIGNATURE_MS)) as (address, _):
        found["interactive"] = _load("beside", address, seconds)
    with served("idle", "0") as (address, pid):
        _load("connections", address, 200, 2)
        memory = []
        for _ in range(5):
            n_done = _load("connections", address, 200, seconds / 5)
            memory.append(round(_mib(pid), 1))
        found["connections"] = {"last_done": n_done, "memory_mib": memory}
    with served("idle", "0") as (address, pid):
        before = _mib(pid)
        command = [sys.executable, "-m", "bench.service_overload", "load", "idle", address, "10000"]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        opened = json.loads(holder.stdout.readline())
        found["idle_streams"] = opened | {"mib_each": (_mib(pid) - before) / opened["open"]}
        found["idle_streams"]["lone_p50_ms"] = float(np.median(_load("single", address, 100)))
        holder.communicate("\n")
        time.sleep(3)
        found["idle_streams"]["after_closing_mib"] = _mib(pid) - before
    return found


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


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        print(json.dumps(_loads(sys.argv[2], sys.argv[3], sys.argv[4:])), flush=True)
    else:
        print(json.dumps(measure(float((sys.argv[1:] or ["60"])[0])), indent=1))
