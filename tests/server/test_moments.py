"""How far a moment reaches: the quick look at both sides agrees with the definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from signatures import random_layouts, signature

from mitate.kernels.vector import derive
from mitate.server.distances import squared_distances
from mitate.server.index_numpy import NumpyIndex
from mitate.server.library import Library, NewSource
from mitate.server.loaded import LoadedSource
from mitate.server.moments import LARGEST_GAP_MS, _reaches

LIMIT = 400.0
SEEDS = st.integers(0, 10_000)


def source_of(near: list[bool], steps_ms: list[int], seed: int) -> tuple[LoadedSource, int]:
    """A source of two drawings in turns: the kept frames that show the first are `near`."""
    random = np.random.default_rng(seed)
    drawing, other = random_layouts(random, 2)
    layouts = np.where(np.array(near)[:, None], drawing, other)
    layouts[:, 0] = (
        10 + np.arange(len(near)) % 2
    )  # neighbours differ in brightness, so all are kept
    times_ms = np.cumsum([0, *steps_ms[: len(near) - 1]])
    library = Library(NumpyIndex)
    library.add(NewSource(1, 1, 1, signature(layouts, times_ms=times_ms)))
    source = library.snapshot().sources[1]
    return source, int(random.choice(np.flatnonzero(near)))


def defined(source: LoadedSource, kept: int, step: int) -> int:
    """Walk frame by frame to one side."""
    made = source.signature
    vector = source.vectors[kept]
    ends = np.append(made.kept_first[1:], made.n_frames)
    reached, at = kept, kept + step
    while 0 <= at < made.n_kept:
        lower, upper = sorted((reached, at))
        gap_ms = made.times_ms[made.kept_first[upper]] - made.times_ms[ends[lower] - 1]
        if squared_distances(source.vectors[at], vector) <= LIMIT:
            if gap_ms > LARGEST_GAP_MS:
                break
            reached = at
        at += step
    return reached


@given(st.lists(st.booleans(), min_size=1, max_size=120), SEEDS, SEEDS)
def test_a_moment_reaches_as_far_as_walking_does(near: list[bool], seed: int, start: int) -> None:
    near[start % len(near)] = True
    steps = np.random.default_rng(seed).choice([40, 42, 90, 130, 300], len(near)).tolist()
    source, kept = source_of(near, steps, seed)
    vector = source.vectors[kept]
    assert derive(source.signature.layouts[kept : kept + 1])[0].tolist() == vector.tolist()
    expected = defined(source, kept, -1), defined(source, kept, 1)
    assert _reaches(source, kept, vector, LIMIT) == expected
