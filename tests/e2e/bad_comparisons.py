"""Comparisons that a server without anything in it refuses."""

from __future__ import annotations

from bad_requests import ARGUMENT, MISSING, UNKNOWN, Bad, bad, wrong_sources

from mitate.v1 import compare_pb2 as compare
from mitate.v1 import media_pb2 as media


def of_comparisons() -> list[Bad]:
    name, subject = "CompareService/Compare", compare.Subject
    upload = media.MediaSource(upload_id="none")
    wrong = {
        what: (expected, subject(media=source))
        for what, (expected, source) in wrong_sources().items()
    }
    wrong |= {
        "nothing": (ARGUMENT, subject()),
        "unknown episode": (MISSING, subject(episode_id=UNKNOWN)),
        "unknown source": (MISSING, subject(source_id=UNKNOWN)),
        "episode 0": (ARGUMENT, subject(episode_id=0)),
        "negative source": (ARGUMENT, subject(source_id=-1)),
        "negative time": (ARGUMENT, subject(media=upload, at_ms=-1)),
    }
    return [
        bad(what, name, expected, compare.CompareRequest(a=one, b=one))
        for what, (expected, one) in wrong.items()
    ]
