"""How well thumbnails of references agree with views of a query, shifted and scaled onto them.

The best candidates are aligned: their place, size, aspect and angle move while the agreement grows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.agreement import agreement_at, normalise
from mitate.kernels.jit import jit

Floats = npt.NDArray[np.float64]

# First steps of an alignment: place, both sizes, one size, angle; shares of the view and radians.
_STEPS = np.array([0.04, 0.04, 0.06, 0.06, 0.06, 0.035])
# Candidates that are aligned roughly, and how far behind the best one is aligned no further.
_N_ALIGNED = 12
_FAR_BEHIND = 0.12
_ROUGH_HALVINGS, _FINE_HALVINGS = 2, 3
# A view that shows less than this of a reference is softened, as its thumbnail is.
_SOFT_AREA = 0.6
_SOFT_WEIGHT = 0.15  # of the neighbours on either side
_LEAST_GAIN = 1e-4


def agreements(
    grids: npt.NDArray[np.float32],  # (v, rows, cols) luma of the views
    aspects: Floats,  # (v,) width by height
    views: npt.NDArray[np.int64],  # (c,) view of each candidate
    thumbnails: npt.NDArray[np.uint8],  # (c, rows, cols) luma of each candidate
    windows: Floats,  # (c, 4) left, top, right, bottom in 0..1: what the view may show of it
) -> Floats:
    """Return how well each candidate agrees with its view, (c,): 1 at most, unrelated near 0.3."""
    compared = prepare(grids, aspects, views, thumbnails, places_of(windows))
    return align(compared)


class Compared(NamedTuple):
    """Candidates with their views, as compiled code takes them."""

    luma: Floats  # (2v, rows, cols) of the views, then of these softened
    normalised: Floats  # likewise
    aspects: Floats  # (2v,)
    views: npt.NDArray[np.int64]  # (c,)
    thumbnails: npt.NDArray[np.uint8]  # (c, rows, cols)
    places: Floats  # (c, 5); moves while views are aligned


def prepare(
    grids: npt.NDArray[np.float32],
    aspects: Floats,
    views: npt.NDArray[np.int64],
    thumbnails: npt.NDArray[np.uint8],
    places: Floats,  # (c, 5)
) -> Compared:
    """Return candidates and their views, ready to be aligned."""
    sharp = np.asarray(grids, np.float64)
    luma = np.concatenate([sharp, _softened(sharp)])
    normalised = np.zeros_like(luma)
    everywhere = np.ones(luma.shape[1:], np.bool_)
    for i in range(len(luma)):
        normalise(luma[i], everywhere, normalised[i])
    softened = places[:, 2] * places[:, 3] < _SOFT_AREA
    chosen = np.where(softened, views + len(sharp), views)
    return Compared(luma, normalised, np.tile(aspects, 2), chosen, thumbnails, places)


def align(compared: Compared) -> Floats:
    """Return how well each candidate agrees once the best are aligned, (c,)."""
    found = np.zeros(len(compared.views))
    _agree_all(*compared, found)
    best = np.argsort(-found, kind="stable")[:_N_ALIGNED]
    _align_all(*compared, best, _STEPS, _ROUGH_HALVINGS, found)
    near = best[found[best] >= found.max() - _FAR_BEHIND]
    _align_all(*compared, near, _STEPS / 2**_ROUGH_HALVINGS, _FINE_HALVINGS, found)
    return found


def _softened(luma: Floats) -> Floats:
    """Return pictures of which each cell has some of its neighbours, (v, rows, cols)."""
    for axis in (1, 2):
        edges = [(int(axis == other),) * 2 for other in range(3)]
        padded = np.moveaxis(np.pad(luma, edges, "edge"), axis, 0)
        sides = _SOFT_WEIGHT * (padded[:-2] + padded[2:])
        luma = np.moveaxis(sides + (1 - 2 * _SOFT_WEIGHT) * padded[1:-1], 0, axis)
    return np.ascontiguousarray(luma)


def places_of(windows: Floats) -> Floats:
    """Return where views lie that show just these windows, (c, 5)."""
    left, top, right, bottom = np.asarray(windows, np.float64).T
    middle = (left + right) / 2, (top + bottom) / 2
    return np.stack((*middle, right - left, bottom - top, np.zeros(len(left))), axis=1)


@jit
def _agree_all(
    luma: Floats,
    normalised: Floats,
    aspects: Floats,
    views: npt.NDArray[np.int64],
    thumbnails: npt.NDArray[np.uint8],
    places: Floats,
    found: Floats,
) -> None:
    for i in range(len(views)):
        view = views[i]
        found[i] = agreement_at(
            luma[view], normalised[view], thumbnails[i], places[i], aspects[view]
        )


@jit
def _align_all(
    luma: Floats,
    normalised: Floats,
    aspects: Floats,
    views: npt.NDArray[np.int64],
    thumbnails: npt.NDArray[np.uint8],
    places: Floats,
    chosen: npt.NDArray[np.int64],
    first_steps: Floats,
    n_halvings: int,
    found: Floats,
) -> None:
    for i in chosen:
        view, steps = views[i], first_steps.copy()
        for _ in range(n_halvings):
            for move in range(2 * len(steps)):
                trial = places[i].copy()
                _move(trial, move // 2, steps[move // 2] * (1 - 2 * (move % 2)))
                value = agreement_at(
                    luma[view], normalised[view], thumbnails[i], trial, aspects[view]
                )
                if value > found[i] + _LEAST_GAIN:
                    found[i] = value
                    places[i] = trial
            steps /= 2


@jit
def _move(place: Floats, what: int, step: float) -> None:
    if what == 0:
        place[0] += step * place[2]
    elif what == 1:
        place[1] += step * place[3]
    elif what == 2:
        place[2] *= 1 + step
        place[3] *= 1 + step
    elif what < 5:
        place[what - 1] *= 1 + step
    else:
        place[4] += step
