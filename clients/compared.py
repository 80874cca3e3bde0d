"""What is compared and what a comparison tells, as frozen values, and how they cross the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mitate.clients.answers import KINDS, VERDICTS
from mitate.clients.media import PathLike
from mitate.clients.results import Verdict
from mitate.kernels.errors import InternalError, InvalidArgument
from mitate.v1 import compare_pb2, media_pb2

Outcome = Literal["told", "passed", "failed", "skipped"]

_OUTCOMES: Mapping[int, Outcome] = {
    compare_pb2.STAGE_OUTCOME_UNSPECIFIED: "told",
    compare_pb2.STAGE_OUTCOME_TOLD: "told",
    compare_pb2.STAGE_OUTCOME_PASSED: "passed",
    compare_pb2.STAGE_OUTCOME_FAILED: "failed",
    compare_pb2.STAGE_OUTCOME_SKIPPED: "skipped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A file, or an episode or source that is stored; exactly one of them.

    Without a time the frame of a video is compared that is nearest to the other subject.
    """

    file: PathLike | None = None  # picture, video, signature file, or file with one descriptor
    episode_id: int | None = None
    source_id: int | None = None
    at_ms: int | None = None

    def __post_init__(self) -> None:
        given = [one for one in (self.file, self.episode_id, self.source_id) if one is not None]
        if len(given) != 1:
            raise InvalidArgument(
                f"{len(given)} of file, episode_id and source_id are given; one is needed"
            )
        if self.at_ms is not None and self.at_ms < 0:
            raise InvalidArgument(f"at_ms is {self.at_ms}; times start at 0")


class Area(NamedTuple):
    """A rectangle in pixels; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a stage, and what a match needs."""

    name: str  # for machines
    text: str  # for people
    value: float
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of recognising."""

    name: str
    outcome: Outcome
    text: str
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One of the two, as it was compared."""

    name: str
    kind: str  # "image", "video", or "signature" where only that is known
    at_ms: int | None  # None where there are no times
    width: int  # pixels, upright; 1 where it is not known
    height: int
    inner: Area  # the part within the border
    part: Area | None  # the part that was compared; None where only descriptors are known
    part_name: str
    quality: int  # 0..255, of that part
    descriptor: tuple[int, ...]  # 33 integers of that part, mirrored where the match is
    episode_id: int | None = None  # where it is stored
    source_id: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Why a query does or does not show a reference."""

    verdict: Verdict  # of a search for the query, about the reference
    probability: float | None
    summary: str
    query: ComparedSide
    reference: ComparedSide
    swapped: bool  # the query is B, since A is stored and B is not
    mirrored: bool
    distance: float  # of the searched vectors
    plain_distance: float  # LIRE's, of the descriptors
    stages: tuple[Stage, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    picture: bytes = field(default=b"", repr=False)  # a PNG file; empty when not wanted


def subject_message(subject: Subject, upload_id: str | None) -> compare_pb2.Subject:
    """Build one of the two; a file by its upload."""
    if upload_id is not None:
        media = media_pb2.MediaSource(upload_id=upload_id)
        return compare_pb2.Subject(media=media, at_ms=subject.at_ms)
    if subject.episode_id is not None:
        return compare_pb2.Subject(episode_id=subject.episode_id, at_ms=subject.at_ms)
    return compare_pb2.Subject(source_id=subject.source_id, at_ms=subject.at_ms)


def comparison(message: compare_pb2.CompareResponse | None) -> Comparison:
    """Read the last message of a comparison.

    Raises:
        InternalError: it holds none.
    """
    if message is None or not message.HasField("comparison"):
        raise InternalError("the server ended the comparison without a result")
    found = message.comparison
    return Comparison(
        verdict=VERDICTS[found.verdict],
        probability=found.probability if found.HasField("probability") else None,
        summary=found.summary,
        query=_side(found.query),
        reference=_side(found.reference),
        swapped=found.swapped,
        mirrored=found.mirrored,
        distance=found.distance,
        plain_distance=found.plain_distance,
        stages=tuple(_stage(one) for one in found.stages),
        timings_ms=dict(message.diagnostics.timings_ms),
        picture=found.picture,
    )


def _side(message: compare_pb2.ComparedSide) -> ComparedSide:
    return ComparedSide(
        name=message.name,
        kind=KINDS[message.kind],
        at_ms=message.at_ms if message.HasField("at_ms") else None,
        width=message.width,
        height=message.height,
        inner=_area(message.inner),
        part=_area(message.part) if message.HasField("part") else None,
        part_name=message.part_name,
        quality=message.quality,
        descriptor=tuple(message.descriptor),
        episode_id=message.episode_id or None,
        source_id=message.source_id or None,
    )


def _area(message: compare_pb2.Area) -> Area:
    return Area(message.left, message.top, message.right, message.bottom)


def _stage(message: compare_pb2.Stage) -> Stage:
    return Stage(
        message.name,
        _OUTCOMES.get(message.outcome, "told"),
        message.text,
        tuple(_measure(one) for one in message.measures),
    )


def _measure(message: compare_pb2.StageMeasure) -> Measure:
    return Measure(
        message.name,
        message.text,
        message.value,
        message.least if message.HasField("least") else None,
        message.most if message.HasField("most") else None,
    )
