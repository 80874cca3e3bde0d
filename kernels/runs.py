"""Runs: consecutive kept frames that look nearly like the first of them.

The first frame of a run stands for all of it where more is stored of a frame than its descriptor.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit

# Squared distance of searched vectors from which a frame begins a run of its own.
NEW_RUN_DISTANCE = 645

Vectors = npt.NDArray[np.int8]  # (n, 32)


def run_starts(
    vectors: Vectors,  # (n, 32) of consecutive kept frames
    current: Vectors | None = None,  # (32,) of the frame that began the run under way
) -> npt.NDArray[np.int64]:
    """Return the numbers of the frames that begin a run, increasing."""
    if not len(vectors):
        return np.zeros(0, np.int64)
    begins = np.zeros(len(vectors), np.bool_)
    begins[0] = current is None
    first = vectors[0] if current is None else current
    _mark(vectors.astype(np.int32), first.astype(np.int32), NEW_RUN_DISTANCE, begins)
    return np.flatnonzero(begins)


@jit
def _mark(
    vectors: npt.NDArray[np.int32],
    first: npt.NDArray[np.int32],
    limit: int,
    begins: npt.NDArray[np.bool_],
) -> None:
    current = first
    for i in range(len(vectors)):
        distance = 0
        for j in range(len(current)):
            difference = vectors[i, j] - current[j]
            distance += difference * difference
        if distance > limit:
            begins[i] = True
        if begins[i]:
            current = vectors[i]
