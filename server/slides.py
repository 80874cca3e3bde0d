"""A line slid along its source: a scene that hardly moves fits in many places, one of them best.

Votes and evidence cannot tell such places apart, nor can they tell frames of a zoomed shot apart,
so each place is measured, at several speeds and for several parts of the frame, by what moves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.crops import cropped
from mitate.kernels.motion import differences
from mitate.kernels.windows import HALVES, WINDOWS
from mitate.server.emissions import Floats, Frames, Line, Reference
from mitate.server.refine import EARNED, SAME_DISTANCE, informative_part

REACH_MS = 6000.0  # to either side
LONGEST_MS = 10_000.0  # of a stretch; a longer one leaves no doubt about its place
SPEEDS = (0.5, 0.75, 0.8, 1.0, 25 / 24, 1.25, 1.5, 2.0)
SHORTEST_CHANGED_MS = 400.0  # of a stretch of which another speed is believed
NEARER = 1.5  # what another place must gain, in natural logarithm of the misfit for each frame
LOOKS_SHARE = 0.1  # of the mean difference that counts: crops, captions and grades make it
N_PARTS = 2  # of the frame, that are tried at every speed
_N_FRAMES = 40
_FRAMES_PER_S = 25.0  # more of them add nothing
_WHOLE = -1
_CROPS = (_WHOLE, *range(len(WINDOWS) - len(HALVES)))


class _Fit(NamedTuple):
    """A way to play a source, and what speaks against it."""

    cost: float
    speed: float
    at_ms: float  # of the middle of the query
    part: int


def slide_line(line: Line, query: Frames, first: int, stop: int, reference: Reference) -> Line:
    """Return the line at the place and speed around it that fits query frames first..stop-1 best.

    It stays where it is unless another place is clearly nearer.
    """
    some = informative_part(query, first, stop, _N_FRAMES)
    if len(some) < 2 or line.speed <= 0 or np.ptp(some.times_ms) > LONGEST_MS:
        return line
    around = _Around(line, some, reference, stop - first)
    fits = sorted(around.best(line.speed, part) for part in _CROPS)
    parts = [fit.part for fit in fits[:N_PARTS]]
    speeds = {line.speed, 1.0}
    if np.ptp(some.times_ms) >= SHORTEST_CHANGED_MS:
        speeds |= {*SPEEDS}
    best = min(around.best(speed, part) for speed in sorted(speeds) for part in parts)
    if min(around.here(part) for part in parts) <= best.cost + NEARER:
        return line
    offset_ms = best.at_ms - best.speed * around.middle_ms
    return line._replace(speed=best.speed, offset_ms=offset_ms)


class _Around:
    """A query and the part of a reference around its place on a line."""

    def __init__(self, line: Line, query: Frames, reference: Reference, n_frames: int) -> None:
        self.middle_ms = float(query.times_ms.mean())
        self._line, self._times_ms, self._reference = line, query.times_ms, reference
        self._vectors = query.vectors(line.mirrored, line.inner).astype(np.float32)
        self._at_ms = float(line.at(np.array([self.middle_ms], np.float64))[0])
        long_ms = float(np.ptp(query.times_ms))
        self._n = min(n_frames, 1 + _FRAMES_PER_S * long_ms / 1000)
        reach_ms = REACH_MS + max(*SPEEDS, line.speed) * long_ms / 2
        ends = np.array([self._at_ms - reach_ms, self._at_ms + reach_ms])
        self._first, last = (int(frame) for frame in reference.frames_at(ends))
        shown = reference.kept[self._first : last + 1]
        self._numbers, self._kept = np.unique(shown, return_inverse=True)
        self._source = np.asarray(reference.vectors[self._numbers])
        self._parts: dict[int, NDArray[np.float32]] = {}

    def best(self, speed: float, part: int) -> _Fit:
        """Return the place that costs least at a speed."""
        step_ms = self._reference.step_ms
        n_steps = round(REACH_MS / step_ms)
        shifts_ms = np.arange(-n_steps, n_steps + 1) * step_ms
        costs = self._costs(speed, part, shifts_ms)
        best = int(costs.argmin())
        return _Fit(float(costs[best]), speed, self._at_ms + float(shifts_ms[best]), part)

    def here(self, part: int) -> float:
        """Return what the line costs where it is, give or take a frame."""
        step_ms = self._reference.step_ms
        return float(self._costs(self._line.speed, part, step_ms * np.arange(-1, 2)).min())

    def _costs(self, speed: float, part: int, shifts_ms: NDArray[np.floating[Any]]) -> Floats:
        times_ms = self._at_ms + speed * (self._times_ms - self.middle_ms)
        places_ms = times_ms + shifts_ms[:, None]
        frames = self._reference.frames_at(places_ms) - self._first
        kept = self._kept[frames.clip(0, len(self._kept) - 1)]
        remaining, looks = differences(self._vectors, self._view(part), kept)
        misfits = remaining + LOOKS_SHARE * looks + SAME_DISTANCE
        costs = self._n * np.log(misfits) + (0.0 if speed == 1.0 else EARNED)
        held = self._reference.holds(places_ms).all(axis=1)
        return np.where(held, costs, np.inf)

    def _view(self, part: int) -> NDArray[np.float32]:
        if part not in self._parts:
            self._parts[part] = np.ascontiguousarray(self._vectors_of(part))
        return self._parts[part]

    def _vectors_of(self, part: int) -> NDArray[np.float32]:
        """Return the vectors of a part: those of its run, and how they are expected to change."""
        if part == _WHOLE:
            return self._source.astype(np.float32)
        reference = self._reference
        if reference.windows is None or not len(reference.run_first):
            return cropped(self._source, part)
        runs, run = np.unique(reference.runs[self._numbers], return_inverse=True)
        stored = reference.windows[part * len(reference.run_first) + runs].astype(np.float32)
        begun = cropped(np.asarray(reference.vectors[reference.run_first[runs]]), part)
        return np.asarray((stored - begun)[run] + cropped(self._source, part), np.float32)
