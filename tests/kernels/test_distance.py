from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_layout import golden_layouts

from mitate.kernels.distance import lire_distance, squared_l2
from mitate.kernels.layout import LARGEST

triples = arrays(np.uint8, (3, 33), elements=st.integers(0, 63)).map(
    lambda a: np.minimum(a, LARGEST)
)


def test_all_golden_pairs_have_the_distance_of_lire(golden: Path) -> None:
    layouts = golden_layouts(golden, "lire_33")
    with (golden / "distances.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    first = np.array([layouts[row["png_a"]] for row in rows])
    second = np.array([layouts[row["png_b"]] for row in rows])
    wanted = [float(row["lire_distance_21_6_6"]) for row in rows]
    assert len(rows) == 630
    assert lire_distance(first, second).tolist() == wanted


@given(triples)
def test_the_distance_of_lire_is_a_metric(layouts: np.ndarray) -> None:
    a, b, c = layouts
    assert lire_distance(a, b) == lire_distance(b, a)
    assert lire_distance(a, a) == 0
    assert lire_distance(a, c) <= lire_distance(a, b) + lire_distance(b, c) + 1e-9


def test_squared_distance_is_exact_for_all_ranges() -> None:
    low, high = np.full(33, 0, np.uint8), np.full(33, 255, np.uint8)
    assert squared_l2(low, high) == 33 * 255 * 255
    low, high = np.full(32, -128, np.int8), np.full(32, 127, np.int8)
    assert squared_l2(low, high) == 32 * 255 * 255


def test_distances_broadcast() -> None:
    rng = np.random.default_rng(0)
    queries, references = rng.integers(0, 32, (4, 33)), rng.integers(0, 32, (7, 33))
    a, b = queries.astype(np.uint8), references.astype(np.uint8)
    assert squared_l2(a[:, None], b).shape == lire_distance(a[:, None], b).shape == (4, 7)
    assert squared_l2(a[:, None], b)[3, 6] == ((queries[3] - references[6]) ** 2).sum()
