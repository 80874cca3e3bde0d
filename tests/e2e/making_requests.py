"""Good requests on a wire: uploads, and operations followed to their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf.duration_pb2 import Duration
from wire import Wire

from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import media_pb2 as media
from mitate.v1 import scan_pb2 as scan

CHUNK_BYTES = 1 << 20
WAIT_S = 50


def upload(wire: Wire, content: bytes, name: str = "a.mp4", total_bytes: int | None = None) -> Any:
    """Bring some bytes to the server."""
    total_bytes = len(content) if total_bytes is None else total_bytes
    start = media.UploadStart(file_name=name, total_bytes=total_bytes)
    chunks = (content[i : i + CHUNK_BYTES] for i in range(0, len(content), CHUNK_BYTES))
    return wire.call(
        "MediaService/UploadMedia",
        media.UploadMediaRequest(start=start),
        *(media.UploadMediaRequest(chunk=chunk) for chunk in chunks),
    )


def uploaded(wire: Wire, path: Path, ending: bytes = b"") -> media.MediaSource:
    """Bring a file; other bytes at its end make it other content."""
    found = upload(wire, path.read_bytes() + ending, path.name)
    return media.MediaSource(upload_id=found.upload_id)


def at_path(path: Path) -> media.MediaSource:
    """A file that the server is to read itself."""
    return media.MediaSource(path=str(path))


def ingest(wire: Wire, source: media.MediaSource, request_id: str = "", **placement: Any) -> Any:
    """Start to add a file; returns the operation."""
    request = catalog.IngestEpisodeRequest(
        media=source, request_id=request_id, placement=catalog.Placement(**placement)
    )
    return wire.call("CatalogService/IngestEpisode", request)


def start_scan(wire: Wire, source: media.MediaSource, request_id: str = "") -> Any:
    """Start a scan; returns the operation."""
    request = scan.ScanVideoRequest(media=source, request_id=request_id)
    return wire.call("ScanService/ScanVideo", request)


def wait(wire: Wire, name: str, timeout_s: int = WAIT_S) -> Any:
    """Wait for an operation."""
    request = operations_pb2.WaitOperationRequest(name=name, timeout=Duration(seconds=timeout_s))
    return wire.call("Operations/WaitOperation", request)


def get(wire: Wire, name: str) -> Any:
    """Return an operation as it stands."""
    request = operations_pb2.GetOperationRequest(name=name)
    return wire.call("Operations/GetOperation", request)


def cancel(wire: Wire, name: str) -> None:
    """Ask an operation to stop."""
    request = operations_pb2.CancelOperationRequest(name=name)
    wire.call("Operations/CancelOperation", request)


def added(wire: Wire, source: media.MediaSource, **placement: Any) -> Any:
    """Add a file, wait for it, and return the result."""
    operation = wait(wire, ingest(wire, source, **placement).name)
    assert operation.done and not operation.HasField("error"), operation.error
    result = catalog.IngestResult()
    assert operation.response.Unpack(result)
    return result
