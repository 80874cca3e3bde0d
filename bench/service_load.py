"""A load generator in a process of its own: raw bytes over the blocking API, a channel per thread.

    python -m bench.service_load ADDRESS KIND SECONDS CALLERS WINDOW SIGNATURES

prints one JSON object: messages per second and the latency of one in milliseconds.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Iterator

import grpc
import numpy as np

from mitate.v1 import search_pb2

METADATA = (("authorization", "Bearer mitate_bench"),)
SEED = 5


def batch(count: int) -> search_pb2.SignatureBatch:
    """Return signatures that are not flat, the same each time."""
    layouts = np.random.default_rng(SEED).integers(0, 32, (count, 33), np.uint8)
    return search_pb2.SignatureBatch(
        type=search_pb2.SIGNATURE_TYPE_CLD_33, data=layouts.tobytes(), count=count
    )


def _unary(
    channel: grpc.Channel, window: int, count: int, end_s: float, took_s: list[float]
) -> None:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
        "/mitate.v1.SearchService/BatchSearchSignatures"
    )
    request = search_pb2.BatchSearchSignaturesRequest(signatures=batch(count)).SerializeToString()
    while time.perf_counter() < end_s:
        started_s = time.perf_counter()
        call(request, metadata=METADATA)
        took_s.append(time.perf_counter() - started_s)


def _stream(
    channel: grpc.Channel, window: int, count: int, end_s: float, took_s: list[float]
) -> None:
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
        "/mitate.v1.SearchService/StreamSearch"
    )
    config = search_pb2.StreamSearchConfig(preserve_order=True)
    opening = search_pb2.StreamSearchRequest(config=config).SerializeToString()
    message = search_pb2.StreamSearchRequest(signatures=batch(count)).SerializeToString()
    free = threading.Semaphore(window)
    sent_s: queue.SimpleQueue[float] = queue.SimpleQueue()

    def requests() -> Iterator[bytes]:
        yield opening
        while time.perf_counter() < end_s:
            free.acquire()
            sent_s.put(time.perf_counter())
            yield message

    for _ in call(requests(), metadata=METADATA):
        took_s.append(time.perf_counter() - sent_s.get())
        free.release()


def run(address: str, kind: str, seconds: float, callers: int, window: int, count: int) -> str:
    """Load a server and return the figures as JSON."""
    work = {"unary": _unary, "stream": _stream}[kind]
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", -1),
    ]
    took_s: list[list[float]] = [[] for _ in range(callers)]
    begun_s = time.perf_counter()
    threads = []
    for its in took_s:
        channel = grpc.insecure_channel(address, options)
        thread = threading.Thread(
            target=work, args=(channel, window, count, begun_s + seconds, its)
        )
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    elapsed_s = time.perf_counter() - begun_s
    every_ms = np.array([one * 1000 for its in took_s for one in its])
    return json.dumps(
        {
            "per_s": len(every_ms) / elapsed_s,
            "p50_ms": float(np.percentile(every_ms, 50)),
            "p99_ms": float(np.percentile(every_ms, 99)),
        }
    )


if __name__ == "__main__":
    print(run(sys.argv[1], sys.argv[2], *(int(text) for text in sys.argv[3:7])))
