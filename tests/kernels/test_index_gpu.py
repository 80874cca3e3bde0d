"""The GPU index finds what the oracle finds, its kernels built for the CPU from their source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cuda_source import ARCHITECTURES, KERNELS, HostLauncher, compile_for, kernels_of
from numpy.typing import NDArray

from mitate.server import index_gpu
from mitate.server.index import Neighbours
from mitate.server.index_gpu import GpuIndex
from mitate.server.index_numpy import NumpyIndex

SOURCE = KERNELS / "search.cu"


@pytest.fixture(autouse=True)
def lists_begin_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_gpu, "_FIRST_ROOM", 64)


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> HostLauncher:
    return HostLauncher(SOURCE, tmp_path_factory.mktemp("search"))


def scenes(rng: np.random.Generator, n: int) -> NDArray[np.int8]:
    """Rows of scenes that drift, are cut and come back."""
    prototypes = rng.integers(-128, 128, (5, 32))
    cuts = np.cumsum(rng.random(n) < 0.1)
    drift = np.cumsum(rng.integers(-1, 2, (n, 32)) * (rng.random((n, 32)) < 0.2), axis=0)
    rows = prototypes[rng.integers(0, 5, n + 1)[cuts]] + drift
    return rows.clip(-128, 127).astype(np.int8)


def assert_equal(found: Neighbours, expected: Neighbours) -> None:
    np.testing.assert_array_equal(found.distances, expected.distances)
    np.testing.assert_array_equal(found.rows, expected.rows)
    assert found.exact.all()


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_any_history_gives_what_the_oracle_finds(
    seed: int, runs: bool, launcher: HostLauncher
) -> None:
    rng = np.random.default_rng(seed)
    gpu, oracle = GpuIndex(launcher, runs=runs), NumpyIndex()
    ends = [0]
    for _ in range(8):
        rows = scenes(rng, int(rng.integers(0, 300)))
        assert gpu.add(rows) == oracle.add(rows)
        ends.append(ends[-1] + len(rows))
        first = int(rng.integers(0, oracle.n_rows + 1))
        stop = min(first + int(rng.integers(0, 90)), oracle.n_rows)
        for index in (gpu, oracle):
            index.remove(first, stop)
        assert (gpu.n_rows, gpu.n_dead) == (oracle.n_rows, oracle.n_dead)
        queries, k = scenes(rng, 3), int(rng.choice([1, 10, 200, 1024]))
        assert_equal(gpu.search(queries, k), oracle.search(queries, k))
        cut = np.sort(rng.integers(0, oracle.n_rows + 1, 4)).reshape(-1, 2)
        for ranges in (cut, np.array([[ends[1], ends[-1]]]), np.zeros((0, 2), np.int64)):
            assert_equal(gpu.search(queries, k, ranges), oracle.search(queries, k, ranges))
    taken = rng.integers(0, oracle.n_rows, (3, 5))
    np.testing.assert_array_equal(gpu.take(taken), oracle.take(taken))


def test_lists_that_are_too_short_are_made_longer(
    launcher: HostLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_gpu, "_FIRST_ROOM", 2)
    rng = np.random.default_rng(9)
    gpu, oracle = GpuIndex(launcher), NumpyIndex()
    rows = np.concatenate([np.zeros((700, 32), np.int8), scenes(rng, 800)])
    for index in (gpu, oracle):
        index.add(rows)
    queries = np.concatenate([rows[:1], rows[900:904]])
    assert_equal(gpu.search(queries, 30), oracle.search(queries, 30))


def test_more_queries_than_a_launch_takes_are_split(
    launcher: HostLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_gpu, "MOST_QUERIES", 4)
    rng = np.random.default_rng(3)
    rows = scenes(rng, 500)
    gpu, oracle = GpuIndex(launcher), NumpyIndex()
    for index in (gpu, oracle):
        index.add(rows)
    assert_equal(gpu.search(rows[:11], 7), oracle.search(rows[:11], 7))


def test_the_largest_distance_is_exact(launcher: HostLauncher) -> None:
    gpu = GpuIndex(launcher)
    gpu.add(np.full((3, 32), -128, np.int8))
    found = gpu.search(np.full((1, 32), 127, np.int8), 2)
    assert found.distances.tolist() == [[32 * 255 * 255] * 2]
    assert found.rows.tolist() == [[0, 1]]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_kernels_compile_for_every_architecture(architecture: str, tmp_path: Path) -> None:
    code = compile_for(SOURCE, architecture, tmp_path)
    assert all(name.encode() in code for name in kernels_of(SOURCE))
