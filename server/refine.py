"""Offset, speed and ends of a stretch, from every frame of the query."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitate.server.emissions import (
    Floats,
    Frames,
    Likelihood,
    Line,
    Reference,
    distances_on,
    distances_to,
)

# Speeds of edited and converted video, tried beside the measured one.
USUAL_SPEEDS = (1.0, 25 / 24, 24 / 25, 24 / 23.976, 23.976 / 24, 0.5, 2.0, 0.25, 4.0, -1.0)
SEARCH_MS = (360.0, 120.0)  # how far from the line the true place is looked for, pass by pass
LARGEST_SPEED_CHANGE = 0.15  # of the speed, that the fit may make
GIVE_UP = 18.0  # evidence that a stretch may lose on the way to gaining more
# What a line must gain over the one at speed 1, in natural logarithm of the misfit for each frame,
# to have another. Shots cut from still scenes at speed 1 gained up to 6.7 by chance, and one of 74
# gained 14 at speed 0.985; changed ones of 3 s in which something moves gained 10 and more.
EARNED = 7.0
_FRAMES_PER_S = 25.0  # more of them add nothing to that
_CHANGE_COST = 1.03  # what an explanation at another speed must be better by
_SMALLEST_WEIGHT = 1e-3
_N_FRAMES = 160
_HUBER_MS = 60.0
SAME_DISTANCE = 60  # two frames nearer than this to the same query frame are equally good
_STEEP_DISTANCE = 200.0


def refine_line(
    line: Line, query: Frames, first: int, stop: int, reference: Reference, likelihood: Likelihood
) -> Line:
    """Fit offset and speed to query frames first..stop-1 by weighted least squares."""
    some = informative_part(query, first, stop)
    if not len(some):
        return line
    for reach_ms in SEARCH_MS:
        moved_ms, weights = _displacements(line, some, reference, reach_ms, likelihood)
        if weights.sum() > _SMALLEST_WEIGHT:
            choices = [line, *_fitted(line, some.times_ms, moved_ms, weights)]
            line = min(choices, key=lambda one: _cost(one, line, some, reference, likelihood))
    return line


def informative_part(query: Frames, first: int, stop: int, most: int = _N_FRAMES) -> Frames:
    """Return frames first..stop-1 that say something, or some of them if they are many."""
    frames = np.arange(first, stop)[query.informative[first:stop]]
    if len(frames) > most:
        frames = frames[np.linspace(0, len(frames) - 1, most).astype(np.int64)]
    return query.take(frames)


def _cost(
    line: Line, before: Line, query: Frames, reference: Reference, likelihood: Likelihood
) -> float:
    """Return how badly a line explains the frames; a speed that was not there before costs more."""
    known = line.speed in (before.speed, 1.0, -1.0)
    misfit = _misfit(line, query, reference, likelihood)
    return misfit * (1.0 if known else _CHANGE_COST)


def _misfit(line: Line, query: Frames, reference: Reference, likelihood: Likelihood) -> float:
    """Return the mean distance of the frames, and what any two encodes differ by."""
    distances = np.minimum(distances_on(line, query, reference, 0), likelihood.even)
    return float(distances.mean()) + SAME_DISTANCE


def at_earned_speed(
    line: Line, query: Frames, first: int, stop: int, reference: Reference, likelihood: Likelihood
) -> Line:
    """Return the line at a plainer speed, unless its own explains the frames much better.

    In a nearly still scene any speed fits, and which fits best is chance.
    """
    some = informative_part(query, first, stop)
    if line.speed == 1.0 or not len(some):
        return line
    largest = LARGEST_SPEED_CHANGE * abs(line.speed)
    speeds = {1.0, *(usual for usual in USUAL_SPEEDS if abs(usual - line.speed) <= largest)}
    moved = [
        _through_middle(line, speed, some, reference, likelihood)
        for speed in sorted(speeds - {line.speed})
    ]
    seconds = float(np.ptp(some.times_ms)) / 1000
    n_frames = min(float(len(some)), 1 + _FRAMES_PER_S * seconds)

    def cost(one: Line) -> float:
        misfit = _misfit(one, some, reference, likelihood)
        return n_frames * float(np.log(misfit)) + (0.0 if one.speed == 1.0 else EARNED)

    return min([*moved, line], key=cost)


def _through_middle(
    line: Line, speed: float, query: Frames, reference: Reference, likelihood: Likelihood
) -> Line:
    """Return the best line at another speed that meets the given one near its middle."""
    middle_ms = float(query.times_ms.mean())
    moved = line._replace(speed=speed, offset_ms=line.offset_ms + (line.speed - speed) * middle_ms)
    half_ms = float(np.ptp(query.times_ms)) / 2
    reach_ms = min(SEARCH_MS[0], abs(line.speed - speed) * half_ms + reference.step_ms)
    n_steps = max(1, round(reach_ms / reference.step_ms))
    shifts_ms = np.arange(-n_steps, n_steps + 1) * reference.step_ms
    shifted = [moved._replace(offset_ms=moved.offset_ms + shift) for shift in shifts_ms.tolist()]
    return min(shifted, key=lambda one: _misfit(one, query, reference, likelihood))


def _displacements(
    line: Line, query: Frames, reference: Reference, reach_ms: float, likelihood: Likelihood
) -> tuple[Floats, Floats]:
    """Return how far from the line each frame has its best place, and how sure that is."""
    n_steps = max(1, round(reach_ms / reference.step_ms))
    times_ms = line.at(query.times_ms)
    around = reference.frames_at(times_ms)[:, None] + np.arange(-n_steps, n_steps + 1)
    inside = (around >= 0) & (around < len(reference.times_ms))
    around = around.clip(0, len(reference.times_ms) - 1)
    distances = distances_to(line, query, reference, reference.kept[around])
    lowest = np.where(inside, distances, np.iinfo(np.int32).max).min(axis=1)
    equal = inside & (distances <= (lowest + lowest // 8 + SAME_DISTANCE)[:, None])
    n_equal = equal.sum(axis=1)
    moved_ms = (reference.times_ms[around] - times_ms[:, None]) * equal
    steepness = np.median(distances, axis=1) - lowest
    weights = likelihood(lowest).clip(0) * steepness.clip(0) / (steepness.clip(0) + _STEEP_DISTANCE)
    return moved_ms.sum(axis=1) / n_equal, weights / n_equal**2


def _fitted(
    line: Line, times_ms: NDArray[np.int64], moved_ms: Floats, weights: Floats
) -> list[Line]:
    """Return lines that meet the displaced places: at the old, the measured and usual speeds."""
    middle_ms = float(np.average(times_ms, weights=weights))
    centred = times_ms - middle_ms
    shift_ms, slope = 0.0, 0.0
    for _ in range(4):
        rest = np.abs(moved_ms - shift_ms - slope * centred)
        robust = weights * np.minimum(1.0, _HUBER_MS / np.maximum(rest, 1e-9))
        spread = float((robust * centred**2).sum())
        shift_ms = float(np.average(moved_ms, weights=robust))
        if spread > 0 and len(times_ms) > 3:
            slope = float((robust * centred * (moved_ms - shift_ms)).sum() / spread)
    largest = LARGEST_SPEED_CHANGE * abs(line.speed)
    at_ms = line.speed * middle_ms + line.offset_ms + shift_ms
    speeds = {line.speed, line.speed + float(np.clip(slope, -largest, largest))}
    speeds |= {usual for usual in USUAL_SPEEDS if abs(usual - line.speed) <= largest}
    return [
        line._replace(speed=speed, offset_ms=at_ms - speed * middle_ms) for speed in sorted(speeds)
    ]


def find_ends(
    line: Line,
    query: Frames,
    core: tuple[int, int],  # first and stop frame
    limits: tuple[int, int],  # first and stop frame that may be reached
    reference: Reference,
    likelihood: Likelihood,
) -> tuple[int, int]:
    """Return first and stop frame of the stretch around `core` with the most evidence."""
    low, high = limits
    window = query.take(np.arange(low, high))
    evidence = likelihood(distances_on(line, window, reference))
    evidence = np.where(window.informative, evidence, np.minimum(evidence, 0.0))
    middle = (core[0] + core[1]) // 2 - low
    return low + middle - _reach(evidence[:middle][::-1]), low + middle + _reach(evidence[middle:])


def _reach(evidence: Floats) -> int:
    """Return how many frames to go for the largest sum, stopping where too much is lost."""
    sums = np.concatenate([[0.0], np.cumsum(evidence)])
    lost = np.flatnonzero(np.maximum.accumulate(sums) - sums > GIVE_UP)
    return int(np.argmax(sums[: lost[0]] if len(lost) else sums))
