"""A line slid along its source: a scene that hardly moves fits in many places, one of them best.

Votes and evidence cannot tell such places apart, nor can they tell frames of a zoomed shot apart,
so each place is measured, at several speeds, by what moves: first by descriptors, for several parts
of the frame, then by the luma of a few cells of the part that the shot shows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.crops import cropped
from mitate.kernels.motion import differences
from mitate.kernels.shown_part import Shown, resampled, shown_part
from mitate.kernels.windows import HALVES, WINDOWS
from mitate.server.emissions import Floats, Frames, Line, Moving, Reference
from mitate.server.refine import EARNED, SAME_DISTANCE, informative_part

REACH_MS = 6000.0  # to either side
LONGEST_MS = 10_000.0  # of a stretch; a longer one leaves no doubt about its place
SPEEDS = (0.5, 0.75, 0.8, 1.0, 25 / 24, 1.25, 1.5, 2.0)
SHORTEST_CHANGED_MS = 400.0  # of a stretch of which another speed is believed
NEARER = 1.5  # what another place must gain, in natural logarithm of the misfit for each frame
LOOKS_SHARE = 0.1  # of the mean difference that counts: crops, captions and grades make it
N_PARTS = 2  # of the frame, that are tried at every speed
LUMA_EARNED = 5.0  # as EARNED, where luma grids tell
LUMA_LOOKS_SHARE = 0.02  # as LOOKS_SHARE
LUMA_LOOKS_WEIGHT = (
    15.0  # of the logarithm of the mean difference, which the part shown makes small
)
_LUMA_SLIDES = 2  # the part that a shot shows is clearer once its place is known
_LUMA_FRAMES = 24
_CONTRAST = 40.0  # of luma grids that are compared
_NOISE = 2.0  # levels of luma
_SAME_LUMA = 1.0  # misfit of grids that agree, squared levels
_SAME_LOOKS = 4.0  # of their means
_N_FRAMES = 40
_FRAMES_PER_S = 25.0  # more of them add nothing
_WHOLE = -1
_CROPS = (_WHOLE, *range(len(WINDOWS) - len(HALVES)))


class _View(NamedTuple):
    """What is compared of each frame, and how."""

    query: NDArray[np.float32]  # (n, d)
    source: NDArray[np.float32]  # (m, d)
    rows: NDArray[np.int64]  # of `source`, for each frame around the line
    looks_share: float
    looks_weight: float
    same: float  # misfit of two frames that are the same
    earned: float  # what another speed must gain
    nearer: float  # what another place must gain


class _Fit(NamedTuple):
    """A way to play a source, and what speaks against it."""

    cost: float
    speed: float
    at_ms: float  # of the middle of the query


def slide_line(line: Line, query: Frames, first: int, stop: int, reference: Reference) -> Line:
    """Return the line at the place and speed around it that fits query frames first..stop-1 best.

    It stays where it is unless another place is clearly nearer.
    """
    some = informative_part(query, first, stop, _N_FRAMES)
    if len(some) < 2 or line.speed <= 0 or np.ptp(some.times_ms) > LONGEST_MS:
        return line
    around = _Around(line, some, reference, stop - first)
    views = [around.of_vectors(part) for part in _CROPS]
    fits = sorted((around.best(view, line.speed), number) for number, view in enumerate(views))
    line = around.moved([views[number] for _, number in fits[:N_PARTS]])
    some = informative_part(query, first, stop, _LUMA_FRAMES)
    if some.moving is None or reference.lumas is None:
        return line
    for _ in range(_LUMA_SLIDES):
        around = _Around(line, some, reference, stop - first)
        before, line = line, around.moved([around.of_lumas(some.moving, reference.lumas)])
        if line is before:
            break
    return line


class _Around:
    """A query and the part of a reference around its place on a line."""

    def __init__(self, line: Line, query: Frames, reference: Reference, n_frames: int) -> None:
        self._middle_ms = float(query.times_ms.mean())
        self._line, self._query, self._reference = line, query, reference
        self._at_ms = float(line.at(np.array([self._middle_ms], np.float64))[0])
        long_ms = float(np.ptp(query.times_ms))
        self._n = min(n_frames, 1 + _FRAMES_PER_S * long_ms / 1000)
        self._speeds = {line.speed, 1.0} | ({*SPEEDS} if long_ms >= SHORTEST_CHANGED_MS else set())
        reach_ms = REACH_MS + max(*SPEEDS, line.speed) * long_ms / 2
        ends = np.array([self._at_ms - reach_ms, self._at_ms + reach_ms])
        self._first, self._last = (int(frame) for frame in reference.frames_at(ends))
        shown = reference.kept[self._first : self._last + 1]
        self._numbers, self._kept = np.unique(shown, return_inverse=True)

    def best(self, view: _View, speed: float) -> _Fit:
        """Return the place that costs least at a speed."""
        step_ms = self._reference.step_ms
        n_steps = round(REACH_MS / step_ms)
        shifts_ms = np.arange(-n_steps, n_steps + 1) * step_ms
        costs = self._costs(view, speed, shifts_ms)
        best = int(costs.argmin())
        return _Fit(float(costs[best]), speed, self._at_ms + float(shifts_ms[best]))

    def moved(self, views: list[_View]) -> Line:
        """Return the line where it costs least, or as it is unless that is clearly nearer."""
        best = min(self.best(view, speed) for speed in sorted(self._speeds) for view in views)
        if min(self._here(view) - view.nearer for view in views) <= best.cost:
            return self._line
        offset_ms = best.at_ms - best.speed * self._middle_ms
        return self._line._replace(speed=best.speed, offset_ms=offset_ms)

    def of_vectors(self, part: int) -> _View:
        """Return the vectors of a part of frames: those of its run, changed as is expected."""
        query = self._query.vectors(self._line.mirrored, self._line.inner).astype(np.float32)
        source = np.ascontiguousarray(self._vectors_of(part))
        return _View(query, source, self._kept, LOOKS_SHARE, 0.0, SAME_DISTANCE, EARNED, NEARER)

    def of_lumas(self, moving: Moving, lumas: NDArray[np.uint8]) -> _View:
        """Return the luma grids of the part of frames that the query shows, as far as it does."""
        ours = moving.lumas[moving.numbers]
        if self._line.mirrored:
            ours = ours[:, :, ::-1]
        reference = self._reference
        numbers = reference.luma_of(np.arange(self._first, self._last + 1))
        here = reference.frames_at(self._line.at(self._query.times_ms))
        there = lumas[reference.luma_of(here)]
        shown = shown_part(ours.mean(axis=0), there.mean(axis=0))
        around = resampled(lumas[numbers[0] : numbers[-1] + 1], shown.part)
        source = _normalised(around, shown, each=True)
        query = _normalised(ours, shown, each=False)
        n_cells = source.shape[1]
        return _View(
            query / np.float32(np.sqrt(n_cells)),
            source / np.float32(np.sqrt(n_cells)),
            numbers - numbers[0],
            LUMA_LOOKS_SHARE,
            LUMA_LOOKS_WEIGHT,
            _SAME_LUMA,
            LUMA_EARNED,
            0.0,
        )

    def _here(self, view: _View) -> float:
        """Return what the line costs where it is, give or take a frame."""
        step_ms = self._reference.step_ms
        return float(self._costs(view, self._line.speed, step_ms * np.arange(-1, 2)).min())

    def _costs(self, view: _View, speed: float, shifts_ms: NDArray[np.floating[Any]]) -> Floats:
        times_ms = self._at_ms + speed * (self._query.times_ms - self._middle_ms)
        places_ms = times_ms + shifts_ms[:, None]
        frames = self._reference.frames_at(places_ms) - self._first
        rows = view.rows[frames.clip(0, len(view.rows) - 1)]
        remaining, looks = differences(view.query, view.source, rows)
        misfits = remaining + view.looks_share * looks + view.same
        costs = self._n * np.log(misfits) + (0.0 if speed == 1.0 else view.earned)
        costs += view.looks_weight * np.log(looks + _SAME_LOOKS)
        held = self._reference.holds(places_ms).all(axis=1)
        return np.where(held, costs, np.inf)

    def _vectors_of(self, part: int) -> NDArray[np.float32]:
        reference, numbers = self._reference, self._numbers
        whole = np.asarray(reference.vectors[numbers])
        if part == _WHOLE:
            return whole.astype(np.float32)
        if reference.windows is None or not len(reference.run_first):
            return cropped(whole, part)
        runs, run = np.unique(reference.runs[numbers], return_inverse=True)
        stored = reference.windows[part * len(reference.run_first) + runs].astype(np.float32)
        begun = cropped(np.asarray(reference.vectors[reference.run_first[runs]]), part)
        return np.asarray((stored - begun)[run] + cropped(whole, part), np.float32)


def _normalised(
    lumas: NDArray[Any],  # (n, rows, cols)
    shown: Shown,
    *,
    each: bool,  # frame has its contrast, or all have one
) -> NDArray[np.float32]:
    """Return the cells that are shown, of mean 0 and of one contrast, (n, cells)."""
    cells = lumas[:, shown.cells].astype(np.float32)
    cells -= cells.mean(axis=1, keepdims=True)
    contrast = np.sqrt(np.square(cells).mean(axis=1 if each else None, keepdims=True))
    return np.ascontiguousarray(cells * (_CONTRAST / (contrast + _NOISE)), np.float32)
