"""Runs the server: builds its parts, answers, and stops without losing a call."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import grpc
from google.longrunning import operations_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from mitate.kernels.decode import Limits
from mitate.kernels.errors import MitateError
from mitate.kernels.nvidia import n_engines
from mitate.server import telemetry
from mitate.server.admission import Admission
from mitate.server.app import App
from mitate.server.audit import Audit
from mitate.server.authority import Authority, check_exposure
from mitate.server.batches import Batches
from mitate.server.comparer import Comparer
from mitate.server.engine import Engine
from mitate.server.gate import Gate
from mitate.server.index import make_index
from mitate.server.ingest import Ingest, load
from mitate.server.interceptors import CallInterceptor
from mitate.server.library import Library
from mitate.server.matcher import Matcher
from mitate.server.monitor import Monitor
from mitate.server.operations import Operations
from mitate.server.quotas import Quotas
from mitate.server.routes import Routes
from mitate.server.service_catalog import CatalogService
from mitate.server.service_compare import CompareService
from mitate.server.service_media import MediaService
from mitate.server.service_operations import OperationsService
from mitate.server.service_scan import ScanService
from mitate.server.service_search import SearchService
from mitate.server.settings import Settings
from mitate.server.store import Store
from mitate.server.timeline_drawer import TimelineDrawer
from mitate.server.tls import server_credentials
from mitate.server.tracing import make_tracing
from mitate.server.uploads import Uploads
from mitate.server.worker import Allowance
from mitate.server.workers import WorkerPool
from mitate.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    compare_pb2,
    compare_pb2_grpc,
    media_pb2,
    media_pb2_grpc,
    scan_pb2,
    scan_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
)

log = logging.getLogger(__name__)
PICTURES_PER_WORKER = 2  # one is decoded while another is searched
THREADS = 64  # blocking calls that run beside the event loop at once
LAST_WORDS_S = 0.25  # in which callers read their last answers and stop sending
LIVENESS = "liveness"  # health of the process, also while it is loading or draining
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

SERVICES = (
    catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name,
    compare_pb2.DESCRIPTOR.services_by_name["CompareService"].full_name,
    media_pb2.DESCRIPTOR.services_by_name["MediaService"].full_name,
    scan_pb2.DESCRIPTOR.services_by_name["ScanService"].full_name,
    search_pb2.DESCRIPTOR.services_by_name["SearchService"].full_name,
    "google.longrunning.Operations",
)


def build(settings: Settings) -> App:
    """Make every part of a server; the index is still empty.

    Raises:
        MitateError: the data directory or the index cannot be used.
    """
    n_threads = settings.search_threads or os.cpu_count() or 1
    make = partial(make_index, settings.index, n_threads, settings.max_opened_runs)
    library = Library(make, partial(make, runs=False))
    store = Store(Path(settings.data))
    engine = Engine(library, settings.max_queue_signatures)
    limits = Limits(
        max_pixels=settings.max_pixels,
        max_still_pixels=settings.max_still_pixels,
        max_duration_s=int(settings.max_video_s),
    )
    uploads = _uploads(settings, store)
    on_gpu, gpu = settings.video_decoder == "gpu", settings.video_device
    n_workers = settings.workers or max(os.cpu_count() or 1, n_engines(gpu) if on_gpu else 0)
    allowance = Allowance(settings.worker_memory_bytes, settings.worker_cpu_s, on_gpu, gpu)
    pool = WorkerPool(n_workers, allowance, settings.worker_stall_s, limits, settings.views)
    query_limits = replace(limits, max_duration_s=int(settings.max_query_video_s))
    searching = engine, pool, store.catalog, query_limits, settings.false_alarm_rate
    matcher = Matcher(*searching)
    return App(
        settings=settings,
        store=store,
        engine=engine,
        pool=pool,
        ingest=Ingest(store, engine, pool),
        matcher=matcher,
        comparer=Comparer(*searching),
        drawer=TimelineDrawer(engine, pool, query_limits),
        uploads=uploads,
        operations=Operations(
            store.catalog.database, n_workers, settings.max_queue_operations, uploads.used
        ),
        admission=Admission(Quotas(settings.caller_signatures_per_s), settings.max_loop_lag_s),
        batches=Batches(matcher.columns, settings.max_queue_signatures),
        pictures=Gate(
            PICTURES_PER_WORKER * (n_workers + 1), settings.max_queue_bytes, "max_queue_bytes"
        ),
        index_name=type(library.index).__name__.removesuffix("Index").lower(),
    )


def _uploads(settings: Settings, store: Store) -> Uploads:
    limits = settings.max_upload_bytes, settings.upload_stall_s
    return Uploads(store.catalog.database, store.uploads, store.tmp, *limits)


def register(aio_server: grpc.aio.Server, app: App, interceptor: CallInterceptor) -> HealthServicer:
    """Put all services on a server; returns the health service."""
    routes = Routes(interceptor.wrap)
    server = cast(grpc.aio.Server, routes)
    catalog_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogService(app), server)
    compare_pb2_grpc.add_CompareServiceServicer_to_server(CompareService(app), server)
    media_pb2_grpc.add_MediaServiceServicer_to_server(MediaService(app.uploads), server)
    scan_pb2_grpc.add_ScanServiceServicer_to_server(ScanService(app), server)
    search_pb2_grpc.add_SearchServiceServicer_to_server(SearchService(app), server)
    operations_pb2_grpc.add_OperationsServicer_to_server(
        OperationsService(app.operations, app.stopping), server
    )
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    names = (*SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
    aio_server.add_generic_rpc_handlers((routes,))
    return health


def serve(settings: Settings) -> None:
    """Serve in this thread until told to stop; raises as `run`."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings))


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the calls under way.

    Raises:
        SettingsError: a setting or a file that one names cannot be used.
        MitateError: the address, the data directory or the index cannot be used.
    """
    check_exposure(settings)
    tracing = make_tracing(settings)
    interceptor = CallInterceptor(Authority(settings), Audit(settings.audit_log), tracing)
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="call"))
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = _server(settings)
    port = _bind(server, settings)
    app = await asyncio.to_thread(build, settings)
    interceptor.gate = app.check_ready
    try:
        async with _watched(app, interceptor):
            health = register(server, app, interceptor)
            await health.set(LIVENESS, SERVING)
            await _set_health(health, NOT_SERVING)
            await server.start()
            n_sources = await asyncio.to_thread(load, app.store, app.engine)
            await asyncio.to_thread(app.pool.warm_up)
            app.ready = True
            await asyncio.to_thread(app.operations.resume)
            await _set_health(health, SERVING)
            log.info("ready sources=%d index=%s", n_sources, app.index_name)
            _announce(settings.listen, port)
            await stopping.wait()
            await _drain(app, health, interceptor)
    finally:
        await asyncio.to_thread(app.close)
        await server.stop(None)
        if tracing is not None:
            await asyncio.to_thread(tracing.close)
    log.info("stopped")


def _server(settings: Settings) -> grpc.aio.Server:
    return grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
            ("grpc.keepalive_time_ms", 60_000),  # finds callers that are gone without a word
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.server_handshake_timeout_ms", 20_000),
            ("grpc.max_metadata_size", 16 << 10),  # a JSON Web Token may be long
            ("grpc.absolute_max_metadata_size", 32 << 10),
        ],
    )


@asynccontextmanager
async def _watched(app: App, interceptor: CallInterceptor) -> AsyncIterator[None]:
    """Measure the event loop, and tell the numbers of the server where that is asked for."""
    lag = asyncio.ensure_future(telemetry.watch_event_loop())
    monitor: Monitor | None = None
    try:
        if listen := app.settings.metrics_listen:
            monitor = Monitor(listen, app, lambda: interceptor.n_active)
            log.info("metrics port=%d", monitor.port)
        yield
    finally:
        lag.cancel()
        if monitor is not None:
            await asyncio.to_thread(monitor.close)


async def _drain(app: App, health: HealthServicer, interceptor: CallInterceptor) -> None:
    """Tell balancers, then refuse new calls and wait for those under way.

    Connections stay open meanwhile: a socket that is closed while its caller still sends is reset,
    and takes answers with it that the caller has not read.
    """
    settings = app.settings
    await _set_health(health, NOT_SERVING)
    log.info("draining calls=%d", interceptor.n_active)
    await asyncio.sleep(settings.drain_delay_s)
    app.stopping.set()
    try:
        await asyncio.wait_for(interceptor.idle(), settings.drain_s)
    except TimeoutError:
        log.warning("calls are cut off by the end of drain_s calls=%d", interceptor.n_active)
    await asyncio.sleep(LAST_WORDS_S)


def _bind(server: grpc.aio.Server, settings: Settings) -> int:
    credentials = server_credentials(settings)
    try:
        if credentials is None:
            return server.add_insecure_port(settings.listen)
        return server.add_secure_port(settings.listen, credentials)
    except RuntimeError as error:
        raise MitateError(
            f"cannot listen on {settings.listen}: the address is in use or not of this machine"
        ) from error


def _announce(listen: str, port: int) -> None:
    host = listen.rsplit(":", 1)[0]
    sys.stdout.write(f"listening on {host}:{port}\n")
    sys.stdout.flush()


async def _set_health(
    health: HealthServicer, status: health_pb2.HealthCheckResponse.ServingStatus
) -> None:
    for name in ("", *SERVICES):
        await health.set(name, status)
