"""Searches that an empty server refuses."""

from __future__ import annotations

from typing import Any

from bad_requests import (
    ARGUMENT,
    MEDIA,
    SIGNATURE,
    WRONG_OPTIONS,
    Bad,
    a_picture,
    bad,
)

from mitate.v1 import search_pb2 as search


def of_searches() -> list[Bad]:
    return [*of_pictures(), *of_signatures(), *of_streams()]


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
