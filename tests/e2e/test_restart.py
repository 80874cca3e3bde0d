"""Long work and uploads go on when the server is killed or stopped and started again."""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, start
from making_requests import at_path, cancel, get, ingest, start_scan, upload, uploaded, wait
from wire import Wire

from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import media_pb2 as media
from mitate.v1 import scan_pb2 as scan

SECONDS = 120
FRAMES = SECONDS * 24


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory, ffmpeg: str) -> Path:
    """A video that takes a few seconds to read."""
    folder = tmp_path_factory.mktemp("minutes")
    command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=24"]
    command += ["-t", "10", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(folder / "ten.mp4")]
    subprocess.run(command, check=True)
    loop = [ffmpeg, "-v", "error", "-stream_loop", str(SECONDS // 10 - 1)]
    loop += ["-i", str(folder / "ten.mp4"), "-c", "copy", str(folder / "minutes.mp4")]
    subprocess.run(loop, check=True)
    return folder / "minutes.mp4"


def served(folder: Path, roots: Path) -> tuple[Server, Wire]:
    flags = ("--workers", "1", "--media-roots", str(roots.parent))
    server = start(folder / "data", folder / "log.txt", *flags)
    return server, Wire(server.address)


def finished(wire: Wire, name: str) -> Any:
    """Wait for an operation, for minutes where the machine is busy."""
    for _ in range(5):
        operation = wait(wire, name)
        if operation.done:
            break
    return operation


@pytest.mark.parametrize("end", [Server.kill, Server.stop], ids=["killed", "stopped"])
def test_started_work_is_finished_by_the_next_server(
    tmp_path: Path, minutes: Path, end: Callable[[Server], object]
) -> None:
    server, wire = served(tmp_path, minutes)
    request_id = str(uuid.uuid4())
    running = ingest(wire, uploaded(wire, minutes), request_id, title="One")
    scanned = start_scan(wire, at_path(minutes))
    cancelled = ingest(wire, at_path(minutes), title="Two")
    cancel(wire, cancelled.name)
    assert not wait(wire, running.name, 1).done
    end(server)
    server, wire = served(tmp_path, minutes)
    assert get(wire, cancelled.name).error.code == 1
    assert ingest(wire, at_path(minutes), request_id).name == running.name
    added = catalog.IngestResult()
    assert finished(wire, running.name).response.Unpack(added)
    assert added.status == catalog.INGEST_STATUS_ADDED
    assert (added.episode.title, added.source.frame_count) == ("One", FRAMES)
    events = list(
        wire.messages(
            "ScanService/WatchScan", scan.WatchScanRequest(operation=scanned.name, after_event=1)
        )
    )
    assert events[-1].done.response.Is(scan.ScanVideoResponse.DESCRIPTOR)
    assert not list((server.data / "uploads").iterdir())
    assert server.stop() == 0


def test_an_upload_goes_on_after_the_server_was_killed(tmp_path: Path, minutes: Path) -> None:
    server, wire = served(tmp_path, minutes)
    content = minutes.read_bytes()
    whole = upload(wire, content, "whole.mp4")
    upload_id = str(uuid.uuid4())
    begin = media.UploadStart(file_name="a.mp4", total_bytes=len(content), upload_id=upload_id)
    refusal = wire.refusal(
        "MediaService/UploadMedia",
        media.UploadMediaRequest(start=begin),
        media.UploadMediaRequest(chunk=content[:1000]),
    )
    assert str(len(content)) in refusal.message
    arrived = wire.call("MediaService/GetUpload", media.GetUploadRequest(upload_id=upload_id))
    assert (arrived.size_bytes, arrived.complete) == (1000, False)
    server.kill()
    server, wire = served(tmp_path, minutes)
    request = media.GetUploadRequest(upload_id=whole.upload_id)
    assert wire.call("MediaService/GetUpload", request) == whole
    request = media.GetUploadRequest(upload_id=upload_id)
    assert wire.call("MediaService/GetUpload", request) == arrived
    begin.offset_bytes = 1000
    chunks = (content[i : i + 2**20] for i in range(1000, len(content), 2**20))
    done = wire.call(
        "MediaService/UploadMedia",
        media.UploadMediaRequest(start=begin),
        *(media.UploadMediaRequest(chunk=chunk) for chunk in chunks),
    )
    assert done.complete and done.sha256 == hashlib.sha256(content).hexdigest()
    assert finished(wire, ingest(wire, media.MediaSource(upload_id=upload_id)).name).done
    assert server.stop() == 0
