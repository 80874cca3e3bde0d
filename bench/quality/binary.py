"""Exact search of binary codes by Hamming distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.quality.method import Rows


def nearest(
    rows: Rows,
    kept: NDArray[np.int64],  # the rows that may be found
    queries: NDArray[np.uint8],  # (q, bytes)
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the nearest row of each query and its distance in bits, (q,) each."""
    import faiss

    index = faiss.IndexBinaryFlat(rows.codes.shape[1] * 8)
    index.add(np.ascontiguousarray(rows.codes[kept]))
    distances, found = index.search(np.ascontiguousarray(queries), 1)
    return kept[found[:, 0]], distances[:, 0].astype(np.int64)
