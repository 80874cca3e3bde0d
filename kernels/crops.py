"""What searched vectors of a frame say about a part of it.

The coefficients of a descriptor are those of cosines over the frame; the same cosines over a part
of it, transformed again, predict the descriptor of that part as far as low frequencies go. What
they miss stays nearly the same while a scene lasts, so the prediction follows what moves in it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from mitate.kernels.grids import FINE_CELLS
from mitate.kernels.layout import AC, CHANNEL, DCT, POSITION, ZIGZAG_U, ZIGZAG_V
from mitate.kernels.vector import N_DIMS
from mitate.kernels.windows import WINDOWS

Floats = npt.NDArray[np.float32]

_SAMPLES = 8
_LEAST_LENGTH = 1.0


def cropped(
    vectors: npt.NDArray[np.int8],  # (n, 32) searched vectors of whole frames
    window: int,
) -> Floats:
    """Return the vectors that a window of each frame is expected to have, (n, 32)."""
    whole = vectors.astype(np.float32)
    found = whole @ _matrix(window)
    for part in _PARTS:
        lengths = np.linalg.norm(whole[:, part], axis=1, keepdims=True)
        shrunk = np.linalg.norm(found[:, part], axis=1, keepdims=True)
        found[:, part] *= lengths / np.maximum(shrunk, _LEAST_LENGTH)
    return found


@cache
def _matrix(window: int) -> Floats:
    """Return the matrix that takes row vectors of frames to those of a window, (32, 32)."""
    left, top, right, bottom = (side / FINE_CELLS for side in WINDOWS[window].rect)
    across, down = _along(left, right), _along(top, bottom)
    v, u, channel = ZIGZAG_V[POSITION[AC]], ZIGZAG_U[POSITION[AC]], CHANNEL[AC]
    matrix = np.zeros((N_DIMS, N_DIMS), np.float32)
    same = channel[:, None] == channel[None, :]
    taken = down[np.ix_(v, v)] * across[np.ix_(u, u)] * same
    matrix[: len(AC), : len(AC)] = taken.T
    return matrix


def _along(begin: float, end: float) -> npt.NDArray[np.float64]:
    """Return what each frequency of a side gives to those of a part of it, (to, from)."""
    frequencies = np.arange(_SAMPLES)
    at = begin + (end - begin) * (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    waves = np.cos(np.pi * frequencies * at[:, None]) * np.where(frequencies, 0.5, np.sqrt(0.125))
    return np.asarray(DCT @ waves)


_LUMA = slice(0, int((CHANNEL[AC] == 0).sum()))
_PARTS = _LUMA, slice(_LUMA.stop, len(AC))
