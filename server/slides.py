"""A line slid along its source: a scene that hardly moves fits in many places, one of them best.

Votes and evidence cannot tell such places apart, so each is measured, at several speeds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitate.server.emissions import (
    OUTSIDE,
    Floats,
    Frames,
    Likelihood,
    Line,
    Reference,
    distances_to,
)
from mitate.server.refine import EARNED, SAME_DISTANCE, informative_part

REACH_MS = 6000.0  # to either side
SPEEDS = (0.5, 0.75, 0.8, 1.0, 1.25, 1.5, 2.0)
SHORTEST_CHANGED_MS = 400.0  # of a stretch of which another speed is believed
NEARER = 1.5  # what another place must gain, in natural logarithm of the misfit for each frame
_N_FRAMES = 24
_FRAMES_PER_S = 25.0  # more of them add nothing


def slide_line(
    line: Line, query: Frames, first: int, stop: int, reference: Reference, likelihood: Likelihood
) -> Line:
    """Return the line at the place and speed around it that fits query frames first..stop-1 best.

    It stays where it is unless another place is clearly nearer.
    """
    some = informative_part(query, first, stop, _N_FRAMES)
    if len(some) < 2 or line.speed <= 0:
        return line
    long_ms = float(np.ptp(some.times_ms))
    middle_ms = float(some.times_ms.mean())
    n_frames = min(stop - first, 1 + _FRAMES_PER_S * long_ms / 1000)
    speeds = {line.speed, 1.0, *(SPEEDS if long_ms >= SHORTEST_CHANGED_MS else ())}
    at_ms = line.at(np.array([middle_ms], np.float64))[0]
    around = _Around(line, some, reference, at_ms, max(speeds) * long_ms, likelihood)
    found, lowest = line, np.inf
    for speed in sorted(speeds):
        shifts_ms, misfits = around.misfits(speed, middle_ms)
        costs = n_frames * np.log(misfits) + (0.0 if speed == 1.0 else EARNED)
        if speed == line.speed:
            here = int(np.abs(shifts_ms).argmin())
            near = slice(max(0, here - 2), here + 3)
            costs[near] -= NEARER
        best = int(costs.argmin())
        if costs[best] < lowest:
            lowest = float(costs[best])
            offset_ms = at_ms + float(shifts_ms[best]) - speed * middle_ms
            if speed == line.speed and near.start <= best < near.stop:
                found = line
            else:
                found = line._replace(speed=speed, offset_ms=offset_ms)
    return found


class _Around:
    """Distances of query frames to all frames of the reference around a place."""

    def __init__(
        self,
        line: Line,
        query: Frames,
        reference: Reference,
        at_ms: float,
        long_ms: float,
        likelihood: Likelihood,
    ) -> None:
        self._query, self._reference, self._at_ms = query, reference, at_ms
        reach_ms = REACH_MS + long_ms / 2
        ends = np.array([at_ms - reach_ms, at_ms + reach_ms])
        self._first, last = (int(frame) for frame in reference.frames_at(ends))
        kept = reference.kept[self._first : last + 1]
        numbers, self._place = np.unique(kept, return_inverse=True)
        around = np.tile(numbers, (len(query), 1))
        distances = distances_to(line, query, reference, around)
        self._distances = np.minimum(distances, likelihood.even).astype(np.float64)

    def misfits(self, speed: float, middle_ms: float) -> tuple[Floats, Floats]:
        """Return shifts of the place, and the mean distance at each once slid there."""
        n_steps = round(REACH_MS / self._reference.step_ms)
        shifts_ms = np.arange(-n_steps, n_steps + 1) * self._reference.step_ms
        times_ms = self._at_ms + speed * (self._query.times_ms - middle_ms)
        places_ms = times_ms[:, None] + shifts_ms
        frames: NDArray[np.int64] = self._reference.frames_at(places_ms) - self._first
        frames = frames.clip(0, len(self._place) - 1)
        rows = np.arange(len(self._query))[:, None]
        distances = self._distances[rows, self._place[frames]]
        held = self._reference.holds(places_ms)
        misfits: Floats = np.where(held, distances, OUTSIDE).mean(axis=0) + SAME_DISTANCE
        return np.asarray(shifts_ms, np.float64), misfits
