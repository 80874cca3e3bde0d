"""Requests that a server without anything in it refuses: one or more for every method."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from google.longrunning import operations_pb2
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from PIL import Image

from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import match_pb2 as match
from mitate.v1 import media_pb2 as media
from mitate.v1 import scan_pb2 as scan
from mitate.v1 import search_pb2 as search

ARGUMENT = ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
MEDIA = ("INVALID_ARGUMENT", "INVALID_MEDIA")
SIGNATURE = ("INVALID_ARGUMENT", "INVALID_SIGNATURE")
MISSING = ("NOT_FOUND", "NOT_FOUND")
REFUSED = ("PERMISSION_DENIED", "PERMISSION_REFUSED")
UNKNOWN = 999_999
UNDECODABLE = b"\xff"


class Bad(NamedTuple):
    """A request, and the status and reason of its refusal."""

    what: str
    method: str
    expected: tuple[str, str]
    requests: tuple[Message | bytes, ...]


def bad(what: str, method: str, expected: tuple[str, str], *requests: Message | bytes) -> Bad:
    return Bad(what, method, expected, requests)


def a_picture() -> bytes:
    """A small PNG with something to recognise."""
    file = io.BytesIO()
    Image.radial_gradient("L").crop((20, 60, 148, 156)).convert("RGB").save(file, "PNG")
    return file.getvalue()


WRONG_OPTIONS = {
    "top_k over the limit": match.SearchOptions(top_k=101),
    "title id 0": match.SearchOptions(title_ids=[0]),
    "negative episode id": match.SearchOptions(episode_ids=[3, -1]),
    "excluded episode id 0": match.SearchOptions(excluded_episode_ids=[0]),
}


def of_titles() -> list[Bad]:
    service = "CatalogService"
    found = []
    for method, request in (
        ("GetTitle", catalog.GetTitleRequest),
        ("DeleteTitle", catalog.DeleteTitleRequest),
    ):
        for number, expected in ((0, ARGUMENT), (-1, ARGUMENT), (UNKNOWN, MISSING)):
            name = f"{service}/{method}"
            found.append(bad(f"title {number}", name, expected, request(title_id=number)))
    create, update, lists = (f"{service}/{name}Title" for name in ("Create", "Update", "List"))
    lists += "s"
    titles = {
        "nothing": catalog.Title(),
        "spaces": catalog.Title(name="  "),
        "a line break": catalog.Title(name="two\nlines"),
        "501 characters": catalog.Title(name="x" * 501),
        "a provider with capitals": catalog.Title(name="x", refs={"AniDB": "1"}),
        "an empty reference": catalog.Title(name="x", refs={"anidb": ""}),
        "65 references": catalog.Title(name="x", refs={f"p{i}": "1" for i in range(65)}),
    }
    for what, title in titles.items():
        found.append(bad(what, create, ARGUMENT, catalog.CreateTitleRequest(title=title)))
    some = catalog.Title(title_id=UNKNOWN, name="x")
    mask = FieldMask(paths=["created_ms"])
    return [
        *found,
        bad("no title", update, ARGUMENT, catalog.UpdateTitleRequest()),
        bad("unknown title", update, MISSING, catalog.UpdateTitleRequest(title=some)),
        bad("mask", update, ARGUMENT, catalog.UpdateTitleRequest(title=some, update_mask=mask)),
        bad("negative size", lists, ARGUMENT, catalog.ListTitlesRequest(page_size=-1)),
        bad("made-up token", lists, ARGUMENT, catalog.ListTitlesRequest(page_token="?!")),
        bad("token in bad letters", lists, ARGUMENT, catalog.ListTitlesRequest(page_token="日本")),
    ]


def of_episodes() -> list[Bad]:
    service = "CatalogService"
    found = []
    for method, request in (
        ("GetEpisode", catalog.GetEpisodeRequest),
        ("DeleteEpisode", catalog.DeleteEpisodeRequest),
    ):
        for number, expected in ((0, ARGUMENT), (-1, ARGUMENT), (UNKNOWN, MISSING)):
            name = f"{service}/{method}"
            found.append(bad(f"episode {number}", name, expected, request(episode_id=number)))
    create, update = f"{service}/CreateEpisode", f"{service}/UpdateEpisode"
    lists = f"{service}/ListEpisodes"
    orphan = catalog.Episode(title_id=UNKNOWN, episode="1")
    homeless = catalog.Episode(episode="1")
    nameless = catalog.Episode(title_id=UNKNOWN)
    some = catalog.Episode(episode_id=UNKNOWN, episode="1")
    mask = FieldMask(paths=["episode", "title_id"])
    return [
        *found,
        bad("unknown title", create, MISSING, catalog.CreateEpisodeRequest(episode=orphan)),
        bad("no title", create, ARGUMENT, catalog.CreateEpisodeRequest(episode=homeless)),
        bad("no label", create, ARGUMENT, catalog.CreateEpisodeRequest(episode=nameless)),
        bad("no episode", update, ARGUMENT, catalog.UpdateEpisodeRequest()),
        bad("unknown episode", update, MISSING, catalog.UpdateEpisodeRequest(episode=some)),
        bad("mask", update, ARGUMENT, catalog.UpdateEpisodeRequest(episode=some, update_mask=mask)),
        bad("unknown title", lists, MISSING, catalog.ListEpisodesRequest(title_id=UNKNOWN)),
        bad("negative title", lists, ARGUMENT, catalog.ListEpisodesRequest(title_id=-1)),
        bad("negative size", lists, ARGUMENT, catalog.ListEpisodesRequest(page_size=-1)),
        bad("made-up token", lists, ARGUMENT, catalog.ListEpisodesRequest(page_token="x")),
        bad("undecodable", f"{service}/GetStats", ARGUMENT, UNDECODABLE),
    ]


def wrong_sources() -> dict[str, tuple[tuple[str, str], media.MediaSource]]:
    return {
        "no media": (ARGUMENT, media.MediaSource()),
        "unknown upload": (MISSING, media.MediaSource(upload_id="none")),
        "empty upload id": (MISSING, media.MediaSource(upload_id="")),
        "path outside": (REFUSED, media.MediaSource(path="/etc/passwd")),
        "path with a null byte": (REFUSED, media.MediaSource(path="/etc/\0passwd")),
        "path without end": (REFUSED, media.MediaSource(path="/" + "x" * 5000)),
        "relative path": (REFUSED, media.MediaSource(path="etc/passwd")),
        "empty path": (REFUSED, media.MediaSource(path="")),
    }


def of_ingest() -> list[Bad]:
    ingest, imports = "CatalogService/IngestEpisode", "CatalogService/ImportSignatures"
    found = [
        bad(what, ingest, expected, catalog.IngestEpisodeRequest(media=source))
        for what, (expected, source) in wrong_sources().items()
    ]
    two_places = catalog.Placement(episode_id=1, replace_episode_id=2)
    message = catalog.ImportSignaturesRequest
    config = message(config=catalog.ImportSignaturesConfig(file_name="a.mp4", sha256="0" * 64))
    short = message(config=catalog.ImportSignaturesConfig(file_name="a.mp4", sha256="0"))
    chunk = message(chunk=b"no signature")
    upload = media.MediaSource(upload_id="none")
    twice = catalog.IngestEpisodeRequest(media=upload, placement=two_places)
    return [
        *found,
        bad("two places", ingest, ARGUMENT, twice),
        bad("nothing", imports, ARGUMENT),
        bad("chunk first", imports, ARGUMENT, chunk),
        bad("config twice", imports, ARGUMENT, config, config),
        bad("no file", imports, SIGNATURE, config),
        bad("no signature", imports, SIGNATURE, config, chunk),
        bad("wrong digest", imports, ARGUMENT, short),
    ]


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


def of_pictures() -> list[Bad]:
    name, request = "SearchService/SearchImage", search.SearchImageRequest
    compute = "SearchService/ComputeSignature"
    picture = a_picture()
    found = [
        bad(what, name, ARGUMENT, request(image=picture, options=options))
        for what, options in WRONG_OPTIONS.items()
    ]
    for method, make in ((name, request), (compute, search.ComputeSignatureRequest)):
        found += [
            bad("no picture", method, ARGUMENT, make()),
            bad("no media", method, MEDIA, make(image=b"no picture")),
            bad("cut off", method, MEDIA, make(image=picture[: len(picture) // 2])),
            bad("too large", method, ARGUMENT, make(image=bytes(25_000_001))),
        ]
    wrong_type = search.ComputeSignatureRequest(image=picture, type=9)  # type: ignore[arg-type]
    return [*found, bad("unknown type", compute, ARGUMENT, wrong_type)]


def of_signatures() -> list[Bad]:
    name, request = "SearchService/BatchSearchSignatures", search.BatchSearchSignaturesRequest
    one: dict[str, Any] = {"type": search.SIGNATURE_TYPE_CLD_33, "count": 1, "data": bytes(33)}
    batches: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
        "nothing": (ARGUMENT, {}),
        "no type": (ARGUMENT, one | {"type": 0}),
        "unknown type": (ARGUMENT, one | {"type": 9}),
        "none": (ARGUMENT, one | {"count": 0, "data": b""}),
        "too many": (ARGUMENT, one | {"count": 4097, "data": bytes(33 * 4097)}),
        "too short": (SIGNATURE, one | {"data": bytes(32)}),
        "of another length": (SIGNATURE, one | {"type": search.SIGNATURE_TYPE_CLD_35}),
        "another descriptor": (SIGNATURE, one | {"descriptor_version": "phash/1"}),
        "values over their range": (SIGNATURE, one | {"data": b"\xff" * 33}),
    }
    found = [
        bad(what, name, expected, request(signatures=search.SignatureBatch(**fields)))
        for what, (expected, fields) in batches.items()
    ]
    batch = search.SignatureBatch(**one)
    return found + [
        bad(what, name, ARGUMENT, request(signatures=batch, options=options))
        for what, options in WRONG_OPTIONS.items()
    ]


def of_streams() -> list[Bad]:
    stream, video = "SearchService/StreamSearch", "SearchService/SearchVideo"
    message = search.SearchVideoRequest
    config = message(config=search.SearchVideoConfig())
    negative = message(config=search.SearchVideoConfig(total_bytes=-1))
    longer = message(config=search.SearchVideoConfig(total_bytes=99))
    chunk = message(chunk=b"no video")
    found = []
    for what, options in WRONG_OPTIONS.items():
        opening = search.StreamSearchRequest(config=search.StreamSearchConfig(options=options))
        first = message(config=search.SearchVideoConfig(options=options))
        found += [bad(what, stream, ARGUMENT, opening), bad(what, video, ARGUMENT, first, chunk)]
    picture = search.StreamSearchRequest(image=a_picture())
    return [
        *found,
        bad("nothing", stream, ARGUMENT),
        bad("picture first", stream, ARGUMENT, picture),
        bad("nothing", video, ARGUMENT),
        bad("chunk first", video, ARGUMENT, chunk),
        bad("config twice", video, ARGUMENT, config, config),
        bad("negative size", video, ARGUMENT, negative),
        bad("too short", video, ARGUMENT, longer, chunk),
        bad("no video", video, MEDIA, config, chunk),
        bad("empty video", video, MEDIA, config),
    ]


BAD_REQUESTS = [
    *of_titles(),
    *of_episodes(),
    *of_ingest(),
    *of_media(),
    *of_operations(),
    *of_scans(),
    *of_pictures(),
    *of_signatures(),
    *of_streams(),
]
