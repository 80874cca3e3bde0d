"""Squared distances between searched vectors, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.jit import jit

Vectors = NDArray[np.int8]  # (..., 32)


def squared_distances(one: Vectors, other: Vectors) -> NDArray[np.int32]:
    """Return squared distances along the last axis; the others, at most two, are broadcast."""
    shape = np.broadcast_shapes(one.shape[:-1], other.shape[:-1])
    found = np.empty(shape, np.int32)
    table = found.reshape((1,) * (2 - len(shape)) + shape)
    _compare(_in_table(one), _in_table(other), table)
    return found


def _in_table(vectors: Vectors) -> Vectors:
    """Return vectors of shape (n, k, 32)."""
    return np.ascontiguousarray(vectors).reshape((1,) * (3 - vectors.ndim) + vectors.shape)


@jit
def _compare(one: Vectors, other: Vectors, found: NDArray[np.int32]) -> None:
    down, across = one.shape[0] > 1, one.shape[1] > 1
    other_down, other_across = other.shape[0] > 1, other.shape[1] > 1
    for i in range(found.shape[0]):
        for j in range(found.shape[1]):
            mine = one[i * down, j * across]
            theirs = other[i * other_down, j * other_across]
            total = np.int32(0)
            for k in range(one.shape[2]):
                difference = np.int32(mine[k]) - np.int32(theirs[k])
                total += difference * difference
            found[i, j] = total
