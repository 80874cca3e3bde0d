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
from mitate.server.translate import fill_hits
from mitate.v1.search_pb2 import HitColumns


class Unproved(NumpyIndex):
    """Says of the answer to the last query that it may lack something."""

    def search(self, queries: Any, k: int, allowed: Any = None) -> Neighbours:
        found = super().search(queries, k, allowed)
        return found._replace(exact=np.arange(len(queries)) < len(queries) - 1)


@pytest.mark.parametrize(
    ("index", "exact"), [(NumpyIndex, [True] * 3), (Unproved, [True, True, False])]
)
def test_each_signature_is_answered_with_the_proof_of_the_index(
    index: Any, exact: list[bool]
) -> None:
    engine = Engine(Library(index), max_queued=100)
    matcher = Matcher(engine, None, None, Limits(), 0.001)  # type: ignore[arg-type]
    layouts = random_layouts(np.random.default_rng(1), 3)
    answers, columns = matcher.signatures(layouts, Wanted()), matcher.columns(layouts, Wanted())
    engine.close()
    assert [answer.exact for answer in answers] == exact
    assert columns.exact.tolist() == exact
    hits = HitColumns()
    fill_hits(hits, columns)
    assert hits.exact == all(exact)
