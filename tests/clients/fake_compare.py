"""The fake server's comparisons."""

from __future__ import annotations

from typing import Any

from fake_answers import State, progress, verdict_of

from mitate.kernels.errors import InvalidMedia, NotFound
from mitate.v1 import compare_pb2, compare_pb2_grpc, match_pb2

PNG = b"\x89PNG\r\n\x1a\n drawn"


class Compare(compare_pb2_grpc.CompareServiceServicer):
    def __init__(self, state: State) -> None:
        self.state = state

    def Compare(self, request: Any, context: Any) -> Any:
        contents = [self._content(letter, getattr(request, letter)) for letter in "ab"]
        yield compare_pb2.CompareResponse(progress=progress(0.5))
        verdict = verdict_of(b"".join(contents))
        matched = verdict == match_pb2.VERDICT_MATCH
        a, b = (self._side(getattr(request, letter)) for letter in "ab")
        swapped = bool(request.a.episode_id) and not request.b.episode_id
        comparison = compare_pb2.Comparison(
            verdict=verdict,
            probability=0.97 if matched else None,
            summary="match: A shows B"
            if matched
            else "no match: the descriptors are too far apart",
            query=b if swapped else a,
            reference=a if swapped else b,
            swapped=swapped,
            mirrored=True,
            distance=120,
            plain_distance=4.5,
            stages=_stages(),
            picture=b"" if request.without_picture else PNG,
        )
        diagnostics = match_pb2.Diagnostics(timings_ms={"compare": 2.5})
        yield compare_pb2.CompareResponse(comparison=comparison, diagnostics=diagnostics)

    def _content(self, letter: str, subject: Any) -> bytes:
        kind = subject.WhichOneof("subject")
        if kind == "media":
            _, content = self.state.uploads[subject.media.upload_id]
            if content.startswith(b"bad"):
                raise InvalidMedia(f"{letter.upper()}: no video stream in it")
            return content
        if getattr(subject, kind) == 404:
            raise NotFound(f"{letter.upper()}: there is no {kind} 404")
        return b""

    def _side(self, subject: Any) -> compare_pb2.ComparedSide:
        name, _ = self.state.uploads.get(subject.media.upload_id, ("Sintel, S01E01", b""))
        stored = not subject.HasField("media")
        area = compare_pb2.Area(left=0, top=60, right=640, bottom=420)
        return compare_pb2.ComparedSide(
            name=name,
            kind=match_pb2.MEDIA_KIND_SIGNATURE if stored else match_pb2.MEDIA_KIND_IMAGE,
            at_ms=subject.at_ms if subject.HasField("at_ms") else None,
            width=640,
            height=480,
            inner=area,
            part=None if stored else area,
            part_name="inner",
            descriptor=bytes(range(33)),
            quality=90,
            episode_id=subject.episode_id,
            source_id=11 if stored else 0,
        )


def _stages() -> list[compare_pb2.Stage]:
    measures = [
        compare_pb2.StageMeasure(name="distance", text="distance", value=120, most=4412),
        compare_pb2.StageMeasure(name="similarity", text="similarity", value=0.9),
    ]
    least = compare_pb2.StageMeasure(name="evidence", text="evidence", value=0.61, least=0.515)
    return [
        compare_pb2.Stage(
            name="borders", outcome=compare_pb2.STAGE_OUTCOME_TOLD, text="no flat border"
        ),
        compare_pb2.Stage(
            name="distance",
            outcome=compare_pb2.STAGE_OUTCOME_PASSED,
            text="near enough",
            measures=measures,
        ),
        compare_pb2.Stage(
            name="agreement", outcome=compare_pb2.STAGE_OUTCOME_SKIPPED, text="descriptors only"
        ),
        compare_pb2.Stage(
            name="evidence",
            outcome=compare_pb2.STAGE_OUTCOME_FAILED,
            text="not enough",
            measures=[least],
        ),
    ]
