"""What a server answers, as frozen values; fields are named as in the command line's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    """What an answer is worth."""

    MATCH = "match"
    AMBIGUOUS = "ambiguous"
    NO_MATCH = "no_match"
    UNINFORMATIVE = "uninformative"

    @property
    def is_believed(self) -> bool:
        """Whether it says that something stored is shown."""
        return self in (Verdict.MATCH, Verdict.AMBIGUOUS)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What narrows a search; empty tuples mean everything."""

    k: int = 10  # matches to return, 1..100
    title_ids: tuple[int, ...] = ()
    episode_ids: tuple[int, ...] = ()
    excluded_episode_ids: tuple[int, ...] = ()
    keep_borders: bool = False  # take flat borders for part of the picture
    unmirrored_only: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work is; `send` is the upload, `read` is decoding."""

    stage: Literal["send", "read"]
    fraction: float  # 0..1; 0 while unknown
    frames: int = 0
    position_ms: int = 0
    duration_ms: int = 0  # 0 while unknown


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another episode that holds the same moment."""

    title: str
    title_id: int
    episode: str
    episode_id: int
    source_id: int
    from_ms: int
    to_ms: int
    distance: float


@dataclass(frozen=True, slots=True)
class Match:
    """A range of the query and the range of a source that shows the same.

    For a picture `from_ms`..`to_ms` is the range over which the reference shows it. For a video
    `from_ms` is the reference time at `query_from_ms`: played backwards, `from_ms` > `to_ms` and
    `speed` < 0; a freeze has speed 0.
    """

    title: str
    title_id: int
    episode: str
    episode_id: int
    source_id: int
    query_from_ms: int
    query_to_ms: int
    from_ms: int
    to_ms: int
    at_ms: int  # the best matching moment of the reference
    mirrored: bool
    speed: float  # reference time per query time
    distance: float  # smaller is nearer
    similarity: float  # 0..1
    probability: float | None  # 0..1; None until calibrated
    verdict: Verdict
    view: str  # the part of the query that matched
    alternatives: tuple[Alternative, ...] = ()
    refs: Mapping[str, str] = field(default_factory=dict)  # provider -> id


@dataclass(frozen=True, slots=True)
class Answer:
    """Matches of one query, best first, whatever the verdict is."""

    kind: str  # "video", "image" or "signature"
    verdict: Verdict
    matches: tuple[Match, ...]
    exact: bool  # nothing nearer is stored
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a video is made of: segments in query order.

    A segment with the verdict NO_MATCH is uncertain: more likely wrong than right.
    """

    duration_ms: int
    segments: tuple[Match, ...]
    matched_ms: int  # length of the union of the segments that are not uncertain
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    picture: bytes = b""  # a PNG file, if it was drawn


@dataclass(frozen=True, slots=True)
class Source:
    """One file of an episode; its id is never used again."""

    source_id: int
    episode_id: int
    sha256: str
    file_name: str
    kind: str
    frames: int
    kept: int  # descriptors stored; equal neighbours are stored once
    duration_ms: int
    width: int
    height: int
    descriptor_version: str
    preprocessing_version: str
    partial: bool  # the file was broken and only its beginning is stored
    created_ms: int  # since the Unix epoch


@dataclass(frozen=True, slots=True)
class Episode:
    """One video of a title."""

    episode_id: int
    episode: str
    title_id: int
    title: str
    refs: Mapping[str, str]
    created_ms: int
    sources: tuple[Source, ...]

    @property
    def duration_ms(self) -> int:
        """Duration of the longest source."""
        return max((source.duration_ms for source in self.sources), default=0)


@dataclass(frozen=True, slots=True)
class Title:
    """A work: a series, a film."""

    title_id: int
    title: str
    refs: Mapping[str, str]
    created_ms: int
    n_episodes: int


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a file that was added."""

    status: Literal["added", "exists", "replaced"]
    title: str
    title_id: int
    episode: str
    episode_id: int
    source_id: int
    kind: str
    frames: int
    duration_ms: int
    partial: bool
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file at the server."""

    upload_id: str
    file_name: str
    size_bytes: int
    sha256: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Stats:
    """How much is stored and how the server is."""

    titles: int
    episodes: int
    sources: int
    frames: int
    kept: int
    duration_ms: int
    stored_bytes: int
    index_generation: int
    index: str
    queued_signatures: int
    started_ms: int
    server_version: str
    descriptor_version: str
    vector_version: str
