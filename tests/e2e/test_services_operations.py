"""Long-running work over the wire: started once, waited for, watched, cancelled, forgotten."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bad_requests import ARGUMENT, MISSING
from conftest import Server, running
from google.longrunning import operations_pb2
from making_requests import added, at_path, cancel, get, ingest, start_scan, uploaded, wait
from wire import Wire

from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import scan_pb2 as scan

CANCELLED = 1  # the gRPC status code
ABSURD_S = (10**11, 3 * 10**11, 2**62, 2**63 - 1, -1, -(2**63))


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory, ffmpeg: str) -> Path:
    """A video that takes a while to read."""
    folder = tmp_path_factory.mktemp("root")
    command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=24"]
    command += ["-t", "10", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(folder / "ten.mp4")]
    subprocess.run(command, check=True)
    loop = [ffmpeg, "-v", "error", "-stream_loop", "59", "-i", str(folder / "ten.mp4")]
    subprocess.run([*loop, "-c", "copy", str(folder / "long.mp4")], check=True)
    return folder / "long.mp4"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, long_video: Path) -> Iterator[Server]:
    flags = ("--workers", "1", "--media-roots", str(long_video.parent))
    with running(tmp_path_factory.mktemp("operations"), *flags) as server:
        yield server


@pytest.fixture(scope="module")
def wire(server: Server, drawn: Path) -> Iterator[Wire]:
    wire = Wire(server.address)
    for path in sorted(drawn.iterdir()):
        added(wire, uploaded(wire, path))
    yield wire
    wire.channel.close()


@pytest.fixture(scope="module")
def amv(tmp_path_factory: pytest.TempPathFactory, drawn: Path, ffmpeg: str) -> Path:
    """1.5 s each of the three videos."""
    path = tmp_path_factory.mktemp("amv") / "amv.mp4"
    command = [ffmpeg, "-v", "error"]
    for name in ("life.mkv", "test.mp4", "zoom.webm"):
        command += ["-ss", "1", "-t", "1.5", "-i", str(drawn / name)]
    command += ["-filter_complex", "concat=n=3", "-crf", "24", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="module")
def scanned(wire: Wire, amv: Path) -> Any:
    """A finished scan."""
    operation = wait(wire, start_scan(wire, uploaded(wire, amv)).name)
    assert operation.done and not operation.HasField("error"), operation.error
    return operation


def watch(wire: Wire, name: str, after_event: int = 0) -> list[Any]:
    request = scan.WatchScanRequest(operation=name, after_event=after_event)
    return list(wire.messages("ScanService/WatchScan", request))


def segments_of(events: list[Any]) -> list[Any]:
    return [segment for event in events for segment in event.new_segments]


def delete(wire: Wire, name: str) -> None:
    request = operations_pb2.DeleteOperationRequest(name=name)
    wire.call("Operations/DeleteOperation", request)


def test_an_operation_holds_metadata_while_it_runs_and_then_a_response(
    wire: Wire, drawn: Path
) -> None:
    operation = ingest(wire, uploaded(wire, drawn / "life.mkv", b"once more"))
    assert operation.name.startswith("operations/")
    assert operation.metadata.Is(catalog.IngestMetadata.DESCRIPTOR)
    finished = wait(wire, operation.name)
    assert finished.done and finished.response.Is(catalog.IngestResult.DESCRIPTOR)
    metadata = catalog.IngestMetadata()
    assert finished.metadata.Unpack(metadata)
    assert metadata.progress.decoded_frames == 96
    assert get(wire, operation.name) == finished


@pytest.mark.parametrize("kind", ["ingest", "scan"])
def test_a_request_id_starts_its_work_once(wire: Wire, drawn: Path, kind: str) -> None:
    start = ingest if kind == "ingest" else start_scan
    source, request_id = uploaded(wire, drawn / "zoom.webm", kind.encode()), str(uuid.uuid4())
    first = start(wire, source, request_id)
    assert start(wire, source, request_id).name == first.name
    finished = wait(wire, first.name)
    assert finished.done and not finished.HasField("error")
    again = start(wire, source, request_id)  # the upload is used up by now
    assert again == finished


def test_a_request_id_that_is_no_uuid_is_refused(wire: Wire, drawn: Path) -> None:
    source = uploaded(wire, drawn / "test.mp4")
    for method, request in (
        ("CatalogService/IngestEpisode", catalog.IngestEpisodeRequest),
        ("ScanService/ScanVideo", scan.ScanVideoRequest),
    ):
        refusal = wire.refusal(method, request(media=source, request_id="again"))
        assert (refusal.status, refusal.reason) == ARGUMENT
        assert "again" in refusal.message


@pytest.mark.parametrize("timeout_s", ABSURD_S)
def test_waiting_for_what_is_done_answers_at_once_whatever_the_timeout(
    wire: Wire, scanned: Any, timeout_s: int
) -> None:
    started = time.monotonic()
    assert wait(wire, scanned.name, timeout_s) == scanned
    assert time.monotonic() - started < 5


def test_waiting_ends_with_the_timeout_and_running_work_can_be_cancelled(
    wire: Wire, long_video: Path
) -> None:
    running_ = ingest(wire, at_path(long_video))
    queued = start_scan(wire, at_path(long_video))
    started = time.monotonic()
    assert not wait(wire, running_.name, 1).done
    assert 0.9 < time.monotonic() - started < 10
    refusal = wire.refusal(
        "Operations/DeleteOperation", operations_pb2.DeleteOperationRequest(name=running_.name)
    )
    assert (refusal.status, refusal.reason) == ("FAILED_PRECONDITION", "FAILED_PRECONDITION")
    for name in (queued.name, running_.name):
        cancel(wire, name)
        cancel(wire, name)
    for name in (running_.name, queued.name):
        finished = wait(wire, name)
        assert finished.done and finished.error.code == CANCELLED
        assert b"mitate" in finished.error.details[0].value
        cancel(wire, name)  # cancelling what is done changes nothing
        assert get(wire, name) == finished
    stats = wire.call("CatalogService/GetStats", catalog.GetStatsRequest())
    assert stats.frame_count == 96 * stats.source_count


def test_pages_of_operations_hold_every_operation_once(wire: Wire, scanned: Any) -> None:
    request = operations_pb2.ListOperationsRequest()
    everything = wire.call("Operations/ListOperations", request)
    names = [operation.name for operation in everything.operations]
    assert scanned.name in names and len(names) == len(set(names)) >= 4
    assert not everything.next_page_token
    found, request.page_size = [], 3
    while True:
        page = wire.call("Operations/ListOperations", request)
        assert len(page.operations) <= 3
        found += [operation.name for operation in page.operations]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == names


def test_a_deleted_operation_is_forgotten_with_its_request_id(wire: Wire, drawn: Path) -> None:
    request_id = str(uuid.uuid4())
    first = ingest(wire, uploaded(wire, drawn / "test.mp4"), request_id)
    assert wait(wire, first.name).done
    delete(wire, first.name)
    for method, request in (
        ("Get", operations_pb2.GetOperationRequest),
        ("Delete", operations_pb2.DeleteOperationRequest),
    ):
        refusal = wire.refusal(f"Operations/{method}Operation", request(name=first.name))
        assert (refusal.status, refusal.reason) == MISSING
    second = ingest(wire, uploaded(wire, drawn / "test.mp4"), request_id)
    assert second.name != first.name
    assert wait(wire, second.name).done


def test_watching_tells_every_segment_once_and_then_the_result(wire: Wire, scanned: Any) -> None:
    events = watch(wire, scanned.name)
    result = scan.ScanVideoResponse()
    assert events[-1].done == scanned
    assert events[-1].done.response.Unpack(result)
    assert segments_of(events) == list(result.segments)
    assert [segment.title for segment in result.segments] == ["life", "test", "zoom"]
    assert events[-1].event == events[-1].metadata.segments == 3


def test_watching_goes_on_after_a_cursor(wire: Wire, scanned: Any) -> None:
    everything = segments_of(watch(wire, scanned.name))
    for cursor in range(len(everything) + 1):
        events = watch(wire, scanned.name, cursor)
        assert segments_of(events) == everything[cursor:]
        assert events[-1].event == len(everything)
        assert events[-1].done == scanned


def test_a_cursor_beyond_the_last_event_is_refused(wire: Wire, scanned: Any) -> None:
    request = scan.WatchScanRequest(operation=scanned.name, after_event=4)
    refusal = wire.refusal("ScanService/WatchScan", request)
    assert (refusal.status, refusal.reason) == ARGUMENT


def test_watching_from_the_start_of_a_scan_ends_with_it(wire: Wire, amv: Path) -> None:
    events = watch(wire, start_scan(wire, uploaded(wire, amv, b"again")).name)
    assert [event.HasField("done") for event in events] == [False] * (len(events) - 1) + [True]
    numbers = [event.event for event in events]
    assert numbers == sorted(numbers) and len(segments_of(events)) == numbers[-1] == 3


def test_an_ingest_cannot_be_watched_like_a_scan(wire: Wire, drawn: Path) -> None:
    operation = ingest(wire, uploaded(wire, drawn / "test.mp4"))
    request = scan.WatchScanRequest(operation=operation.name)
    refusal = wire.refusal("ScanService/WatchScan", request)
    assert (refusal.status, refusal.reason) == ARGUMENT
    assert operation.name in refusal.message
    assert wait(wire, operation.name).done
