"""Uploads, scans and operations that an empty server refuses."""

from __future__ import annotations

from bad_requests import (
    ARGUMENT,
    MISSING,
    SIGNATURE,
    UNDECODABLE,
    WRONG_OPTIONS,
    Bad,
    bad,
    wrong_sources,
)
from google.longrunning import operations_pb2

from mitate.v1 import media_pb2 as media
from mitate.v1 import scan_pb2 as scan


def of_files() -> list[Bad]:
    return [*of_media(), *of_operations(), *of_scans()]


def of_media() -> list[Bad]:
    message, name = media.UploadMediaRequest, "MediaService/UploadMedia"
    start = message(start=media.UploadStart(file_name="a.mp4", total_bytes=4))
    negative = message(start=media.UploadStart(file_name="a.mp4", total_bytes=-1))
    huge = message(start=media.UploadStart(file_name="a.mp4", total_bytes=1 << 62))
    unknown = message(start=media.UploadStart(file_name="a.mp4"))
    long = message(chunk=bytes((1 << 20) + 1))
    chunk = message(chunk=b"123")
    return [
        bad("nothing", name, ARGUMENT),
        bad("chunk first", name, ARGUMENT, chunk),
        bad("start twice", name, ARGUMENT, start, start),
        bad("negative size", name, ARGUMENT, negative),
        bad("size over the limit", name, ARGUMENT, huge),
        bad("too short", name, ARGUMENT, start, chunk),
        bad("too long", name, ARGUMENT, start, chunk, chunk),
        bad("chunk over the limit", name, ARGUMENT, unknown, long),
        bad("unknown", "MediaService/GetUpload", MISSING, media.GetUploadRequest(upload_id="none")),
        bad("empty", "MediaService/GetUpload", MISSING, media.GetUploadRequest()),
        bad("undecodable", "MediaService/DeleteUpload", ARGUMENT, UNDECODABLE),
    ]


def of_operations() -> list[Bad]:
    found = [
        bad("unknown", f"Operations/{verb}Operation", MISSING, request(name="operations/none"))
        for verb, request in (
            ("Get", operations_pb2.GetOperationRequest),
            ("Wait", operations_pb2.WaitOperationRequest),
            ("Cancel", operations_pb2.CancelOperationRequest),
            ("Delete", operations_pb2.DeleteOperationRequest),
        )
    ]
    lists, request = "Operations/ListOperations", operations_pb2.ListOperationsRequest
    return [
        *found,
        bad("negative size", lists, ARGUMENT, request(page_size=-1)),
        bad("unknown token", lists, ARGUMENT, request(page_token="operations/none")),
    ]


def of_scans() -> list[Bad]:
    name, request = "ScanService/ScanVideo", scan.ScanVideoRequest
    found = [
        bad(what, name, expected, request(media=source))
        for what, (expected, source) in wrong_sources().items()
    ]
    upload = media.MediaSource(upload_id="none")
    found += [
        bad(what, name, ARGUMENT, request(media=upload, options=options))
        for what, options in WRONG_OPTIONS.items()
    ]
    watch = scan.WatchScanRequest(operation="operations/none")
    return [*found, bad("unknown scan", "ScanService/WatchScan", MISSING, watch), *of_live_scans()]


def of_live_scans() -> list[Bad]:
    live, message = "ScanService/ScanLive", scan.ScanLiveRequest
    config = message(config=scan.ScanLiveConfig())
    hasty = message(config=scan.ScanLiveConfig(lag_ms=10))
    frames = message(frames=b"no signature file")
    found = [
        bad(what, live, ARGUMENT, message(config=scan.ScanLiveConfig(options=options)))
        for what, options in WRONG_OPTIONS.items()
    ]
    return [
        *found,
        bad("nothing", live, ARGUMENT),
        bad("frames first", live, ARGUMENT, frames),
        bad("config twice", live, ARGUMENT, config, config),
        bad("too short a lag", live, ARGUMENT, hasty),
        bad("no signature file", live, SIGNATURE, config, frames),
    ]
