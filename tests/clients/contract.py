"""The shapes of the JSON that tools outside rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ADD = {
    "file": str,
    "status": str,
    "title": str,
    "title_id": int,
    "episode": str,
    "episode_id": int,
    "source_id": int,
    "kind": str,
    "frames": int,
    "duration_ms": int,
    "error": type(None),
}
MATCH = {
    "title": str,
    "title_id": int,
    "episode": str,
    "episode_id": int,
    "source_id": int,
    "query_from_ms": int,
    "query_to_ms": int,
    "from_ms": int,
    "to_ms": int,
    "at_ms": int,
    "mirrored": bool,
    "speed": float,
    "distance": float,
    "similarity": float,
    "probability": (float, type(None)),
    "verdict": str,
    "view": str,
    "alternatives": list,
    "refs": dict,
}
SEARCH = {
    "file": str,
    "kind": str,
    "verdict": str,
    "matches": list,
    "exact": bool,
    "timings_ms": dict,
}
SCAN = {"file": str, "duration_ms": int, "segments": list, "matched_ms": int}
FAILURE = {"reason": str, "message": str}
Run = Callable[..., tuple[int, list[dict[str, Any]], str]]
Printed = Callable[..., tuple[int, str, str]]


def check(line: dict[str, Any], shape: dict[str, Any]) -> None:
    for name, kind in shape.items():
        assert name in line, name
        assert isinstance(line[name], kind), (name, line[name])
        assert kind is bool or not isinstance(line[name], bool), (name, line[name])
