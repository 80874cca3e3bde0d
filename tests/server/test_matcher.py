"""An answer is exact only if the index proved every search that was made for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from signatures import random_layouts

from mitate.kernels.decode import Limits
from mitate.server.engine import Engine
from mitate.server.index import Neighbours
from mitate.server.index_numpy import NumpyIndex
from mitate.server.library import Library
from mitate.server.matcher import Matcher, Wanted


class Unproved(NumpyIndex):
    """Says of every answer that it may lack something."""

    def search(self, queries: Any, k: int, allowed: Any = None) -> Neighbours:
        found = super().search(queries, k, allowed)
        return found._replace(exact=np.zeros(len(queries), np.bool_))


@pytest.mark.parametrize(("index", "exact"), [(NumpyIndex, True), (Unproved, False)])
def test_signatures_are_answered_with_the_proof_of_the_index(index: Any, exact: bool) -> None:
    engine = Engine(Library(index), max_queued=100)
    matcher = Matcher(engine, None, None, Limits(), 0.001)  # type: ignore[arg-type]
    answers = matcher.signatures(random_layouts(np.random.default_rng(1), 3), Wanted())
    engine.close()
    assert [answer.exact for answer in answers] == [exact] * 3
