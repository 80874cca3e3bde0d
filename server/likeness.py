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

Window = tuple[float, float, float, float]  # left, top, right, bottom in 0..1

N_LOOKS = 4  # small pictures of the query that are compared
_SPREAD_MS = 90.0  # around the place on the line, where a run of the source may lie
_DARK = 26  # luma of a picture that shows nothing
_SAME_COLOUR = 10  # levels by which cells of a border differ
_COVERED_SHARE = 0.25  # of a line of a border that captions and logos may cover
_LEAST_CELLS = 6  # of a picture within its border, along each side
_WHOLE: Window = (0.0, 0.0, 1.0, 1.0)
_LARGEST_WINDOW = 0  # in which any picture is tried


def likeness(
    query: Signature,
    source: Signature,
    line: Line,
    span: tuple[int, int],  # frames of the query, first and stop
) -> float | None:
    """Return how well both agree, 1 at most, or None where there are no pictures."""
    runs = _runs_within(query, *span, N_LOOKS)
    if not len(runs) or not len(source.run_first):
        return None
    looks = query.thumbnails[runs]
    if looks.max() <= _DARK:
        return None
    if line.mirrored:
        looks = looks[:, :, ::-1]
    times_ms = query.times_ms[query.kept_first[query.run_first[runs]]]
    near = [_runs_near(source, float(at_ms)) for at_ms in line.at(times_ms)]
    thumbnails = [source.thumbnails[numbers] for numbers in near]
    aspect = query.rect.width / query.rect.height
    return max(
        _agreement(part, aspect * _shape(part) / _shape(looks), thumbnails, line)
        for part in _parts(looks)
    )


def compared(
    query: Signature,
    played: Sequence[tuple[Signature, Line]],  # sources, and how they may be played
    span: tuple[int, int],  # frames of the query, first and stop
) -> list[float]:
    """Return roughly how well each agrees with one picture of the query, 1 at most."""
    runs = _runs_within(query, *span, 1)
    found = np.zeros(len(played))
    if not len(runs) or query.thumbnails[runs].max() <= _DARK:
        return found.tolist()
    times_ms = query.times_ms[query.kept_first[query.run_first[runs]]]
    numbers, mirrored, thumbnails, windows = [], [], [], []
    for number, (source, line) in enumerate(played):
        if not len(source.run_first):
            continue
        for run in _runs_near(source, float(line.at(times_ms)[0])):
            for window in _windows(line):
                numbers.append(number)
                mirrored.append(int(line.mirrored))
                thumbnails.append(source.thumbnails[run])
                windows.append(window)
    aspect = query.rect.width / query.rect.height
    for part in _parts(query.thumbnails[runs]) if numbers else []:
        both = np.concatenate([part, part[:, :, ::-1]])
        agreed = agreements(
            np.ascontiguousarray(both, np.float32),
            np.full(2, aspect * _shape(part) / _shape(query.thumbnails)),
            np.array(mirrored, np.int64),
            np.stack(thumbnails),
            np.array(windows, np.float64),
        )
        np.maximum.at(found, numbers, agreed)
    return found.tolist()


def _shape(pictures: NDArray[np.uint8]) -> float:
    return float(pictures.shape[2] / pictures.shape[1])


def _agreement(
    looks: NDArray[np.uint8],  # (n, rows, cols)
    aspect: float,
    thumbnails: Sequence[NDArray[np.uint8]],  # of the source, for each look
    line: Line,
) -> float:
    """Return the median over looks of the best agreement with any of the thumbnails for it."""
    windows = np.array(_windows(line), np.float64)
    best = [
        agreements(
            np.ascontiguousarray(look[None], np.float32),
            np.full(1, aspect),
            np.zeros(len(theirs) * len(windows), np.int64),
            np.repeat(theirs, len(windows), axis=0),
            np.tile(windows, (len(theirs), 1)),
        ).max()
        for look, theirs in zip(looks, thumbnails, strict=True)
    ]
    return float(np.median(best))


def _runs_within(query: Signature, first: int, stop: int, n_looks: int) -> NDArray[np.int64]:
    """Return a few runs that begin within some frames, evenly; the one shown there if none does."""
    begins = query.kept_first[query.run_first].astype(np.int64)
    low, high = np.searchsorted(begins, [first, stop])
    if low == high:
        low = max(0, low - 1)
    if n_looks == 1 and high > low:
        return np.array([(low + high - 1) // 2], np.int64)
    chosen = np.linspace(low, high - 1, min(n_looks, high - low))
    return np.asarray(np.unique(np.rint(chosen)), np.int64)


def _runs_near(source: Signature, at_ms: float) -> list[int]:
    around = np.searchsorted(source.times_ms, [at_ms - _SPREAD_MS, at_ms, at_ms + _SPREAD_MS])
    frames = around.clip(0, source.n_frames - 1)
    return sorted({int(run) for run in source.run_of(source.kept_of(frames))})


def _windows(line: Line) -> list[Window]:
    """Return what parts of the source a picture may show, left, top, right, bottom in 0..1."""
    numbers = dict.fromkeys([*line.windows, _LARGEST_WINDOW])
    rects = [WINDOWS[number].rect for number in numbers]
    parts = [tuple(side / FINE_CELLS for side in rect) for rect in rects]
    return [_WHOLE, *parts]  # type: ignore[list-item]


def _parts(looks: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return pictures, and these without the plain columns or rows around all of them.

    Plain lines are a border, or belong to the picture.
    """
    cols, rows = _within(looks), _within(looks.transpose(0, 2, 1))
    found = [looks]
    if cols is not None:
        found.append(looks[:, :, cols])
    if rows is not None:
        found += [one[:, rows] for one in found]
    return found


def _within(looks: NDArray[np.uint8]) -> slice | None:
    """Return the columns between those that are plain on either side; None if there are none."""
    left, right = _plain(looks), _plain(looks[:, :, ::-1])
    n = looks.shape[2] - left - right
    return slice(left, left + n) if left + right and n >= _LEAST_CELLS else None


def _plain(looks: NDArray[np.uint8]) -> int:
    """Return how many columns have the colour of the first one in all pictures, but for a part."""
    colours = np.median(looks[:, :, 0], axis=1).astype(np.int16)
    other = (np.abs(looks - colours[:, None, None]) > _SAME_COLOUR).mean(axis=1).max(axis=0)
    return int(np.append(other > _COVERED_SHARE, True).argmax())
