"""Stretches of a query on one line through a source: evidence, fit, ends and measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitate.server.cuts import cuts_of
from mitate.server.emissions import (
    CLOSEST,
    LARGEST,
    OUTSIDE,
    Floats,
    Frames,
    Likelihood,
    Line,
    Reference,
    distances_on,
)
from mitate.server.hypotheses import Candidate
from mitate.server.refine import at_earned_speed, find_ends, refine_line
from mitate.server.slides import slide_line
from mitate.server.viterbi import Course

FOLLOWED_MS = 8000  # a fitted line is tried so far around the stretch that gave it
UNUSUAL_PRICE = 1.5  # evidence that a line must bring when it is not at its own speed
MIRRORED_PRICE = 0.5
WINDOW_PRICE = 0.5  # for each part of the source that may be shown
UNUSUAL_SHARE = 0.9  # of the evidence for such a line that counts: a still scene fits any speed
FREEZE_SHARE = 0.6
TIED_SHARE = 0.9  # of the best evidence from which stretches tie: distance then tells them apart
OWN_SPEED = 0.06  # speeds so near to 1 need no reason: transfers of film change it
SLOWEST = 0.2  # speeds nearer to 0 are freezes


@dataclass(frozen=True, slots=True)
class Stretch:
    """Query frames first..stop-1 shown by a source along a line."""

    line: Line
    first: int
    stop: int
    score: float  # evidence for it
    agreement: float  # 0..1, evidence per frame as a share of the largest possible
    distance: float  # mean over the frames that agree
    best_frame: int  # the query frame that agrees best
    n_sampled: int = 1  # frames of the sample in it
    likeness: float | None = None  # of its small pictures to those of the source, 1 at most


class Follower:
    """A query, a sample of its frames, and the sources that it may show.

    Sampled frames are numbered among themselves, others among all frames of the query.
    """

    def __init__(
        self,
        query: Frames,
        sampled: NDArray[np.int64],
        references: Mapping[int, Reference],
        likelihood: Likelihood,
    ) -> None:
        self.query = query
        self.sampled = sampled
        self.some = query.take(sampled)
        self.shares = self.some.shares()
        self.references = references
        self.likelihood = likelihood
        self.cuts = cuts_of(query)

    def course(self, candidate: Candidate) -> Course:
        """Return the evidence for a candidate."""
        line, first, stop = candidate
        frames = self.some.take(np.arange(first, stop))
        distances = distances_on(line, frames, self.references[line.source_id])
        evidence = self.likelihood(distances, CLOSEST) * self.shares[first:stop]
        return Course(first, np.minimum(evidence, evidence * share(line)), price(line))

    def around(self, line: Line, first: int, stop: int) -> Candidate:
        """Return a candidate that reaches beyond sampled frames first..stop-1."""
        times_ms = self.some.times_ms
        low = np.searchsorted(times_ms, times_ms[first] - FOLLOWED_MS)
        high = np.searchsorted(times_ms, times_ms[stop - 1] + FOLLOWED_MS, side="right")
        return Candidate(line, int(low), int(high))

    def refined(self, line: Line, first: int, stop: int) -> Line:
        """Fit a line to the frames between two sampled ones."""
        return refine_line(
            line,
            self.query,
            int(self.sampled[first]),
            int(self.sampled[stop - 1]) + 1,
            self.references[line.source_id],
            self.likelihood,
        )

    def slid(self, line: Line, first: int, stop: int) -> Line:
        """Slide a line along its source to where it fits best."""
        return self.slid_over(line, int(self.sampled[first]), int(self.sampled[stop - 1]) + 1)

    def slid_over(self, line: Line, first: int, stop: int) -> Line:
        """Slide a line along its source to where it fits frames first..stop-1 best."""
        return slide_line(line, self.query, first, stop, self.references[line.source_id])

    def settled(self, line: Line, first: int, stop: int) -> Line:
        """Fit a line, then give it a plainer speed where it has not earned its own."""
        return at_earned_speed(
            self.refined(line, first, stop),
            self.query,
            int(self.sampled[first]),
            int(self.sampled[stop - 1]) + 1,
            self.references[line.source_id],
            self.likelihood,
        )

    def finished(
        self, line: Line, first: int, stop: int, limits: tuple[int, int]
    ) -> Stretch | None:
        """Find the ends on all frames and measure the stretch; None if nothing is left of it."""
        reference = self.references[line.source_id]
        core = int(self.sampled[first]), int(self.sampled[stop - 1]) + 1
        low, high = min(limits[0], core[0]), max(limits[1], core[1])
        ends = find_ends(line, self.query, core, (low, high), reference, self.likelihood)
        return self.measured(line, *ends)

    def measured(self, line: Line, first: int, stop: int) -> Stretch | None:
        """Measure a stretch of all frames; None if no frame agrees."""
        if stop <= first:
            return None
        frames = self.query.take(np.arange(first, stop))
        distances = distances_on(line, frames, self.references[line.source_id])
        agreeing = (self.likelihood(distances) > 0) & frames.informative
        if not agreeing.any():
            return None
        return self._of_frames(line, first, distances, agreeing)

    def measured_anyway(self, line: Line, first: int, stop: int) -> Stretch | None:
        """Measure a stretch of all frames, agreeing or not; None if the source ends before them."""
        frames = self.query.take(np.arange(first, stop))
        distances = distances_on(line, frames, self.references[line.source_id])
        inside = np.flatnonzero(distances < OUTSIDE)
        if not len(inside):
            return None
        begin, end = int(inside[0]), int(inside[-1]) + 1
        shown = distances[begin:end]
        return self._of_frames(line, first + begin, shown, shown < OUTSIDE)

    def _of_frames(
        self,
        line: Line,
        first: int,
        distances: NDArray[np.int32],
        agreeing: NDArray[np.bool_],
    ) -> Stretch:
        within = (self.sampled >= first) & (self.sampled < first + len(distances))
        evidence: Floats = self.likelihood(distances[self.sampled[within] - first])
        shares = self.shares[within]
        total = float((evidence * shares).sum())
        return Stretch(
            line,
            first,
            first + len(distances),
            total * share(line),
            max(0.0, total / max(float(shares.sum()), 1e-9) / LARGEST),
            float(distances[agreeing].mean()),
            first + int(np.where(agreeing, distances, OUTSIDE).argmin()),
            max(1, int(within.sum())),
        )

    def best_cut(self, one: Stretch, other: Stretch) -> int:
        """Return the frame at which to change from one stretch to an overlapping other."""
        first, stop = max(one.first, other.first), min(one.stop, other.stop)
        shared = self.query.take(np.arange(first, stop))
        gains = [
            self.likelihood(distances_on(side.line, shared, self.references[side.line.source_id]))
            for side in (one, other)
        ]
        return first + int(np.argmax(np.concatenate([[0.0], np.cumsum(gains[0] - gains[1])])))


def is_unusual(speed: float) -> bool:
    """Tell whether a speed is not nearly that of the source."""
    return abs(speed - 1) > OWN_SPEED


def price(line: Line) -> float:
    """Return what a line costs beyond one that plays a source as it is."""
    unusual = UNUSUAL_PRICE if is_unusual(line.speed) else 0.0
    unusual += WINDOW_PRICE * len(line.windows)
    return unusual + (MIRRORED_PRICE if line.mirrored else 0.0)


def share(line: Line) -> float:
    """Return the share of the evidence for a line that counts: a still scene fits any speed."""
    if abs(line.speed) < SLOWEST:
        return FREEZE_SHARE
    return UNUSUAL_SHARE if is_unusual(line.speed) else 1.0


def rank(stretch: Stretch) -> tuple[float, float]:
    """Return the key by which better stretches come first."""
    return -(stretch.score - price(stretch.line)), stretch.distance


def overlap(one: Stretch, other: Stretch) -> int:
    """Return how many frames two stretches share; below 0 they are apart."""
    return min(one.stop, other.stop) - max(one.first, other.first)


def tie(one: Stretch, other: Stretch) -> bool:
    """Tell whether `other` explains the frames of `one` with nearly as much evidence."""
    least = TIED_SHARE * (one.score - price(one.line))
    shared = 2 * overlap(one, other) > one.stop - one.first
    return shared and other.score - price(other.line) >= least


def nearest_first(ranked: Sequence[Stretch]) -> list[Stretch]:
    """Order stretches that tie by distance; the others stay where they are, best first."""
    found: list[Stretch] = []
    rest = list(ranked)
    while rest:
        tied = [one for one in rest if one is rest[0] or tie(rest[0], one)]
        found += sorted(tied, key=lambda one: one.distance)
        rest = [one for one in rest if not any(one is other for other in tied)]
    return found
