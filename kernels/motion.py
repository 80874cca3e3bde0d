"""How differently two sequences of vectors move, apart from how differently they look.

A crop, a caption, a logo or another grade moves all vectors of a shot by nearly the same amount.
The mean difference is therefore told apart from what remains once it is taken away.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit

Floats = npt.NDArray[np.float32]


def differences(
    query: Floats,  # (n, d)
    source: Floats,  # (m, d)
    places: npt.NDArray[np.int64],  # (s, n) of the source, for each of s ways to play it
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return squared lengths, (s,): of what remains, in the mean over frames, and of the mean."""
    remaining, common = np.zeros(len(places)), np.zeros(len(places))
    _differ(query, source, places, remaining, common)
    return remaining, common


@jit
def _differ(
    query: Floats,
    source: Floats,
    places: npt.NDArray[np.int64],
    remaining: npt.NDArray[np.float64],
    common: npt.NDArray[np.float64],
) -> None:
    n, n_dims = query.shape
    sums, squares = np.zeros(n_dims, np.float32), np.zeros(n_dims, np.float32)
    for way in range(len(places)):
        sums[:] = 0
        squares[:] = 0
        for frame in range(n):
            place = places[way, frame]
            for dim in range(n_dims):
                apart = query[frame, dim] - source[place, dim]
                sums[dim] += apart
                squares[dim] += apart * apart
        mean, total = 0.0, 0.0
        for dim in range(n_dims):
            mean += float(sums[dim]) * float(sums[dim])
            total += float(squares[dim])
        common[way] = mean / (n * n)
        remaining[way] = max(total / n - common[way], 0.0)
