"""What a comparison is asked for and what it tells, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.borders import Rect
from mitate.kernels.fit import Fit
from mitate.server.records import Names, Verdict


@dataclass(frozen=True, slots=True)
class Subject:
    """One of two things to compare: a file, an episode or a source; at a time, or at any."""

    letter: str  # "A" or "B", as people are told of it
    path: Path | None = None
    name: str = ""  # of the file, for people
    episode_id: int = 0
    source_id: int = 0
    at_ms: int | None = None


class Outcome(StrEnum):
    """What a stage says about the match."""

    TOLD = "told"  # nothing for or against
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


def number(value: float) -> str:
    """Return a number with as many digits as mean something."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 20 else f"{round(value, 3) + 0.0:.3f}"


def clock(ms: int) -> str:
    """Return a time as m:ss.s, from an hour on as h:mm:ss.s."""
    minutes, tenths = divmod((ms + 50) // 100, 600)
    seconds = f"{tenths // 10:02}.{tenths % 10}"
    hours = f"{minutes // 60}:{minutes % 60:02}" if minutes >= 60 else f"{minutes}"
    return f"{hours}:{seconds}"


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a stage, and what is needed for a match."""

    name: str  # for machines; never changes
    text: str  # for people
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def needed(self) -> str:
        """What is needed, for people; empty where nothing is."""
        if self.least is not None:
            return f"at least {number(self.least)} is needed"
        return "" if self.most is None else f"at most {number(self.most)} is needed"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of recognising."""

    name: str
    outcome: Outcome
    text: str
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two, as it was compared."""

    letter: str
    name: str
    kind: str  # "image", "video", "signature" or "stored"
    at_ms: int | None  # None where there are no times
    width: int  # upright, pixels
    height: int
    inner: Rect  # the part within the border
    part: Rect | None  # the part that was compared; None where only descriptors are known
    part_name: str
    quality: int  # 0..255, of the part that was compared
    layout: NDArray[np.uint8]  # (33,) of that part, mirrored where the match is
    vector: NDArray[np.int8]  # (32,) likewise
    pixels: NDArray[np.uint8] | None = None  # (h, w, 3)
    thumbnail: NDArray[np.uint8] | None = None  # (rows, cols) luma of `inner`
    stored: Names | None = None

    @property
    def sized(self) -> bool:
        """Whether its size is known; signatures made elsewhere may not tell theirs."""
        return self.pixels is not None or self.width > 1


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Why a query does or does not show a reference."""

    query: Side
    reference: Side
    verdict: Verdict  # of a search for the query, about the reference
    probability: float | None
    mirrored: bool
    distance: int  # of the searched vectors
    plain_distance: float  # LIRE's, of the descriptors
    fit: Fit | None  # None without the second stage
    grid: NDArray[np.float32] | None  # (rows, cols) luma of the view, as it was looked at
    summary: str
    stages: tuple[Stage, ...]
