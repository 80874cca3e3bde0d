"""A server that is told to stop while it is busy loses nothing that it has accepted."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import Server, start
from google.longrunning import operations_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from making_requests import at_path, start_scan
from wire import Wire, refusal_of

from mitate.clients import Client
from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import scan_pb2 as scan
from mitate.v1 import search_pb2 as search

ROUNDS = int(os.environ.get("MITATE_STOPS", "6"))  # 20 and more outside of CI
BATCH = search.SignatureBatch(type=search.SIGNATURE_TYPE_CLD_33, count=64, data=bytes(33 * 64))
NOT_ACCEPTED = re.compile("shutting down|Connection refused")  # never taken; anything else is lost


class Load:
    """Callers that go on until they are refused for good."""

    def __init__(self, server: Server, names: Iterator[int]) -> None:
        self.answered: Counter[str] = Counter()
        self.created: list[str] = []
        self.lost: list[str] = []
        self._server, self._names = server, names
        kinds = (self.search, self.search, self.create, self.stream, self.stream)
        self._threads = [threading.Thread(target=kind) for kind in kinds]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until every caller has given up."""
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def search(self) -> None:
        request = search.BatchSearchSignaturesRequest(signatures=BATCH)
        self._go_on("SearchService/BatchSearchSignatures", lambda: request)

    def create(self) -> None:
        def request() -> catalog.CreateTitleRequest:
            return catalog.CreateTitleRequest(title=catalog.Title(name=f"t{next(self._names)}"))

        self._go_on("CatalogService/CreateTitle", request, self.created.append)

    def stream(self) -> None:
        """Send without end; whatever the server takes it answers before it ends the stream."""
        sent = itertools.count(1)

        def requests() -> Iterator[search.StreamSearchRequest]:
            yield search.StreamSearchRequest(config=search.StreamSearchConfig(preserve_order=True))
            for number in sent:
                yield search.StreamSearchRequest(sequence=number, signatures=BATCH)

        wire, expected = Wire(self._server.address), 1
        try:
            for answer in wire.messages("SearchService/StreamSearch", given=requests()):
                assert answer.sequence == expected
                expected += 1
                self.answered["stream"] += 1
        except grpc.RpcError as error:
            self._judge(error)
        finally:
            wire.channel.close()

    def _go_on(
        self, method: str, request: Callable[[], Any], keep: Callable[[str], object] = len
    ) -> None:
        wire = Wire(self._server.address)
        while True:
            try:
                answer = wire.call(method, request())
            except grpc.RpcError as error:
                self._judge(error)
                break
            self.answered[method] += 1
            if method.endswith("CreateTitle"):
                keep(answer.name)
        wire.channel.close()

    def _judge(self, error: Any) -> None:
        refusal = refusal_of(error)
        if refusal.status != "UNAVAILABLE" or not NOT_ACCEPTED.search(refusal.message):
            self.lost.append(str(refusal))


@pytest.mark.slow
def test_no_accepted_call_is_lost_when_a_busy_server_is_stopped_again_and_again(
    tmp_path: Path,
) -> None:
    names, created = itertools.count(), []
    answered: Counter[str] = Counter()
    for round_ in range(ROUNDS):
        server = start(
            tmp_path / "data", tmp_path / "log.txt", "--workers", "1", "--index", "numpy"
        )
        load = Load(server, names)
        time.sleep(0.3 + 0.02 * round_)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 10
        load.join()
        assert not load.lost
        answered += load.answered
        created += load.created
    server = start(tmp_path / "data", tmp_path / "log.txt", "--workers", "1")
    with Client(server.address) as client:
        kept = [title.title for title in client.titles()]
    assert server.stop() == 0
    assert sorted(kept) == sorted(created)
    assert all(answered[kind] >= ROUNDS for kind in answered) and len(answered) == 3
    assert "cut off" not in (tmp_path / "log.txt").read_text()


def test_an_idle_server_stops_promptly_and_says_so(tmp_path: Path) -> None:
    server = start(tmp_path / "data", tmp_path / "log.txt", "--workers", "1")
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 2
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert lines[-1].endswith(" INFO stopped")


def test_a_watcher_of_the_health_hears_of_draining_and_does_not_hold_it_up(tmp_path: Path) -> None:
    server = start(tmp_path / "data", tmp_path / "log.txt", "--workers", "1")
    wire = Wire(server.address)
    watch = health_pb2_grpc.HealthStub(wire.channel).Watch(health_pb2.HealthCheckRequest())
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    started = time.monotonic()
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
    stopping.join(20)
    assert time.monotonic() - started < 10
    wire.channel.close()


def test_a_server_that_waits_for_balancers_still_answers(tmp_path: Path) -> None:
    flags = ("--workers", "1", "--drain-delay-s", "2")
    server = start(tmp_path / "data", tmp_path / "log.txt", *flags)
    wire = Wire(server.address)
    health = health_pb2_grpc.HealthStub(wire.channel)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    time.sleep(0.5)
    states = {
        name: health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5).status
        for name in ("", "liveness", "mitate.v1.SearchService")
    }
    serving = health_pb2.HealthCheckResponse
    assert states == {
        "": serving.NOT_SERVING,
        "liveness": serving.SERVING,
        "mitate.v1.SearchService": serving.NOT_SERVING,
    }
    assert wire.call("CatalogService/GetStats", catalog.GetStatsRequest()).title_count == 0
    stopping.join(20)
    wire.channel.close()


def test_waiting_for_long_work_does_not_hold_up_a_stop(
    tmp_path: Path, drawn: Path, ffmpeg: str
) -> None:
    loop = [ffmpeg, "-v", "error", "-stream_loop", "200", "-i", str(drawn / "test.mp4")]
    subprocess.run([*loop, "-c", "copy", str(tmp_path / "long.mp4")], check=True)
    flags = ("--workers", "1", "--media-roots", str(tmp_path))
    server = start(tmp_path / "data", tmp_path / "log.txt", *flags)
    wire = Wire(server.address)
    name = start_scan(wire, at_path(tmp_path / "long.mp4")).name
    ends: list[Any] = []

    def wait() -> None:
        request = operations_pb2.WaitOperationRequest(name=name)
        ends.append(wire.call("Operations/WaitOperation", request).done)

    def watch() -> None:
        request = scan.WatchScanRequest(operation=name)
        ends.append(wire.refusal("ScanService/WatchScan", request).reason)

    threads = [threading.Thread(target=work) for work in (wait, watch)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 10
    for thread in threads:
        thread.join(10)
    assert sorted(map(str, ends)) == ["False", "NOT_READY"]
    wire.channel.close()


def test_a_stream_that_has_said_nothing_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    server = start(tmp_path / "data", tmp_path / "log.txt", "--workers", "1")
    wire, silent = Wire(server.address), threading.Event()

    def nothing() -> Iterator[search.StreamSearchRequest]:
        silent.wait(60)
        yield from ()

    ends: list[str] = []

    def stream() -> None:
        try:
            list(wire.messages("SearchService/StreamSearch", given=nothing()))
        except grpc.RpcError as error:
            ends.append(refusal_of(error).status)

    thread = threading.Thread(target=stream)
    thread.start()
    time.sleep(0.5)
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 10
    silent.set()
    thread.join(10)
    assert ends == ["UNAVAILABLE"]
    wire.channel.close()
