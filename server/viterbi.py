"""The best way through a query: which line is played when, or none.

Every switch to another line costs the same, so a state needs only the best state of the frame
before, and the cost is O(frames x lines) rather than its square. The null state gives no evidence
and is left and entered freely; the price of a switch is what keeps chance out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NULL = -1


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The evidence for one line over the frames in which it may be played."""

    first: int
    evidence: Floats  # (n,) of frames first..first+n-1
    price: float = 0.0  # of switching to it, beyond that of any switch

    @property
    def stop(self) -> int:
        """The frame after the last."""
        return self.first + len(self.evidence)


class Stretch(NamedTuple):
    """Consecutive frames on one line."""

    course: int
    first: int
    stop: int


def best_stretches(
    courses: Sequence[Course],
    n_frames: int,
    switch_price: float | Floats,  # everywhere, or at each frame, (n_frames,)
) -> list[Stretch]:
    """Return the stretches of the likeliest way through `n_frames` frames, in order."""
    if not courses or not n_frames:
        return []
    starts, states, evidence = _by_frame(courses, n_frames)
    prices = np.array([course.price for course in courses])
    switch_prices = np.broadcast_to(switch_price, n_frames)
    stayed = np.zeros(len(states), np.bool_)
    best_states = np.full(n_frames, NULL)
    scores = np.full(len(courses), -np.inf)
    best, before = 0.0, states[:0]
    for frame in range(n_frames):
        places = slice(starts[frame], starts[frame + 1])
        active = states[places]
        staying, entering = scores[active], best - switch_prices[frame] - prices[active]
        stayed[places] = staying >= entering
        scores[before] = -np.inf
        scores[active] = np.maximum(staying, entering) + evidence[places]
        before = active
        if len(active) and scores[active].max() > best:
            winner = active[scores[active].argmax()]
            best, best_states[frame] = float(scores[winner]), winner
    return _trace(starts, states, stayed, best_states)


def _by_frame(
    courses: Sequence[Course], n_frames: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return where each frame starts, then course and evidence, by (frame, course)."""
    lengths = np.array([len(course.evidence) for course in courses])
    states = np.repeat(np.arange(len(courses)), lengths)
    frames = np.concatenate([np.arange(course.first, course.stop) for course in courses])
    order = np.argsort(frames, kind="stable")
    starts = np.searchsorted(frames[order], np.arange(n_frames + 1))
    evidence = np.concatenate([course.evidence for course in courses])
    return starts, states[order], evidence[order]


def _trace(
    starts: NDArray[np.int64],
    states: NDArray[np.int64],
    stayed: NDArray[np.bool_],
    best_states: NDArray[np.int64],
) -> list[Stretch]:
    stretches: list[Stretch] = []
    state, stop = NULL, len(best_states)
    for frame in range(len(best_states) - 1, -1, -1):
        if state == NULL:
            state, stop = int(best_states[frame]), frame + 1
            if state == NULL:
                continue
        place = starts[frame] + np.searchsorted(states[starts[frame] : starts[frame + 1]], state)
        if not stayed[place]:
            stretches.append(Stretch(state, frame, stop))
            state = NULL
    return stretches[::-1]


def best_interval(evidence: Floats) -> tuple[int, int, float]:
    """Return first, stop and sum of the interval with the largest sum; (0, 0, 0.0) if none is > 0.

    Of equal sums the earliest end wins.
    """
    sums = np.concatenate([[0.0], np.cumsum(evidence)])
    lowest = np.minimum.accumulate(sums)
    stop = int(np.argmax(sums - lowest))
    gain = float(sums[stop] - lowest[stop])
    if gain <= 0:
        return 0, 0, 0.0
    return int(np.argmin(sums[: stop + 1])), stop, gain
