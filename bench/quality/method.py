"""What every method under test must be able to do, and the search that the simple ones share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.quality.pictures import Pixels

ROOT = Path(__file__).resolve().parents[2]
Verdict = Literal["match", "ambiguous", "no_match", "uninformative"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method says to one query: its best moment, and how sure it is of it."""

    number: int  # of the clip, or of a distractor chunk; -1 for nothing
    from_ms: int  # the moment
    to_ms: int
    score: float  # larger is surer; thresholds are fitted on it
    verdict: Verdict  # at the operating point that the method's authors give
    probability: float | None  # that the answer is right, as the method words it
    note: str = ""


NOTHING = Answer(-1, 0, 0, float("-inf"), "no_match", None)


class Reference(NamedTuple):
    """An indexed video as a method keeps it."""

    times_ms: NDArray[np.int64]  # (n,)
    data: Any  # the method's own; per frame in arrays of length n


class Video(NamedTuple):
    """A video that is to be indexed, as a file and as small pictures."""

    path: Path
    small: Callable[[], Iterator[tuple[int, Pixels]]]  # time in ms and picture of every frame


class Searcher(Protocol):
    """Everything indexed, ready for queries."""

    n_descriptors: int

    def answer(self, queries: Sequence[Any], left_out: Collection[int]) -> list[Answer]:
        """Answer queries, as if the videos numbered `left_out` were not indexed."""
        ...


class Describer(Protocol):
    """Something that is told of every picture that is asked for."""

    name: str
    version: str  # changes when what it stores of queries would

    def query(self, picture: Pixels) -> Any:
        """Describe a picture that is asked for."""
        ...


class Method(Describer, Protocol):
    """A way of finding pictures."""

    reference_version: str  # changes when what it stores of videos would

    def reference(self, video: Video) -> Reference:
        """Describe every frame of a video."""
        ...

    def searcher(self, references: Sequence[tuple[int, Reference]]) -> Searcher:
        """Index numbered videos."""
        ...


def code_version(*paths: str) -> str:
    """Return a short hash of source files or folders, relative to the repository."""
    digest = hashlib.sha256()
    for name in paths:
        path = ROOT / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


class Rows:
    """The descriptors of all videos under one another, and which row is whose."""

    def __init__(self, references: Sequence[tuple[int, Reference]]) -> None:
        self.codes = np.concatenate([reference.data for _, reference in references])
        self.times_ms = np.concatenate([reference.times_ms for _, reference in references])
        lengths = [len(reference.times_ms) for _, reference in references]
        self.numbers = np.repeat([number for number, _ in references], lengths)

    def without(self, left_out: Collection[int]) -> NDArray[np.int64]:
        """Return the rows of the videos that are not left out."""
        return np.flatnonzero(~np.isin(self.numbers, list(left_out)))

    def range_ms(self, row: int, alike: int) -> tuple[int, int]:
        """Return the time over which a video shows what a row does, give or take `alike` bits."""
        first = last = row
        while first and self._alike(first - 1, row, alike):
            first -= 1
        while last + 1 < len(self.codes) and self._alike(last + 1, row, alike):
            last += 1
        return int(self.times_ms[first]), int(self.times_ms[last])

    def _alike(self, one: int, other: int, bits: int) -> bool:
        differing = np.bitwise_count(self.codes[one] ^ self.codes[other]).sum()
        return bool(self.numbers[one] == self.numbers[other] and differing <= bits)
