"""In scans small pictures choose between sources, and find what descriptors cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from signatures import moving_layouts, pictured, signature
from test_search_picture import Shelf

from mitate.kernels.signature import Signature
from mitate.server.library import NewSource
from mitate.server.records import Timeline, Verdict
from mitate.server.search_clip import scan

FIRST, STOP = 240, 288  # frames of a film, from 10 s to 12 s
BEYOND_DESCRIPTORS = 5  # by which coefficients are off that no longer lead to the source


def film(seed: int) -> NDArray[np.uint8]:
    return moving_layouts(np.random.default_rng(seed), 960)


def shelf(*signatures: Signature) -> Shelf:
    made = Shelf()
    made.library.add(*(NewSource(i, i, i, one) for i, one in enumerate(signatures)))
    return made


def scanned(query: Signature, within: Shelf) -> Timeline:
    return scan(query, within.find, within.name_of)


def shot(whole: Signature) -> Signature:
    return whole.part(FIRST, STOP, with_runs=True)


@pytest.mark.parametrize("right", [0, 1])
def test_of_sources_with_the_same_descriptors_that_with_the_same_pictures_is_told(
    right: int,
) -> None:
    one = pictured(signature(film(0)))
    other = replace(one, thumbnails=np.ascontiguousarray(255 - one.thumbnails[:, ::-1]))
    both = shelf(one, other)
    (segment,) = scanned(shot((one, other)[right]), both).segments
    assert segment.episode_id == right
    assert abs(segment.from_ms - 10_000) <= 60
    (plain,) = scanned(signature(film(0)[FIRST:STOP]), both).segments
    assert plain.verdict == Verdict.AMBIGUOUS
    assert {plain.episode_id, *(also.episode_id for also in plain.alternatives)} == {0, 1}


def test_a_shot_that_descriptors_leave_unexplained_is_told_by_its_pictures() -> None:
    sources = [pictured(signature(film(i))) for i in range(3)]
    off = np.random.default_rng(1).integers(-BEYOND_DESCRIPTORS, BEYOND_DESCRIPTORS + 1, (1, 33))
    off[:, 0] = 0
    plain = signature((film(1)[FIRST:STOP] + off).clip(0, 31).astype(np.uint8))
    shown = shot(sources[1])
    runs = np.minimum(shown.run_first, plain.n_kept - 1)
    query = replace(plain, run_first=runs, windows=shown.windows, thumbnails=shown.thumbnails)
    assert scanned(plain, shelf(*sources)).segments == ()
    segments = scanned(query, shelf(*sources)).segments
    assert segments and {one.episode_id for one in segments} == {1}
    assert sum(one.query_to_ms - one.query_from_ms for one in segments) >= 1400
    assert all(abs(one.from_ms - one.query_from_ms - 10_000) <= 100 for one in segments)
    others = replace(query, thumbnails=np.ascontiguousarray(query.thumbnails[::-1, ::-1]))
    assert scanned(others, shelf(*sources)).segments == ()
