"""What requests that are refused have in common."""

from __future__ import annotations

import io
from typing import NamedTuple

from google.protobuf.message import Message
from PIL import Image

from mitate.v1 import match_pb2 as match
from mitate.v1 import media_pb2 as media

ARGUMENT = ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
MEDIA = ("INVALID_ARGUMENT", "INVALID_MEDIA")
SIGNATURE = ("INVALID_ARGUMENT", "INVALID_SIGNATURE")
MISSING = ("NOT_FOUND", "NOT_FOUND")
REFUSED = ("PERMISSION_DENIED", "PERMISSION_REFUSED")
UNKNOWN = 999_999
UNDECODABLE = b"\xff"
WRONG_OPTIONS = {
    "top_k over the limit": match.SearchOptions(top_k=101),
    "title id 0": match.SearchOptions(title_ids=[0]),
    "negative episode id": match.SearchOptions(episode_ids=[3, -1]),
    "excluded episode id 0": match.SearchOptions(excluded_episode_ids=[0]),
}


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
