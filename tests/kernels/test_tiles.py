"""Rows in tiles read back as they were put, and every instruction set finds the same neighbours."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mitate.kernels.distance import lire_distance, squared_l2
from mitate.kernels.nearest import Best, merge, no_best, scan_rows, sort_best
from mitate.kernels.tiles import CHUNK_ROWS, L2, LIRE, Metric, Tiles

LARGEST = np.array([63] + [31] * 20 + [63] + [31] * 5 + [63] + [31] * 5)
FEATURES = {
    "avx512vnni": "+avx2,+avx512f,+avx512bw,+avx512vl,+avx512vnni",
    "avxvnni": "+avx2,+avx512f,+avx512vl,+avx512vnni",
    "avx2": "+avx2",
    "generic": "",
}
FLAGS = {"avx512vnni": "avx512_vnni", "avxvnni": "avx512_vnni", "avx2": "avx2", "generic": ""}
PROGRAM = """
import numpy as np
from mitate.kernels.tile_code import instructions
from mitate.server.index import make_index
from mitate.server import index_native
index_native._FEW_ROWS = 0
rng = np.random.default_rng(3)
stored, queries = (rng.integers(-128, 128, (n, 32)).astype(np.int8) for n in (2000, 7))
stored = np.repeat(stored[:500], 4, axis=0) if {runs} else stored
found = []
for name in ("numpy", "native"):
    index = make_index(name)
    index.add(stored)
    index.remove(40, 300)
    found.append(index.search(queries, 30))
assert (found[0].rows == found[1].rows).all()
assert (found[0].distances == found[1].distances).all()
print(instructions())
"""


def some_rows(rng: np.random.Generator, metric: Metric, n: int) -> NDArray[Any]:
    if metric is L2:
        return rng.integers(-128, 128, (n, 32)).astype(np.int8)
    return rng.integers(0, LARGEST + 1, (n, 33)).astype(np.uint8)


def nearest(best: Best, q: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    n = best.counts[q]
    return best.values[q, :n], best.rows[q, :n]


@pytest.mark.parametrize("metric", [L2, LIRE])
@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 50), max_size=5), seed=st.integers(0, 2**32 - 1))
def test_rows_read_back_as_they_were_put(metric: Metric, sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [some_rows(rng, metric, n) for n in sizes]
    tiles = Tiles(metric)
    firsts = [tiles.append(part) for part in parts]
    assert firsts == [sum(sizes[:i]) for i in range(len(sizes))]
    for first, part in zip(firsts, parts, strict=True):
        np.testing.assert_array_equal(tiles.rows(first, first + len(part)), part)


def test_rows_may_cross_into_the_next_chunk() -> None:
    rng = np.random.default_rng(1)
    tiles = Tiles(L2)
    tiles.append(np.zeros((CHUNK_ROWS - 5, 32), np.int8))
    stored = some_rows(rng, L2, 40)
    first = tiles.append(stored)
    np.testing.assert_array_equal(tiles.rows(first, first + 40), stored)
    best = no_best(1, 1)
    scan_rows(tiles.addresses, np.array([[0, tiles.n_rows]]), L2.queries(stored[30:31]), 1, best)
    sort_best(best, 1)
    assert nearest(best, 0)[1] == [first + 30]
    assert tiles.kill(first, first + 40) == 40


def test_killing_counts_each_row_once() -> None:
    tiles = Tiles(L2)
    tiles.append(np.zeros((100, 32), np.int8))
    assert [tiles.kill(10, 30), tiles.kill(20, 35), tiles.kill(0, 100)] == [20, 5, 75]


@pytest.mark.parametrize("metric", [L2, LIRE])
@pytest.mark.parametrize("k", [1, 20, 1024])
def test_a_scan_finds_what_the_distance_function_says(metric: Metric, k: int) -> None:
    rng = np.random.default_rng(k)
    stored = some_rows(rng, metric, 4000)
    stored[2000:2500] = stored[:500]
    queries = np.concatenate([stored[100:104], some_rows(rng, metric, 4)])
    tiles = Tiles(metric)
    tiles.append(stored)
    tiles.kill(500, 700)
    best, other = no_best(len(queries), k), no_best(len(queries), k)
    scan_rows(tiles.addresses, np.array([[3, 1000]]), metric.queries(queries), k, best)
    scan_rows(tiles.addresses, np.array([[1000, 3999]]), metric.queries(queries), k, other)
    merge(best, other, k)
    sort_best(best, k)
    for q, query in enumerate(queries):
        distance = squared_l2 if metric is L2 else lire_distance
        distances = distance(stored, query).astype(np.float64)
        distances[[0, 1, 2, 3999]] = np.inf
        distances[500:700] = np.inf
        expected = np.lexsort((np.arange(4000), distances))[:k]
        values, rows = nearest(best, q)
        np.testing.assert_array_equal(rows, expected)
        np.testing.assert_array_equal(values, distances[expected])


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize("kind", FEATURES)
def test_every_instruction_set_finds_the_same(kind: str, runs: bool) -> None:
    with open("/proc/cpuinfo") as file:
        flags = file.read().split()
    if platform.machine() != "x86_64":
        pytest.skip("these are instruction sets of x86-64")
    if FLAGS[kind] and FLAGS[kind] not in flags:
        pytest.skip(f"this processor has no {FLAGS[kind]}")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.replace("{runs}", str(runs))],
        env={**os.environ, "NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": FEATURES[kind]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == kind
