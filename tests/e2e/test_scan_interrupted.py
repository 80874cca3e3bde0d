"""A scan that is interrupted and goes on gives the timeline of one that was not."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from conftest import MITATE, Server, start
from google.longrunning import operations_pb2
from making_requests import get
from wire import Wire

from mitate.clients import Client
from mitate.clients.results import Match, Progress, Timeline
from mitate.v1 import scan_pb2

SHOTS, SHOT_S = 26, 2.0
Interrupt = Callable[[], None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    """A folder with the data of a server."""
    folder = tmp_path_factory.mktemp("interrupted")
    server = start(folder / "data", folder / "log.txt", "--workers", "1")
    assert server.mitate("add", drawn).returncode == 0
    assert server.stop() == 0
    return folder


@pytest.fixture(scope="module")
def amv(tmp_path_factory: pytest.TempPathFactory, drawn: Path, ffmpeg: str) -> Path:
    """Shots of two videos by turns, some mirrored, at a size that takes a while to read."""
    path = tmp_path_factory.mktemp("amv") / "amv.mkv"
    shots = []
    for number in range(SHOTS):
        begin = number * 0.37 % (4 - SHOT_S)
        flip = ",hflip" if number % 3 == 0 else ""
        cut = f"trim={begin:.2f}:{begin + SHOT_S:.2f},setpts=PTS-STARTPTS"
        shots.append(f"[{number % 2}]{cut}{flip},scale=640:360[v{number}]")
    graph = ";".join(shots) + ";" + "".join(f"[v{n}]" for n in range(SHOTS))
    inputs = ["-i", str(drawn / "test.mp4"), "-i", str(drawn / "zoom.webm")]
    command = [ffmpeg, "-v", "error", *inputs, "-filter_complex", f"{graph}concat=n={SHOTS}"]
    command += ["-preset", "ultrafast", "-crf", "8", "-pix_fmt", "yuv420p", "-r", "24", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def uninterrupted(data: Path, amv: Path) -> dict[str, Any]:
    server = served(data)
    with Client(server.address) as client:
        found = compared(client.scan(amv))
    assert len(found["segments"]) >= SHOTS // 2
    assert server.stop() == 0
    return found


def served(folder: Path, address: str = "127.0.0.1:0") -> Server:
    return start(folder / "data", folder / "log.txt", "--workers", "1", "--listen", address)


def compared(timeline: Timeline) -> dict[str, Any]:
    return {name: value for name, value in asdict(timeline).items() if name != "timings_ms"}


class Proxy:
    """Passes on bytes between clients and a server until it is told to cut."""

    def __init__(self, address: str) -> None:
        self._target = address
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            host, port = self._target.split(":")
            far = socket.create_connection((host, int(port)))
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(1 << 16):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            end.close()

    def cut(self) -> None:
        """Break every connection; new ones are taken."""
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        self._listener.close()
        self.cut()


class Interrupting:
    """Interrupts a scan once while the file is sent, read, or has told segments."""

    def __init__(self, interrupt: Interrupt, at: str) -> None:
        self.at, self.found = at, list[Match]()
        self._interrupt, self.n_interrupts = interrupt, 0

    def progress(self, progress: Progress) -> None:
        sent = progress.stage == "send" and progress.fraction > 0.4
        if {"sending": sent, "reading": progress.frames > 0, "telling": False}[self.at]:
            self._once()

    def segment(self, segment: Match) -> None:
        self.found.append(segment)
        if self.at == "telling":
            self._once()

    def _once(self) -> None:
        if not self.n_interrupts:
            self.n_interrupts = 1
            self._interrupt()


def scanned(address: str, amv: Path, interrupting: Interrupting) -> dict[str, Any]:
    with Client(address, work_timeout_s=300) as client:
        timeline = client.scan(amv, progress=interrupting.progress, on_segment=interrupting.segment)
    assert interrupting.n_interrupts == 1
    told = [asdict(one) for one in interrupting.found]
    assert told == [asdict(one) for one in timeline.segments][: len(told)]
    return compared(timeline)


@pytest.mark.parametrize("at", ["sending", "reading", "telling"])
def test_a_cut_connection_changes_no_timeline(
    data: Path, amv: Path, uninterrupted: dict[str, Any], at: str
) -> None:
    server = served(data)
    proxy = Proxy(server.address)
    assert scanned(proxy.address, amv, Interrupting(proxy.cut, at)) == uninterrupted
    proxy.close()
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("end", "at"),
    [
        (Server.kill, "sending"),
        (Server.kill, "reading"),
        (Server.kill, "telling"),
        (Server.stop, "telling"),
    ],
)
def test_a_server_that_starts_again_changes_no_timeline(
    data: Path,
    amv: Path,
    uninterrupted: dict[str, Any],
    end: Callable[[Server], object],
    at: str,
) -> None:
    servers = [served(data)]
    address = servers[0].address

    def restart() -> None:
        end(servers[0])
        time.sleep(4)  # longer than a few quick attempts
        servers.append(served(data, address))

    def in_its_own_time() -> None:
        thread = threading.Thread(target=restart)
        thread.start()
        restarts.append(thread)

    restarts: list[threading.Thread] = []
    assert scanned(address, amv, Interrupting(in_its_own_time, at)) == uninterrupted
    restarts[0].join()
    assert servers[-1].stop() == 0


def test_a_scan_outlives_the_client_that_began_it(
    data: Path, amv: Path, uninterrupted: dict[str, Any]
) -> None:
    server = served(data)
    wire = Wire(server.address)
    command = [*MITATE, "scan", str(amv), "--json", "--server", server.address]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as client:
        name = begun(wire)
        first = next(watched(wire, name, 0))
        client.kill()
    assert not get(wire, name).done
    messages = list(watched(wire, name, first.event))
    told = [*first.new_segments, *(one for each in messages for one in each.new_segments)]
    result = scan_pb2.ScanVideoResponse()
    assert messages[-1].done.response.Unpack(result)
    assert told == list(result.segments)
    assert spans(result) == spans_of(uninterrupted)
    again = server.mitate("scan", amv, "--json")
    (answer,) = (json.loads(line) for line in again.stdout.splitlines())
    assert answer["segments"] == json.loads(json.dumps(uninterrupted["segments"]))
    assert server.stop() == 0


def begun(wire: Wire) -> str:
    """Wait for a scan that has told a segment; returns its name."""
    request = operations_pb2.ListOperationsRequest(filter="done=false")
    for _ in range(600):
        for one in wire.call("Operations/ListOperations", request).operations:
            metadata = scan_pb2.ScanMetadata()
            if one.metadata.Unpack(metadata) and metadata.segments:
                return str(one.name)
        time.sleep(0.05)
    raise TimeoutError("no scan told a segment")


def watched(wire: Wire, name: str, after_event: int) -> Iterator[Any]:
    request = scan_pb2.WatchScanRequest(operation=name, after_event=after_event)
    yield from wire.messages("ScanService/WatchScan", request)


def spans(result: scan_pb2.ScanVideoResponse) -> list[tuple[int, int, int, int]]:
    return [(one.query_from_ms, one.query_to_ms, one.from_ms, one.to_ms) for one in result.segments]


def spans_of(timeline: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    names = ("query_from_ms", "query_to_ms", "from_ms", "to_ms")
    return [tuple(one[name] for name in names) for one in timeline["segments"]]
