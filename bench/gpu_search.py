"""Exact search on one GPU, all of it in one command: `python -m bench.gpu_search`.

Fills the device with descriptors like real ones, checks answers against brute force on the CPU,
then measures queries per second in batches and alone, found and not found apart, the scan of the
centres against the measured bandwidth of the device, and GpuIndexFlat with float16 where FAISS for
GPUs is installed. Prints JSON. Needs CuPy and a CUDA device; `--host-check --rows 3000` only
fills and checks, on any machine, with kernels built for the CPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure import Spread, machine
from bench.vectors import like_real, real_layouts
from mitate.kernels.run_table import MAX_RUN_ROWS, first_of_runs, measure_runs
from mitate.kernels.tiles import L2
from mitate.kernels.vector import derive
from mitate.server.device_rows import THREADS
from mitate.server.index_gpu import RUNS_PER_BLOCK, GpuIndex, _Batch
from mitate.server.index_numpy import NumpyIndex

K, BATCH, SEED, ROUNDS, SINGLES = 10, 256, 11, 7, 200
BASE_ROWS = 1_000_000  # rows whose runs are cut; others are the same, shifted by a vector
CHECKED_ROWS = 3_000_000
FLAT_ROWS, FLAT_BATCH = 100_000_000, 64
COPY_BYTES = 4 << 30


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media/clips"))
    parser.add_argument("--rows", type=int, default=1_000_000_000)
    parser.add_argument("--host-check", action="store_true")
    given = parser.parse_args()
    index = GpuIndex(_host_launcher()) if given.host_check else GpuIndex()
    base_rows = min(BASE_ROWS, given.rows)
    base = derive(like_real(real_layouts(given.media), base_rows, SEED))
    started = time.perf_counter()
    _fill(index, base, given.rows)
    result = {
        "machine": machine(),
        "rows": index.n_rows,
        "rows_per_run": index.n_rows / index.n_runs,
        "fill_s": time.perf_counter() - started,
        "answers_equal_brute_force": _equal(base, index),
    }
    if not given.host_check:
        result["found"] = _rates(index, _noisy(base, BATCH))
        result["not_found"] = _rates(index, _unrelated(base, BATCH))
        result["scan"] = _scan(index, base)
        del index
        result["flat_float16"] = _beside_flat(base)
    sys.stdout.write(json.dumps(result, indent=1, default=vars) + "\n")
    return 0 if result["answers_equal_brute_force"] else 1


def _fill(index: GpuIndex, base: NDArray[np.int8], n_rows: int) -> None:
    """Add copies of the base, each shifted by a vector; clipping moves no two rows apart."""
    firsts = first_of_runs(base, L2.run_limit, MAX_RUN_ROWS, False)
    centres = np.empty((len(firsts), L2.n_dims), np.int8)
    radii = np.empty(len(firsts), np.uint16)
    measure_runs(base, np.append(firsts, len(base)), False, centres, radii)
    draws = np.random.default_rng(SEED)
    for at in range(0, n_rows, len(base)):
        shift = np.rint(draws.normal(0, 12, L2.n_dims)) * (at > 0)
        shift[-2:] = 0
        index.add_runs(_shifted(base, shift), firsts, _shifted(centres, shift), radii)


def _shifted(
    rows: NDArray[np.int8], shift: NDArray[np.float64] | NDArray[np.int64]
) -> NDArray[np.int8]:
    return np.clip(rows + shift.astype(np.int16), -128, 127).astype(np.int8)


def _equal(base: NDArray[np.int8], index: GpuIndex) -> bool:
    """Compare the answers within the first rows with those of the oracle."""
    n_rows = min(CHECKED_ROWS, index.n_rows)
    oracle = NumpyIndex()
    for first in range(0, n_rows, BASE_ROWS):
        oracle.add(index.take(np.arange(first, min(first + BASE_ROWS, n_rows))))
    queries = np.concatenate([_noisy(base, 4), _unrelated(base, 4)])
    found = index.search(queries, K, np.array([[0, n_rows]]))
    expected = oracle.search(queries, K)
    return bool(
        (found.rows == expected.rows).all() and (found.distances == expected.distances).all()
    )


def _noisy(base: NDArray[np.int8], n: int) -> NDArray[np.int8]:
    draws = np.random.default_rng(SEED + 1)
    return _shifted(base[draws.integers(0, len(base), n)], draws.integers(-2, 3, (n, L2.n_dims)))


def _unrelated(base: NDArray[np.int8], n: int) -> NDArray[np.int8]:
    """Return vectors as long as real ones, whose coordinates come from different frames."""
    draws = np.random.default_rng(SEED + 2)
    rows = draws.integers(0, len(base), (n, L2.n_dims))
    return np.ascontiguousarray(base[rows, np.arange(L2.n_dims)])


def _rates(index: GpuIndex, queries: NDArray[np.int8]) -> dict[str, Any]:
    batch = [_wall_s(lambda: index.search(queries, K)) for _ in range(ROUNDS)]
    one = [
        _wall_s(partial(index.search, queries[i % BATCH : i % BATCH + 1], K))
        for i in range(min(SINGLES, 20 * ROUNDS))
    ]
    return {
        f"batch_{BATCH}_qps": Spread.of([len(queries) / s for s in batch[1:]]),
        "single_ms": {
            "median": float(np.median(one[1:])) * 1000,
            "p99": float(np.percentile(one[1:], 99)) * 1000,
        },
    }


def _scan(index: GpuIndex, base: NDArray[np.int8]) -> dict[str, float]:
    """Return the rate at which one query reads the centres, and that of a copy on the device."""
    import cupy

    launcher, n_runs = index._launcher, index.n_runs
    batch, n_blocks = _Batch(launcher, base[:1]), -(-n_runs // RUNS_PER_BLOCK)
    nearest = launcher.empty((n_blocks, 1), np.uint64)
    bounds = np.int64(0), np.int64(n_runs)
    arguments = index._centres.addresses, *bounds, batch.words, batch.norms, 1, nearest
    source = cupy.zeros(COPY_BYTES, np.uint8)
    target = cupy.empty_like(source)

    def scan() -> None:
        launcher.launch("nearest_centres", (n_blocks, 1, 1), THREADS, arguments)

    scan_s = _device_s(cupy, scan)
    copy_s = _device_s(cupy, lambda: cupy.copyto(target, source))
    rate, device = n_runs * 36 / scan_s, 2 * COPY_BYTES / copy_s
    return {"scan_bytes_per_s": rate, "copy_bytes_per_s": device, "share": rate / device}


def _beside_flat(base: NDArray[np.int8]) -> dict[str, Any]:
    """Compare with GpuIndexFlat in float16 over as many rows, in turns."""
    try:
        import faiss

        resources = faiss.StandardGpuResources()
    except (ImportError, AttributeError):
        return {"skipped": "FAISS for GPUs is not installed"}
    settings = faiss.GpuIndexFlatConfig()
    settings.useFloat16 = True
    flat = faiss.GpuIndexFlatL2(resources, L2.n_dims, settings)
    ours = GpuIndex()
    _fill(ours, base, FLAT_ROWS)
    for first in range(0, FLAT_ROWS, BASE_ROWS):
        flat.add(ours.take(np.arange(first, first + BASE_ROWS)).astype(np.float32))
    queries = _noisy(base, FLAT_BATCH)
    pairs = [
        (
            _wall_s(lambda: ours.search(queries, K)),
            _wall_s(lambda: flat.search(queries.astype(np.float32), K)),
        )
        for _ in range(ROUNDS + 1)
    ][1:]
    return {"rows": FLAT_ROWS, "ratio": Spread.of([theirs / mine for mine, theirs in pairs])}


def _device_s(cupy: Any, work: Callable[[], object]) -> float:
    """Return the median time that work takes on the device."""
    times = []
    for _ in range(ROUNDS + 1):
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(cupy.cuda.get_elapsed_time(begin, end) / 1000)
    return float(np.median(times[1:]))


def _wall_s(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _host_launcher() -> Any:
    import tempfile

    root = Path(__file__).resolve().parents[1]
    sys.path.append(str(root / "tests" / "kernels"))
    from cuda_source import HostLauncher

    return HostLauncher(root / "kernels" / "search.cu", Path(tempfile.mkdtemp()))


if __name__ == "__main__":
    sys.exit(main())
