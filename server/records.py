"""What the catalog holds and what a search answers, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

CommitStatus = Literal["added", "exists", "replaced"]


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
class Title:
    """A work: a series, a film."""

    title_id: int
    name: str
    refs: Mapping[str, str] = field(default_factory=dict)  # provider -> id
    created_ms: int = 0  # since the Unix epoch
    n_episodes: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """One file of an episode. `source_id` is never used again."""

    source_id: int
    episode_id: int
    sha256: str  # of the file's content, 64 hexadecimal digits
    file_name: str  # as it was when added, for people
    kind: str  # "video" or "image"
    n_frames: int
    n_kept: int  # descriptors stored, equal neighbours once
    duration_ms: int
    width: int
    height: int
    descriptor_version: str
    preprocessing_version: str
    partial: bool
    created_ms: int


@dataclass(frozen=True, slots=True)
class Episode:
    """One video of a title; it may have several sources."""

    episode_id: int
    title_id: int
    label: str
    refs: Mapping[str, str] = field(default_factory=dict)
    created_ms: int = 0
    sources: tuple[Source, ...] = ()
    title: str = ""  # name of the title

    @property
    def duration_ms(self) -> int:
        """Duration of the longest source."""
        return max((source.duration_ms for source in self.sources), default=0)


@dataclass(frozen=True, slots=True)
class SignatureFile:
    """A signature file as the catalog knows it."""

    name: str  # within the folder of signature files
    n_bytes: int
    sha256: str  # of the signature file itself


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source, the title it belongs to, and the file that holds its signature."""

    source: Source
    title_id: int
    file: SignatureFile


@dataclass(frozen=True, slots=True)
class Removal:
    """What a deletion took away."""

    source_ids: tuple[int, ...] = ()
    file_names: tuple[str, ...] = ()  # signature files that nothing names any more


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What became of a source that was to be stored."""

    status: CommitStatus
    title: Title
    episode: Episode
    source: Source
    removal: Removal = Removal()  # what it took the place of


@dataclass(frozen=True, slots=True)
class Names:
    """What to call a source in an answer."""

    title: str
    title_id: int
    episode: str
    episode_id: int
    source_id: int
    refs: Mapping[str, str] = field(default_factory=dict)  # the episode's win over its title's


def place(names: Names) -> str:
    """Return the name of an episode for people; one named like its title is said once."""
    if names.episode in ("", names.title):
        return names.title
    return f"{names.title}, {names.episode}"


@dataclass(frozen=True, slots=True)
class CatalogStats:
    """How much the catalog holds."""

    n_titles: int
    n_episodes: int
    n_sources: int
    n_frames: int
    n_kept: int
    duration_ms: int
    stored_bytes: int  # of all signature files


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
    distance: float  # mean over the frames that agree; smaller is nearer
    similarity: float  # 0..1
    probability: float | None  # 0..1; None until calibrated
    verdict: Verdict
    view: str  # the part of the query that matched
    alternatives: tuple[Alternative, ...] = ()
    refs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Matches of one query, best first; `exact` when nothing nearer can be stored."""

    kind: str  # "video", "image" or "signature"
    verdict: Verdict
    matches: tuple[Match, ...]
    exact: bool
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Segments of one scan in query order."""

    duration_ms: int
    segments: tuple[Match, ...]
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def believed(self) -> tuple[Match, ...]:
        """Segments that are more likely right than wrong."""
        return tuple(one for one in self.segments if one.verdict.is_believed)

    @property
    def matched_ms(self) -> int:
        """Length of the union of the query ranges of segments that are believed."""
        total, end = 0, 0
        for segment in sorted(self.believed, key=lambda match: match.query_from_ms):
            total += max(0, segment.query_to_ms - max(end, segment.query_from_ms))
            end = max(end, segment.query_to_ms)
        return total
