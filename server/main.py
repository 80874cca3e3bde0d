"""Starts and stops the server: settings, store, index, services, signals."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import grpc
from google.longrunning import operations_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from mitate.kernels.decode import Limits
from mitate.kernels.errors import MitateError
from mitate.server import logs
from mitate.server.app import App
from mitate.server.engine import Engine
from mitate.server.index import make_index
from mitate.server.ingest import Ingest, load
from mitate.server.interceptors import ErrorInterceptor
from mitate.server.library import Library
from mitate.server.matcher import Matcher
from mitate.server.operations import Operations
from mitate.server.service_catalog import CatalogService
from mitate.server.service_media import MediaService
from mitate.server.service_operations import OperationsService
from mitate.server.service_scan import ScanService
from mitate.server.service_search import SearchService
from mitate.server.settings import Settings, documented
from mitate.server.settings import load as load_settings
from mitate.server.store import Store
from mitate.server.uploads import Uploads
from mitate.server.workers import WorkerPool
from mitate.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    media_pb2,
    media_pb2_grpc,
    scan_pb2,
    scan_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
)

log = logging.getLogger(__name__)
THREADS = 64  # blocking calls that run beside the event loop at once
FAILED, WRONG_USAGE = 1, 2

SERVICES = (
    catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name,
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
    library = Library(lambda: make_index(settings.index))
    store = Store(Path(settings.data))
    engine = Engine(library, settings.max_queue_signatures)
    limits = Limits(
        max_pixels=settings.max_pixels,
        max_still_pixels=settings.max_still_pixels,
        max_duration_s=int(settings.max_video_s),
    )
    n_workers = settings.workers or os.cpu_count() or 1
    pool = WorkerPool(
        n_workers, settings.worker_memory_bytes, settings.worker_stall_s, limits, settings.views
    )
    return App(
        settings=settings,
        store=store,
        engine=engine,
        pool=pool,
        ingest=Ingest(store, engine, pool),
        matcher=Matcher(
            engine,
            pool,
            store.catalog,
            replace(limits, max_duration_s=int(settings.max_query_video_s)),
            settings.false_alarm_rate,
        ),
        uploads=Uploads(store.uploads, settings.max_upload_bytes),
        operations=Operations(n_workers),
        index_name=type(library.index).__name__.removesuffix("Index").lower(),
    )


def register(server: grpc.aio.Server, app: App) -> HealthServicer:
    """Put all services on a server; returns the health service."""
    catalog_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogService(app), server)
    media_pb2_grpc.add_MediaServiceServicer_to_server(MediaService(app.uploads), server)
    scan_pb2_grpc.add_ScanServiceServicer_to_server(ScanService(app), server)
    search_pb2_grpc.add_SearchServiceServicer_to_server(SearchService(app), server)
    operations_pb2_grpc.add_OperationsServicer_to_server(OperationsService(app.operations), server)
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    names = (*SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
    return health


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the calls under way."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="call"))
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = grpc.aio.server(
        interceptors=[ErrorInterceptor()],
        options=[
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
            ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
        ],
    )
    port = _bind(server, settings.listen)
    app = await asyncio.to_thread(build, settings)
    try:
        health = register(server, app)
        await _set_health(health, health_pb2.HealthCheckResponse.NOT_SERVING)
        await server.start()
        n_sources = await asyncio.to_thread(load, app.store, app.engine)
        await asyncio.to_thread(app.pool.warm_up)
        app.ready = True
        await _set_health(health, health_pb2.HealthCheckResponse.SERVING)
        log.info("ready sources=%d index=%s", n_sources, app.index_name)
        _announce(settings.listen, port)
        await stopping.wait()
        app.draining = True
        await health.enter_graceful_shutdown()
        log.info("draining")
        await server.stop(settings.drain_s)
    finally:
        await asyncio.to_thread(app.close)
        await server.stop(None)


def _bind(server: grpc.aio.Server, listen: str) -> int:
    try:
        return server.add_insecure_port(listen)
    except RuntimeError as error:
        raise MitateError(
            f"cannot listen on {listen}: the address is in use or not of this machine"
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mitate serve", description="Answer searches over what is stored in a directory."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings.")
    for item in documented():
        text = f"{item.help} (default: {item.default})".replace("%", "%%")
        parser.add_argument(item.flag, dest=item.name, metavar="X", help=text)
    return parser


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Run the server; returns the exit code."""
    given = vars(_parser().parse_args(arguments))
    config = given.pop("config")
    flags = {name: text for name, text in given.items() if text is not None}
    try:
        loaded = load_settings(flags, environ, config)
    except MitateError as error:
        sys.stderr.write(f"mitate serve: {error.message}\n")
        return WRONG_USAGE
    settings = loaded.settings
    logs.configure(settings.log_format, settings.log_level)
    for name in loaded.unknown_variables:
        log.warning("environment variable is no setting name=%s", name)
    try:
        asyncio.run(run(settings))
    except MitateError as error:
        sys.stderr.write(f"mitate serve: {error.message}\n")
        return FAILED
    return 0
