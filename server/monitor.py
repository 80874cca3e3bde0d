"""An HTTP port beside the service, for machines that watch it.

    /metrics   Prometheus
    /livez     200 while the process answers at all
    /readyz    200 while calls are taken: not while loading or draining, then 503

It shows numbers only and asks nobody who they are: listen where only watchers reach it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from mitate.kernels.errors import MitateError
from mitate.server.app import App
from mitate.server.metrics import REGISTRY

Start = Callable[[str, list[tuple[str, str]]], Any]


class AppCollector(Collector):
    """The numbers of a server that are looked up when they are fetched."""

    def __init__(self, app: App, n_calls: Callable[[], int]) -> None:
        self._app, self._n_calls = app, n_calls

    def collect(self) -> Iterator[Metric]:
        """Yield every number."""
        app = self._app
        snapshot = app.engine.snapshot()
        numbers = {
            "mitate_ready": ("1 while calls are taken.", app.ready and not app.draining),
            "mitate_calls_active": ("Calls under way.", self._n_calls()),
            "mitate_queue_queries": ("Queries that wait for the index.", app.engine.n_queued),
            "mitate_queue_signatures": ("Signatures that wait.", app.batches.n_signatures),
            "mitate_queue_pictures": ("Pictures that wait.", app.pictures.n_waiting),
            "mitate_queue_operations": ("Operations that wait.", app.operations.n_waiting),
            "mitate_queue_limit": ("Most that may wait.", app.settings.max_queue_signatures),
            "mitate_index_generation": ("Changes of the index.", app.engine.generation),
            "mitate_index_sources": ("Sources in the index.", len(snapshot.sources)),
            "mitate_index_rows": ("Frames in the index.", snapshot.n_rows),
            "mitate_index_window_rows": ("Windows in the index.", snapshot.n_window_rows),
        }
        if app.ready:
            stored = app.store.catalog.stats()
            numbers |= {
                "mitate_stored_titles": ("Titles.", stored.n_titles),
                "mitate_stored_episodes": ("Episodes.", stored.n_episodes),
                "mitate_stored_sources": ("Sources.", stored.n_sources),
                "mitate_stored_frames": ("Frames of all sources.", stored.n_frames),
                "mitate_stored_bytes": ("Size of all signature files.", stored.stored_bytes),
            }
        for name, (text, value) in numbers.items():
            yield GaugeMetricFamily(name, text, float(value))
        build = GaugeMetricFamily("mitate_build_info", "The program.", labels=("version", "index"))
        build.add_metric((version("mitate"), app.index_name), 1.0)
        yield build


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing; a scrape every few seconds is no news."""


class Monitor:
    """The HTTP server, on threads of its own.

    Raises:
        MitateError: the address cannot be listened on.
    """

    def __init__(self, listen: str, app: App, n_calls: Callable[[], int]) -> None:
        self._app = app
        self._metrics = make_wsgi_app(REGISTRY)
        host, _, port = listen.rpartition(":")
        try:
            self._server = make_server(
                host.strip("[]"), int(port), self._answer, ThreadingWSGIServer, _Quiet
            )
        except OSError as error:
            raise MitateError(f"cannot listen on {listen} (metrics_listen): {error}") from error
        self._collector = AppCollector(app, n_calls)
        REGISTRY.register(self._collector)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="monitor", daemon=True
        )
        self._thread.start()
        self.port = int(self._server.server_port)

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        REGISTRY.unregister(self._collector)

    def _answer(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, start)
            return answer
        if path == "/livez":
            return _say(start, "200 OK", "alive")
        if path == "/readyz":
            if self._app.ready and not self._app.draining:
                return _say(start, "200 OK", "ready")
            why = "draining" if self._app.draining else "loading"
            return _say(start, "503 Service Unavailable", why)
        return _say(start, "404 Not Found", "/metrics, /livez and /readyz are here")


def _say(start: Start, status: str, text: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode() + b"\n"]
