"""From neighbours of single frames to stretches of sources: the alignment of a query in time.

Lines (source, mirrored, speed, offset) are proposed by votes, followed with evidence from the
stored vectors, chosen among by a segment Viterbi with a null state, and fitted to all frames.
Everything here is arrays in, values out; frames are numbered in the order of the query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitate.server.emissions import (
    OUTSIDE,
    Floats,
    Frames,
    Likelihood,
    Line,
    Reference,
    distances_on,
)
from mitate.server.hypotheses import Candidate, Hits, candidates
from mitate.server.refine import find_ends, refine_line
from mitate.server.viterbi import Course, best_interval, best_stretches

SAMPLES_PER_S = 10.0
SWITCH_PRICE = 7.0  # evidence that a new stretch must bring beyond what it replaces
UNUSUAL_PRICE = 1.5  # more, when it is not played forward at its own speed
MIRRORED_PRICE = 0.5
UNUSUAL_SHARE = 0.9
FREEZE_SHARE = 0.6
SLOWEST = 0.2  # speeds nearer to 0 are freezes
FOLLOWED_MS = 8000  # a fitted line is tried so far around the stretch that gave it
RIVAL_SHARE = 0.75  # of the evidence of a stretch that makes another source hold it too
N_SOURCES = 16  # sources of which the best stretch is sought
_TRIED_PER_SOURCE = 3
_SAME_PLACE_MS = 150.0
_LARGEST_GAP_MS = 1500


@dataclass(frozen=True, slots=True)
class Stretch:
    """Query frames first..stop-1 shown by a source along a line."""

    line: Line
    first: int
    stop: int
    score: float  # evidence for it
    distance: float  # mean over the frames that agree
    best_frame: int  # the query frame that agrees best


@dataclass(frozen=True, slots=True)
class Alignment:
    """What a query is made of."""

    timeline: list[Stretch]  # in order, not overlapping
    rivals: list[list[Stretch]]  # for each of them, other sources that show the same, best first
    best: list[Stretch]  # the best stretch of each source, best first


def sample(times_ms: NDArray[np.int64], per_s: float = SAMPLES_PER_S) -> NDArray[np.int64]:
    """Return the numbers of frames, at most `per_s` a second, evenly over time."""
    slots = np.floor((times_ms - times_ms[0]) * per_s / 1000 + 0.25).astype(np.int64)
    return np.asarray(np.unique(slots, return_index=True)[1])


def align(
    query: Frames,
    sampled: NDArray[np.int64],  # (s,) numbers of the frames that were searched
    references: Mapping[int, Reference],
    hits: Hits,  # its `frames` number `sampled`
    likelihood: Likelihood,
) -> Alignment:
    """Align a query with the sources that its frames hit."""
    aligner = _Aligner(query, sampled, references, likelihood)
    proposed = candidates(aligner.some, references, hits, likelihood)
    courses = [aligner.course(one) for one in proposed]
    best = aligner.best_of_sources(proposed, courses)
    timeline = aligner.timeline(proposed, courses, best)
    rivals = [aligner.rivals(stretch, proposed, courses) for stretch in timeline]
    return Alignment(timeline, rivals, best)


class _Aligner:
    """The inputs that every step needs."""

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

    def course(self, candidate: Candidate) -> Course:
        """Return the evidence for a candidate."""
        line, first, stop = candidate
        frames = self.some.take(np.arange(first, stop))
        distances = distances_on(line, frames, self.references[line.source_id])
        evidence = self.likelihood(distances) * self.shares[first:stop]
        return Course(first, np.minimum(evidence, evidence * _share(line)), _price(line))

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

    def best_of_sources(
        self, proposed: Sequence[Candidate], courses: Sequence[Course]
    ) -> list[Stretch]:
        """Return the best stretch of each of the most promising sources, best first."""
        scored = [best_interval(course.evidence)[2] - course.price for course in courses]
        tried: dict[int, list[int]] = {}
        for place in np.argsort([-score for score in scored], kind="stable"):
            source_id = proposed[place].line.source_id
            if source_id in tried or len(tried) < N_SOURCES:
                places = tried.setdefault(source_id, [])
                if len(places) < _TRIED_PER_SOURCE:
                    places.append(int(place))
        found = []
        for places in tried.values():
            stretches = [self._grown(proposed[place], courses[place]) for place in places]
            found += sorted((one for one in stretches if one), key=_rank)[:1]
        return sorted(found, key=_rank)

    def _grown(self, candidate: Candidate, course: Course) -> Stretch | None:
        """Fit a line where it is best, then follow it through the whole query."""
        first, stop, gain = best_interval(course.evidence)
        if gain <= 0:
            return None
        line = self.refined(candidate.line, course.first + first, course.first + stop)
        for _ in range(2):
            whole = self.course(Candidate(line, 0, len(self.some)))
            first, stop, gain = best_interval(whole.evidence)
            if gain <= 0:
                return None
            line = self.refined(line, first, stop)
        limits = 0, len(self.query)
        return self.finished(line, first, stop, limits)

    def timeline(
        self, proposed: Sequence[Candidate], courses: Sequence[Course], best: Sequence[Stretch]
    ) -> list[Stretch]:
        """Choose lines by Viterbi, fit them, choose again among the fitted, find the ends."""
        n = len(self.some)
        chosen = best_stretches(courses, n, SWITCH_PRICE)
        fitted = self._joined([(proposed[one.course].line, one.first, one.stop) for one in chosen])
        again = [self.around(*span) for span in fitted]
        again += [Candidate(stretch.line, 0, n) for stretch in best]
        chosen = best_stretches([self.course(one) for one in again], n, SWITCH_PRICE)
        spans = self._joined([(again[one.course].line, one.first, one.stop) for one in chosen])
        stretches = [
            self.finished(line, first, stop, self._limits(spans, place))
            for place, (line, first, stop) in enumerate(spans)
        ]
        return self._apart([one for one in stretches if one is not None])

    def _joined(self, spans: list[tuple[Line, int, int]]) -> list[tuple[Line, int, int]]:
        """Fit each line and join neighbours that go on along it."""
        joined: list[tuple[Line, int, int]] = []
        for line, first, stop in spans:
            line = self.refined(line, first, stop)
            if joined and self._goes_on(joined[-1], (line, first, stop)):
                before = joined.pop()
                line = self.refined(before[0], before[1], stop)
                first = before[1]
            joined.append((line, first, stop))
        return joined

    def _goes_on(self, one: tuple[Line, int, int], other: tuple[Line, int, int]) -> bool:
        times_ms = self.some.times_ms
        if one[0][:2] != other[0][:2]:
            return False
        if times_ms[other[1]] - times_ms[one[2] - 1] > _LARGEST_GAP_MS:
            return False
        apart = [
            abs(float(one[0].at(times)[0] - other[0].at(times)[0]))
            for times in (times_ms[other[1] : other[1] + 1], times_ms[other[2] - 1 : other[2]])
        ]
        return max(apart) <= _SAME_PLACE_MS

    def _limits(self, spans: Sequence[tuple[Line, int, int]], place: int) -> tuple[int, int]:
        """Return how far the ends of a span may move: to the middle of its neighbours."""
        low, high = 0, len(self.query)
        if place:
            low = int(self.sampled[(spans[place - 1][1] + spans[place - 1][2]) // 2])
        if place + 1 < len(spans):
            high = int(self.sampled[(spans[place + 1][1] + spans[place + 1][2]) // 2]) + 1
        return low, high

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
        within = (self.sampled >= first) & (self.sampled < stop)
        evidence: Floats = self.likelihood(distances[self.sampled[within] - first])
        return Stretch(
            line,
            first,
            stop,
            float((evidence * self.shares[within]).sum()) * _share(line),
            float(distances[agreeing].mean()),
            first + int(np.where(agreeing, distances, OUTSIDE).argmin()),
        )

    def _apart(self, stretches: list[Stretch]) -> list[Stretch]:
        """Cut neighbours that overlap where the change costs least."""
        found: list[Stretch] = []
        for stretch in stretches:
            if found and found[-1].stop > stretch.first:
                before = found.pop()
                cut = self._cut(before, stretch)
                shorter = self.measured(before.line, before.first, cut)
                found += [shorter] if shorter else []
                rest = self.measured(stretch.line, cut, stretch.stop)
                found += [rest] if rest else []
            else:
                found.append(stretch)
        return found

    def _cut(self, one: Stretch, other: Stretch) -> int:
        first, stop = max(one.first, other.first), min(one.stop, other.stop)
        shared = self.query.take(np.arange(first, stop))
        gains = [
            self.likelihood(distances_on(side.line, shared, self.references[side.line.source_id]))
            for side in (one, other)
        ]
        return first + int(np.argmax(np.concatenate([[0.0], np.cumsum(gains[0] - gains[1])])))

    def rivals(
        self, stretch: Stretch, proposed: Sequence[Candidate], courses: Sequence[Course]
    ) -> list[Stretch]:
        """Return what other sources show over nearly all of a stretch, best first."""
        first, stop = np.searchsorted(self.sampled, [stretch.first, stretch.stop])
        best: dict[int, tuple[float, Line]] = {}
        for candidate, course in zip(proposed, courses, strict=True):
            source_id = candidate.line.source_id
            if source_id == stretch.line.source_id or course.stop <= first or course.first >= stop:
                continue
            part = course.evidence[max(0, first - course.first) : stop - course.first]
            score = float(part.sum()) - course.price
            if score > max(best.get(source_id, (0.0,))[0], 0.5 * RIVAL_SHARE * stretch.score):
                best[source_id] = score, candidate.line
        found = []
        for _, line in best.values():
            fitted = self.refined(line, int(first), max(int(stop), int(first) + 1))
            rival = self.measured(fitted, stretch.first, stretch.stop)
            if rival is not None and rival.score >= RIVAL_SHARE * stretch.score:
                found.append(rival)
        return sorted(found, key=_rank)


def _price(line: Line) -> float:
    """Return what a line costs beyond one that plays a source as it is."""
    unusual = UNUSUAL_PRICE if abs(line.speed - 1) > 0.06 else 0.0
    return unusual + (MIRRORED_PRICE if line.mirrored else 0.0)


def _share(line: Line) -> float:
    """Return the share of the evidence for a line that counts: a still scene fits any speed."""
    if abs(line.speed) < SLOWEST:
        return FREEZE_SHARE
    return 1.0 if abs(line.speed - 1) <= 0.06 else UNUSUAL_SHARE


def _rank(stretch: Stretch) -> tuple[float, float]:
    return -(stretch.score - _price(stretch.line)), stretch.distance
