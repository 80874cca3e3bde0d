"""Exact search of mitate beside FAISS, one thread each, in turns within one run.

FAISS is measured as IndexFlatL2 over the 33 coefficients, which is exact, and as IVF4096,SQ8 with 8
probes, which trace.moe uses and which is not. mitate searches its derived vectors, with runs of
similar frames and without. Times are CPU seconds. Memory is what stays resident when the allocator
has given back what making the descriptors took.
"""

from __future__ import annotations

import ctypes
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.measure import Spread, machine
from bench.vectors import like_real, real_layouts
from mitate.kernels.vector import derive
from mitate.kernels.windows import WINDOWS
from mitate.server.index_native import NativeIndex
from mitate.server.index_numpy import NumpyIndex
from mitate.server.plan import FRAMES_PER_WINDOWED_RUN

COUNT, LARGE, K, SEED = 1_000_000, 10_000_000, 10, 11
BATCHES = (1, 32, 256)
EPISODE_FRAMES = 34_000
IVF_CELLS, IVF_PROBES, IVF_TRAINED = 4096, 8, 200_000
LEAST_QUERIES = 32  # of different frames, also one at a time
CHECKED = 3  # queries compared with the oracle
WINDOW_QUERIES = 16


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Measure a million descriptors beside FAISS, then ten million alone."""
    faiss.omp_set_num_threads(1)
    real = real_layouts(media)
    cases = {**_beside_faiss(real, rounds), **_large(real, rounds)}
    return {"machine": machine(), "rounds": rounds, "seed": SEED, "cases": cases}


def _beside_faiss(real: NDArray[np.uint8], rounds: int) -> dict[str, Any]:
    layouts = like_real(real, COUNT, SEED)
    with_runs, without = NativeIndex(), NativeIndex(run_limit=0.0)
    for episode in _episodes(layouts):
        with_runs.add(episode)
        without.add(episode)
    flat = faiss.IndexFlatL2(layouts.shape[1])
    flat.add(layouts.astype(np.float32))
    ivf = _ivf(layouts)
    recall = _recall(ivf, flat, _queries(layouts, max(BATCHES)).astype(np.float32))
    cases = {}
    for batch in BATCHES:
        noisy = _queries(layouts, max(batch, LEAST_QUERIES))
        vectors, floats = derive(noisy), noisy.astype(np.float32)
        searches: dict[str, Callable[[], object]] = {
            "runs": partial(_in_batches, with_runs, vectors, batch),
            "scan": partial(_in_batches, without, vectors, batch),
            "flat": partial(_in_batches, flat, floats, batch),
            "ivf": partial(_in_batches, ivf, floats, batch),
        }
        cases[f"10 nearest of {COUNT:,}, batch {batch}"] = {
            **_ratios(searches, len(noisy), rounds),
            "frames_per_run": with_runs.n_rows / with_runs.n_runs,
            "ivf_recall": recall,
        }
    return cases


def _in_batches(index: Any, queries: NDArray[Any], batch: int) -> None:
    for first in range(0, len(queries), batch):
        index.search(queries[first : first + batch], K)


def _ratios(
    searches: dict[str, Callable[[], object]], n_queries: int, rounds: int
) -> dict[str, Any]:
    for search in searches.values():
        search()
    times = [{name: _cpu_s(search) for name, search in searches.items()} for _ in range(rounds)]
    ratios: dict[str, Any] = {}
    for ours in ("runs", "scan"):
        ratios[f"{ours}_qps"] = n_queries / statistics.median(one[ours] for one in times)
        for theirs in ("flat", "ivf"):
            ratios[f"{ours}_over_{theirs}"] = Spread.of([one[theirs] / one[ours] for one in times])
    return ratios


def _large(real: NDArray[np.uint8], rounds: int) -> dict[str, Any]:
    before_bytes = _resident_bytes()
    index = NativeIndex()
    derive_s = add_s = 0.0
    n_rows, seed, sample = 0, SEED, []
    while n_rows < LARGE:
        layouts = like_real(real, COUNT, seed)
        started = time.process_time()
        episodes = list(_episodes(layouts))
        derive_s += time.process_time() - started
        started = time.process_time()
        for episode in episodes:
            index.add(episode)
        add_s += time.process_time() - started
        n_rows, seed = n_rows + COUNT, seed + 1
        sample.append(_queries(layouts, 26))
        del layouts, episodes
    queries = derive(np.concatenate(sample))[:256]
    used_bytes = _resident_bytes() - before_bytes
    one = [_cpu_s(partial(index.search, queries[i : i + 1], K)) for i in range(64)]
    many = [_cpu_s(lambda: index.search(queries, K)) for _ in range(rounds)]
    new = derive(like_real(real, EPISODE_FRAMES, SEED + 99))
    started = time.perf_counter()
    index.add(new)
    index.search(new[:1], K)
    added_s = time.perf_counter() - started
    _check(index, queries[:CHECKED])
    return {
        f"10 nearest of {LARGE:,}": {
            "one_query_cpu_ms": {
                "median": float(np.median(one)) * 1000,
                "p99": float(np.percentile(one, 99)) * 1000,
            },
            "batch_256_qps": Spread.of([len(queries) / s for s in many]),
            "frames_per_run": index.n_rows / index.n_runs,
            "bytes_per_frame": used_bytes / n_rows,
            **_windows(real, n_rows, used_bytes),
            "derive_cpu_s": derive_s,
            "add_cpu_s": add_s,
            f"add_{EPISODE_FRAMES}_frames_and_search_s": added_s,
        }
    }


def _windows(real: NDArray[np.uint8], n_frames: int, frames_bytes: int) -> dict[str, float]:
    """Add the windows of so many frames to an index of their own, and search it.

    As many runs have windows as in real clips; descriptors of frames stand for those of windows.
    """
    before_bytes, windows, seed = _resident_bytes(), NativeIndex(run_limit=0.0), SEED
    n_wanted = int(n_frames / FRAMES_PER_WINDOWED_RUN) * len(WINDOWS)
    while windows.n_rows < n_wanted:
        windows.add(derive(like_real(real, min(COUNT, n_wanted - windows.n_rows), seed)))
        seed += 1
    used_bytes = frames_bytes + _resident_bytes() - before_bytes
    queries = windows.take(np.arange(0, windows.n_rows, windows.n_rows // WINDOW_QUERIES))
    one = [_cpu_s(partial(windows.search, query[None], K)) for query in queries]
    return {
        "windows": windows.n_rows,
        "bytes_per_frame_with_windows": used_bytes / n_frames,
        "one_query_of_windows_cpu_ms": float(np.median(one)) * 1000,
    }


def _check(index: NativeIndex, queries: NDArray[np.int8]) -> None:
    """Raise RuntimeError unless brute force finds the same rows at the same distances."""
    oracle = NumpyIndex()
    for first in range(0, index.n_rows, COUNT):
        oracle.add(index.take(np.arange(first, min(first + COUNT, index.n_rows))))
    found, expected = index.search(queries, K), oracle.search(queries, K)
    same = (found.rows == expected.rows).all() and (found.distances == expected.distances).all()
    if not (same and found.exact.all()):
        raise RuntimeError("the native index does not find what brute force finds")


def _episodes(layouts: NDArray[np.uint8]) -> Iterator[NDArray[np.int8]]:
    for first in range(0, len(layouts), EPISODE_FRAMES):
        yield derive(layouts[first : first + EPISODE_FRAMES])


def _queries(layouts: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Return stored descriptors with noise of one step."""
    draws = np.random.default_rng(SEED)
    picked = layouts[draws.integers(0, len(layouts), count)].astype(np.int16)
    noisy = picked + draws.integers(-1, 2, picked.shape)
    return noisy.clip(0, 31).astype(np.uint8)


def _ivf(layouts: NDArray[np.uint8]) -> Any:
    index = faiss.index_factory(layouts.shape[1], f"IVF{IVF_CELLS},SQ8")
    step = len(layouts) // IVF_TRAINED
    index.train(layouts[::step].astype(np.float32))
    index.add(layouts.astype(np.float32))
    faiss.extract_index_ivf(index).nprobe = IVF_PROBES
    return index


def _recall(ivf: Any, flat: Any, floats: NDArray[np.float32]) -> float:
    """Return the share of the 10 nearest that IVF finds, or rows as near as the last of them."""
    exact, found = flat.search(floats, K)[0], ivf.search(floats, K)[1]
    rows = [flat.reconstruct_batch(one.clip(0)) for one in found]
    squares = [((row - query) ** 2).sum(1) for row, query in zip(rows, floats, strict=True)]
    near = [(one <= last[-1]).mean() for one, last in zip(squares, exact, strict=True)]
    return float(np.mean(near))


def _cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _resident_bytes() -> int:
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
