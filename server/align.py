"""From neighbours of single frames to stretches of sources: the alignment of a query in time.

Lines (source, mirrored, speed, offset) are proposed by votes, followed with evidence from the
stored vectors, chosen among by a segment Viterbi with a null state, and fitted to all frames.
Everything here is arrays in, values out; frames are numbered in the order of the query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mitate.server.cuts import cuts_between
from mitate.server.emissions import LARGEST, Frames, Likelihood, Line, Reference
from mitate.server.hypotheses import Candidate, Hits, candidates
from mitate.server.stretches import Follower, Stretch, nearest_first, rank
from mitate.server.viterbi import Course, best_interval, best_stretches

SAMPLES_PER_S = 10.0
# Evidence that a new stretch must bring beyond what it replaces: at a cut, and elsewhere.
CUT_PRICE, SWITCH_PRICE = 1.0, 3.0
RIVAL_SHARE = 0.75  # of the evidence of a stretch that makes another source hold it too
BLOCK_FRAMES = 1200  # sampled frames among which lines are sought together
OVERLAP_FRAMES = 80  # of the neighbouring blocks, seen as well
N_SOURCES = 16  # sources of which the best stretch is sought
CLEAR_AGREEMENT = 0.6  # of the largest evidence that frames may give, from which they are clear
_TRIED_PER_SOURCE = 3
_SAME_PLACE_MS = 150.0
_LARGEST_GAP_MS = 1500

# Given the numbers of sampled frames, returns further sources, and hits of these frames.
More = Callable[[NDArray[np.int64]], tuple[Mapping[int, Reference], Hits]]
Span = tuple[Line, int, int]  # sampled frames first..stop-1 on a line


@dataclass(frozen=True, slots=True)
class Alignment:
    """What a query is made of."""

    timeline: list[Stretch]  # in order, not overlapping
    rivals: list[list[Stretch]]  # for each of them, other sources that show the same, best first
    best: list[Stretch]  # the best stretch of each source, best first


def sample(times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of frames, at most SAMPLES_PER_S a second, evenly over time."""
    slots = np.floor((times_ms - times_ms[0]) * SAMPLES_PER_S / 1000 + 0.25).astype(np.int64)
    return np.asarray(np.unique(slots, return_index=True)[1])


def align(
    query: Frames,
    sampled: NDArray[np.int64],  # (s,) numbers of the frames that were searched
    references: Mapping[int, Reference],
    hits: Hits,  # its `frames` number `sampled`
    likelihood: Likelihood,
    more: More | None = None,
) -> Alignment:
    """Align a query with the sources that its frames hit; `more` looks closer at unclear frames."""
    aligner = _Aligner(query, sampled, references, likelihood)
    proposed = _proposed(aligner.some, references, hits, likelihood)
    courses = [aligner.course(one) for one in proposed]
    unclear = aligner.unclear(courses)
    if more is not None and len(unclear):
        others, hits = more(unclear)
        aligner.references = references = {**references, **others}
        closer = _proposed(aligner.some, references, hits, likelihood)
        proposed += closer
        courses += [aligner.course(one) for one in closer]
    best = aligner.best_of_sources(proposed, courses)
    timeline = aligner.timeline(proposed, courses, best)
    held = [
        nearest_first([stretch, *aligner.rivals(stretch, proposed, courses)])
        for stretch in timeline
    ]
    return Alignment([one for one, *_ in held], [rivals for _, *rivals in held], best)


def _proposed(
    some: Frames, references: Mapping[int, Reference], hits: Hits, likelihood: Likelihood
) -> list[Candidate]:
    """Return candidates, found in blocks so that memory does not grow with the query."""
    found: list[Candidate] = []
    for begin in range(0, len(some), BLOCK_FRAMES):
        low = max(0, begin - OVERLAP_FRAMES)
        high = min(len(some), begin + BLOCK_FRAMES + OVERLAP_FRAMES)
        mine = hits.take((hits.frames >= low) & (hits.frames < high))
        block = some.take(np.arange(low, high))
        moved = mine._replace(frames=mine.frames - low)
        for line, first, stop in candidates(block, references, moved, likelihood):
            found.append(Candidate(line, first + low, stop + low))
    return found


class _Aligner(Follower):
    """Chooses among candidates."""

    @cached_property
    def switch_prices(self) -> NDArray[np.float64]:
        """What a switch costs at each sampled frame, (s,)."""
        return SWITCH_PRICE + (CUT_PRICE - SWITCH_PRICE) * cuts_between(self.cuts, self.sampled)

    def unclear(self, courses: Sequence[Course]) -> NDArray[np.int64]:
        """Return the sampled frames that say something and that no stretch explains well."""
        clear = ~self.some.informative
        for one in best_stretches(courses, len(self.some), self.switch_prices):
            course = courses[one.course]
            evidence = course.evidence[one.first - course.first : one.stop - course.first]
            possible = LARGEST * self.shares[one.first : one.stop].sum()
            if evidence.sum() >= CLEAR_AGREEMENT * possible:
                clear[one.first : one.stop] = True
        return np.flatnonzero(~clear)

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
            found += sorted((one for one in stretches if one), key=rank)[:1]
        return sorted(found, key=rank)

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
        return self.finished(self.settled(line, first, stop), first, stop, limits)

    def timeline(
        self, proposed: Sequence[Candidate], courses: Sequence[Course], best: Sequence[Stretch]
    ) -> list[Stretch]:
        """Choose lines by Viterbi, fit them, choose again among the fitted, find the ends."""
        n = len(self.some)
        chosen = best_stretches(courses, n, self.switch_prices)
        fitted = self._joined(
            [(proposed[one.course].line, one.first, one.stop) for one in chosen], self.refined
        )
        again = [self.around(*span) for span in fitted]
        again += [Candidate(stretch.line, 0, n) for stretch in best]
        chosen = best_stretches([self.course(one) for one in again], n, self.switch_prices)
        spans = self._joined(
            [(again[one.course].line, one.first, one.stop) for one in chosen], self.refined
        )
        spans = self._joined(spans, self.settled)
        spans = self._joined(spans, self.slid)
        stretches = [
            self.finished(line, first, stop, self._limits(spans, place))
            for place, (line, first, stop) in enumerate(spans)
        ]
        return self._apart([one for one in stretches if one is not None])

    def _joined(self, spans: Sequence[Span], fit: Callable[[Line, int, int], Line]) -> list[Span]:
        """Fit each line and join neighbours that go on along it."""
        joined: list[Span] = []
        for line, first, stop in spans:
            line = fit(line, first, stop)
            if joined and self._goes_on(joined[-1], (line, first, stop)):
                before = joined.pop()
                windows = tuple(sorted({*before[0].windows, *line.windows}))
                line = fit(before[0]._replace(windows=windows), before[1], stop)
                first = before[1]
            joined.append((line, first, stop))
        return joined

    def _goes_on(self, one: Span, other: Span) -> bool:
        times_ms = self.some.times_ms
        if one[0][:2] != other[0][:2] or one[0][4] != other[0][4]:
            return False
        if bool(one[0].windows) != bool(other[0].windows):
            return False
        if times_ms[other[1]] - times_ms[one[2] - 1] > _LARGEST_GAP_MS:
            return False
        apart = [
            abs(float(one[0].at(times)[0] - other[0].at(times)[0]))
            for times in (times_ms[other[1] : other[1] + 1], times_ms[other[2] - 1 : other[2]])
        ]
        return max(apart) <= _SAME_PLACE_MS

    def _limits(self, spans: Sequence[Span], place: int) -> tuple[int, int]:
        """Return how far the ends of a span may move: to the middle of its neighbours."""
        low, high = 0, len(self.query)
        if place:
            low = int(self.sampled[(spans[place - 1][1] + spans[place - 1][2]) // 2])
        if place + 1 < len(spans):
            high = int(self.sampled[(spans[place + 1][1] + spans[place + 1][2]) // 2]) + 1
        return low, high

    def _apart(self, stretches: list[Stretch]) -> list[Stretch]:
        """Cut neighbours that overlap where the change costs least."""
        found: list[Stretch] = []
        for stretch in stretches:
            if found and found[-1].stop > stretch.first:
                before = found.pop()
                cut = self.best_cut(before, stretch)
                shorter = self.measured(before.line, before.first, cut)
                found += [shorter] if shorter else []
                rest = self.measured(stretch.line, cut, stretch.stop)
                found += [rest] if rest else []
            else:
                found.append(stretch)
        return found

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
            span = int(first), max(int(stop), int(first) + 1)
            fitted = self.settled(line, *span)
            rival = self.measured(fitted, stretch.first, stretch.stop)
            if rival is not None and rival.score >= RIVAL_SHARE * stretch.score:
                found.append(rival)
        return sorted(found, key=rank)
