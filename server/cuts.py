"""Where a query is cut, by the jumps from one frame to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mitate.server.distances import squared_distances
from mitate.server.emissions import Floats, Frames

# Roots of squared distances of consecutive frames. Of 255 cuts of edited videos 95 % jumped by 93
# and more; of 7,800 other frames 99 % by less than 54.
NO_CUT, CUT = 45.0, 90.0


def cuts_of(query: Frames) -> Floats:
    """Return how surely a cut lies before each frame, 0..1, and after the last one, (n + 1,)."""
    jumps = np.sqrt(squared_distances(query.plain[1:], query.plain[:-1]))
    inside = ((jumps - NO_CUT) / (CUT - NO_CUT)).clip(0, 1)
    return np.concatenate([[1.0], inside, [1.0]])


def cuts_between(cuts: Floats, sampled: NDArray[np.int64]) -> Floats:
    """Return how surely a cut lies between each sampled frame and the one before, (s,)."""
    return np.asarray(np.maximum.reduceat(cuts[:-1], np.append(0, sampled[:-1] + 1)))
