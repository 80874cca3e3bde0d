"""How well a view agrees with a thumbnail that lies on it at a known place.

Three agreements are averaged: the correlation of luma, that of luma normalised within a small
neighbourhood, and the latter block by block with the worst blocks left out, so that an overlay over
a part does little harm. What of the view lies outside the reference costs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit

Floats = npt.NDArray[np.float64]

PARTS = ("luma", "local luma", "better blocks")  # the agreements that are averaged
_WEIGHTS = np.array([0.25, 0.3, 0.45])
_OUTSIDE_COST = 0.6  # of a view that lies outside the reference altogether
_LEAST_OVERLAP = 0.3
_NOTHING = -1.0  # agreement of what cannot be compared
# Blocks of a view, of which the worst by this share of their weight are left out.
_BLOCK_ROWS, _BLOCK_COLS = 3, 4
_KEPT_SHARE = 0.7
_RADIUS = 3  # of the neighbourhood, in cells
_NOISE = 9.0  # variance of luma that is not believed


@jit
def agreement_at(
    luma: Floats,  # (rows, cols) of the view
    normalised: Floats,  # likewise
    thumbnail: npt.NDArray[np.uint8],
    place: Floats,  # (5,) middle, width and height of the view on the thumbnail, 0..1; radians
    aspect: float,  # of the view, width by height
) -> float:
    """Return the agreement of a view at a place, 1 at most."""
    shown, there = np.zeros(luma.shape), np.zeros(luma.shape, np.bool_)
    parts, overlap = agreement_parts(luma, normalised, thumbnail, place, aspect, shown, there)
    if overlap < _LEAST_OVERLAP:
        return _NOTHING
    agreement: float = (parts * _WEIGHTS).sum() - _OUTSIDE_COST * (1 - overlap)
    return agreement


@jit
def agreement_parts(
    luma: Floats,
    normalised: Floats,
    thumbnail: npt.NDArray[np.uint8],
    place: Floats,
    aspect: float,
    shown: Floats,  # is filled in, and so is `there`
    there: npt.NDArray[np.bool_],
) -> tuple[Floats, float]:
    """Return the agreements that are averaged, in the order of PARTS, and the overlap, 0..1."""
    parts = np.zeros(len(PARTS))
    overlap = _sample(thumbnail, place, aspect, shown, there) / shown.size
    if overlap < _LEAST_OVERLAP:
        return parts, overlap
    shown_normalised = np.zeros(shown.shape)
    normalise(shown, there, shown_normalised)
    parts[0], _, _ = _correlation(luma, shown, there, 4.0)
    parts[1], _, _ = _correlation(normalised, shown_normalised, there, 0.01)
    parts[2] = _trimmed(normalised, shown_normalised, there)
    return parts, overlap


@jit
def _sample(
    thumbnail: npt.NDArray[np.uint8],
    place: Floats,
    aspect: float,
    shown: Floats,
    there: npt.NDArray[np.bool_],
) -> int:
    """Read the thumbnail where each cell of the view lies; return how many lie within it."""
    rows, cols = shown.shape
    height, width = thumbnail.shape
    cos, sin = np.cos(place[4]), np.sin(place[4])
    n_within = 0
    for i in range(rows):
        v = (i + 0.5) / rows - 0.5
        for j in range(cols):
            u = (j + 0.5) / cols - 0.5
            x = place[0] + place[2] * (u * cos - v / aspect * sin)
            y = place[1] + place[3] * (u * aspect * sin + v * cos)
            if not (0 <= x < 1 and 0 <= y < 1):
                continue
            n_within += 1
            there[i, j] = True
            fx, fy = max(x * width - 0.5, 0.0), max(y * height - 0.5, 0.0)
            x0, y0 = min(int(fx), width - 2), min(int(fy), height - 2)
            ax, ay = min(fx - x0, 1.0), min(fy - y0, 1.0)
            above = thumbnail[y0, x0] * (1 - ax) + thumbnail[y0, x0 + 1] * ax
            below = thumbnail[y0 + 1, x0] * (1 - ax) + thumbnail[y0 + 1, x0 + 1] * ax
            shown[i, j] = above * (1 - ay) + below * ay
    return n_within


@jit
def normalise(luma: Floats, there: npt.NDArray[np.bool_], out: Floats) -> None:
    """Subtract the mean of the cells around and divide by their deviation."""
    rows, cols = luma.shape
    sums = np.zeros((3, rows + 1, cols + 1))  # of cells, their luma and its square
    for i in range(rows):
        row = np.zeros(3)
        for j in range(cols):
            if there[i, j]:
                row[0] += 1
                row[1] += luma[i, j]
                row[2] += luma[i, j] * luma[i, j]
            for k in range(3):
                sums[k, i + 1, j + 1] = sums[k, i, j + 1] + row[k]
    around = np.zeros(3)
    for i in range(rows):
        top, bottom = max(0, i - _RADIUS), min(rows, i + _RADIUS + 1)
        for j in range(cols):
            left, right = max(0, j - _RADIUS), min(cols, j + _RADIUS + 1)
            for k in range(3):
                part = sums[k, bottom, right] - sums[k, top, right]
                around[k] = part - sums[k, bottom, left] + sums[k, top, left]
            if there[i, j]:
                mean = around[1] / around[0]
                variance = max(around[2] / around[0] - mean * mean, 0.0)
                out[i, j] = (luma[i, j] - mean) / np.sqrt(variance + _NOISE)


@jit
def _correlation(
    one: Floats, other: Floats, there: npt.NDArray[np.bool_], floor: float
) -> tuple[float, int, float]:
    """Return correlation, cells compared, and the larger deviation of the two."""
    n = 0
    x = y = xx = yy = xy = 0.0
    rows, cols = one.shape
    for i in range(rows):
        for j in range(cols):
            if there[i, j]:
                a, b = one[i, j], other[i, j]
                n += 1
                x += a
                y += b
                xx += a * a
                yy += b * b
                xy += a * b
    if n == 0:
        return 0.0, 0, 0.0
    x_variance = max(xx / n - (x / n) ** 2, 0.0)
    y_variance = max(yy / n - (y / n) ** 2, 0.0)
    correlation = (xy / n - x / n * y / n) / (np.sqrt(x_variance * y_variance) + floor)
    return correlation, n, np.sqrt(max(x_variance, y_variance))


@jit
def _trimmed(one: Floats, other: Floats, there: npt.NDArray[np.bool_]) -> float:
    """Return the mean correlation of the better blocks, weighted by what they hold."""
    rows, cols = one.shape
    high, wide = rows // _BLOCK_ROWS, cols // _BLOCK_COLS
    values, weights = np.zeros(_BLOCK_ROWS * _BLOCK_COLS), np.zeros(_BLOCK_ROWS * _BLOCK_COLS)
    for block in range(len(values)):
        y, x = block // _BLOCK_COLS * high, block % _BLOCK_COLS * wide
        correlation, n, deviation = _correlation(
            one[y : y + high, x : x + wide],
            other[y : y + high, x : x + wide],
            there[y : y + high, x : x + wide],
            0.02,
        )
        if 3 * n >= high * wide:
            values[block], weights[block] = correlation, deviation * n / (high * wide)
    left = _KEPT_SHARE * weights.sum()
    total = kept = 0.0
    for block in np.argsort(-values):
        weight = min(weights[block], left - kept)
        if weight > 0:
            total += weight * values[block]
            kept += weight
    return total / kept if kept > 0 else 0.0
