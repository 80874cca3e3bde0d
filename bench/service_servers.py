"""The servers that are compared, each in a process of its own; prints `listening on`.

python -m bench.service_servers bare            parses, makes an answer of as many bytes, no more
python -m bench.service_servers idle DIR MS     mitate whose engine only waits MS per batch
python -m bench.service_servers traced DIR MS URL  the same, every call traced to a collector
python -m bench.service_servers collector       takes traces and forgets them
python -m bench.service_servers full DIR N      mitate over N stored frames
python -m bench.service_servers engine DIR N    the engine of the latter alone: prints a figure
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from bench.service_load import batch
from bench.signatures import store_videos
from mitate.kernels.codec import decode_rows
from mitate.kernels.layout import Layouts
from mitate.server import metrics, serving, translate
from mitate.server.app import App
from mitate.server.batches import IN_FLIGHT, Batches
from mitate.server.columns import Columns, no_columns
from mitate.server.ingest import load
from mitate.server.matcher import Wanted
from mitate.server.settings import Settings
from mitate.v1 import search_pb2, search_pb2_grpc

K = 10
KEY = "mitate_bench"
FRAMES = 5_000  # of a source


class Bare(search_pb2_grpc.SearchServiceServicer):
    """Reads the signatures and makes answers whose columns are at hand, as generated code does."""

    def __init__(self) -> None:
        self._columns = cache(no_columns)

    def _fill(self, answer: Any, signatures: search_pb2.SignatureBatch) -> Any:
        n_signatures = len(np.frombuffer(signatures.data, np.uint8)) // 33
        translate.fill_hits(answer.hits, self._columns(n_signatures, K))
        answer.diagnostics.timings_ms["queue"] = answer.diagnostics.timings_ms["search"] = 0.1
        answer.diagnostics.timings_ms["total"] = 0.2
        return answer

    async def BatchSearchSignatures(self, request: Any, context: Any) -> Any:
        """Answer at once."""
        return self._fill(search_pb2.BatchSearchSignaturesResponse(), request.signatures)

    async def StreamSearch(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        """Answer one message after the other."""
        async for request in request_iterator:
            if request.HasField("signatures"):
                answer = search_pb2.StreamSearchResponse(sequence=request.sequence)
                yield self._fill(answer, request.signatures)


async def bare() -> None:
    """Serve without anything of ours."""
    server = grpc.aio.server(options=[("grpc.max_send_message_length", -1)])
    search_pb2_grpc.add_SearchServiceServicer_to_server(Bare(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


async def collector() -> None:
    """Take traces and forget them."""
    service = "opentelemetry.proto.collector.trace.v1.TraceService"

    async def export(request: bytes, context: Any) -> bytes:
        return b""

    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Export": grpc.unary_unary_rpc_method_handler(export)
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


def settings(folder: Path, trace_endpoint: str = "") -> Settings:
    """Return settings with identities, quotas and metrics on, and traces if they go anywhere."""
    identities = folder / "identities.toml"
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    identities.write_text(f'[[keys]]\nname = "bench"\nsha256 = "{digest}"\nscopes = ["search"]\n')
    return Settings(
        data=folder / "data",
        listen="127.0.0.1:0",
        workers=1,
        identities=identities,
        metrics_listen="127.0.0.1:0",
        caller_signatures_per_s=1e9,
        trace_endpoint=trace_endpoint,
        log_level="error",
    )


def idle(its: Settings, batch_ms: float, signature_ms: float = 0.0, *, merged: bool = True) -> None:
    """Serve mitate with an engine that only waits: for each batch, and for each signature."""
    built: Callable[[Settings], App] = serving.build

    columns = cache(no_columns)

    def answer(layouts: Layouts, wanted: Wanted) -> Columns:
        if wait_ms := batch_ms + signature_ms * len(layouts):
            time.sleep(wait_ms / 1000)
        return columns(len(layouts), wanted.k)

    def build(settings: Settings) -> App:
        app = built(settings)
        app.batches.close()
        n_queued = settings.max_queue_signatures
        app.batches = (
            Batches(answer, n_queued) if merged else Batches(answer, n_queued, in_flight=1, most=1)
        )
        return app

    serving.build = build
    serving.serve(its)


def fill(folder: Path, n_frames: int) -> Settings:
    """Store sources of random frames in a new directory."""
    its = settings(folder)
    draws, n_sources = np.random.default_rng(1), -(-n_frames // FRAMES)
    videos = (draws.integers(0, 32, (FRAMES, 33), np.uint8) for _ in range(n_sources))
    store_videos(its.data, videos)
    return its


def engine_alone(folder: Path, n_frames: int, count: int, seconds: float) -> None:
    """Print the messages of `count` signatures that the engine alone answers per second."""
    app = serving.build(fill(folder, n_frames))
    load(app.store, app.engine)
    layouts = decode_rows(batch(count).data, 33)
    app.matcher.columns(layouts, Wanted())
    end_s = time.perf_counter() + seconds

    def work(_: int) -> int:
        n_done = 0
        while time.perf_counter() < end_s:
            app.matcher.columns(layouts, Wanted())
            n_done += 1
        return n_done

    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        started_s = time.perf_counter()
        n_done = sum(threads.map(work, range(IN_FLIGHT)))
    print(n_done / (time.perf_counter() - started_s), flush=True)
    app.close()


def main() -> None:
    """Run the server that is named."""
    metrics.loop_lagged(0.0)
    kind, *rest = sys.argv[1:]
    if kind == "bare":
        asyncio.run(bare())
    elif kind == "collector":
        asyncio.run(collector())
    elif kind in ("idle", "traced", "alone"):
        its = settings(Path(rest[0]), *rest[2:])
        idle(its, float(rest[1]), merged=kind != "alone")
    elif kind == "slow":
        idle(settings(Path(rest[0])), 0.0, float(rest[1]))
    elif kind == "full":
        serving.serve(fill(Path(rest[0]), int(rest[1])))
    else:
        engine_alone(Path(rest[0]), int(rest[1]), int(rest[2]), float(rest[3]))


if __name__ == "__main__":
    main()
