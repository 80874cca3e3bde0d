"""How well the small pictures of a stretch agree with those of its source.

Descriptors tell which line is likely; the small pictures, shifted and scaled onto each other, tell
whether it is right. Both sides store one for each run of frames that look alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.fine import agreements
from mitate.kernels.grids import FINE_CELLS
from mitate.kernels.signature import Signature
from mitate.kernels.windows import WINDOWS
from mitate.server.emissions import Line

N_LOOKS = 4  # small pictures of the query that are compared
_SPREAD_MS = 90.0  # around the place on the line, where a run of the source may lie
_DARK = 26  # luma up to which rows and columns are taken for a border
_LEAST_CELLS = 6  # of a picture within its border, along each side
_WHOLE = (0.0, 0.0, 1.0, 1.0)
_LARGEST_WINDOW = 0  # in which any picture is tried
Range = tuple[int, int]  # first and stop
Part = tuple[float, float, float, float]  # left, top, right, bottom in 0..1
Pair = tuple[int, int, Part]  # look, run of the source, and what part of it the look may show


def likeness(
    query: Signature,
    source: Signature,
    line: Line,
    span: tuple[int, int],  # frames of the query, first and stop
) -> float | None:
    """Return how well both agree, 1 at most, or None where there are no pictures."""
    runs = _runs_within(query, *span)
    if not len(runs) or not len(source.run_first):
        return None
    looks = query.thumbnails[runs]
    inside = _within_border(looks)
    if inside is None:
        return None
    times_ms = query.times_ms[query.kept_first[query.run_first[runs]]]
    pairs = [
        (view, run, window)
        for view, at_ms in enumerate(line.at(times_ms))
        for run in _runs_near(source, float(at_ms))
        for window in _windows(line)
    ]
    tall, wide = (slice(*one) for one in inside)
    framed = looks[:, tall, wide]
    aspect = query.rect.width / query.rect.height
    # A dark side may be a border or a part of the picture.
    found = [_agreement(looks, aspect, source, line, pairs)]
    if framed.shape != looks.shape:
        shape = aspect * (framed.shape[2] / looks.shape[2]) / (framed.shape[1] / looks.shape[1])
        found.append(_agreement(framed, shape, source, line, pairs))
    return max(found)


def _agreement(
    looks: NDArray[np.uint8],  # (n, rows, cols) of the query
    aspect: float,  # width by height of what they show
    source: Signature,
    line: Line,
    pairs: Sequence[Pair],
) -> float:
    """Return how well the looks agree with the best run and window of each."""
    if line.mirrored:
        looks = looks[:, :, ::-1]
    best = []
    for view, look in enumerate(looks):
        mine = [(run, window) for number, run, window in pairs if number == view]
        best.append(
            agreements(
                np.ascontiguousarray(look[None], np.float32),
                np.full(1, aspect),
                np.zeros(len(mine), np.int64),
                np.ascontiguousarray(source.thumbnails[[run for run, _ in mine]]),
                np.array([window for _, window in mine], np.float64),
            ).max()
        )
    return float(np.median(best))


def _runs_within(query: Signature, first: int, stop: int) -> NDArray[np.int64]:
    """Return a few runs that begin within some frames, evenly; the one shown there if none does."""
    begins = query.kept_first[query.run_first].astype(np.int64)
    low, high = np.searchsorted(begins, [first, stop])
    if low == high:
        low = max(0, low - 1)
    chosen = np.linspace(low, high - 1, min(N_LOOKS, high - low))
    return np.asarray(np.unique(np.rint(chosen)), np.int64)


def _runs_near(source: Signature, at_ms: float) -> list[int]:
    around = np.searchsorted(source.times_ms, [at_ms - _SPREAD_MS, at_ms, at_ms + _SPREAD_MS])
    frames = around.clip(0, source.n_frames - 1)
    return sorted({int(run) for run in source.run_of(source.kept_of(frames))})


def _windows(line: Line) -> list[Part]:
    """Return what parts of the source a picture may show, left, top, right, bottom in 0..1."""
    numbers = dict.fromkeys([*line.windows, _LARGEST_WINDOW])
    rects = [WINDOWS[number].rect for number in numbers]
    parts = [tuple(side / FINE_CELLS for side in rect) for rect in rects]
    return [_WHOLE, *parts]  # type: ignore[list-item]


def _within_border(looks: NDArray[np.uint8]) -> tuple[Range, Range] | None:
    """Return the rows and columns within the dark ones around all pictures; None if all are."""
    bright = looks.max(axis=0) > _DARK
    rows, cols = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    if len(rows) < _LEAST_CELLS or len(cols) < _LEAST_CELLS:
        return None
    return (int(rows[0]), int(rows[-1]) + 1), (int(cols[0]), int(cols[-1]) + 1)
