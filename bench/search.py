"""Exact search against faiss IndexFlatL2 over the same 33 dimensions, one thread each.

Both find the 10 nearest of a million descriptors for the same queries in the same run, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from bench.measure import Spread, machine
from bench.vectors import like_real, real_layouts
from mitate.kernels.vector import derive
from mitate.server.index import make_index

COUNT, K, SEED = 1_000_000, 10, 11
BATCHES = (1, 32, 256)


def _cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Measure queries per CPU second at several batch sizes."""
    faiss.omp_set_num_threads(1)
    layouts = like_real(real_layouts(media), COUNT, SEED)
    ours = make_index("native")
    ours.add(derive(layouts))
    reference = faiss.IndexFlatL2(layouts.shape[1])
    reference.add(layouts.astype(np.float32))
    draws = np.random.default_rng(SEED)
    cases = {}
    for batch in BATCHES:
        picked = layouts[draws.integers(0, COUNT, batch)].astype(np.int16)
        noisy = np.clip(picked + draws.integers(-1, 2, picked.shape), 0, 31).astype(np.uint8)
        vectors, floats = derive(noisy), noisy.astype(np.float32)
        pairs = [
            (
                _cpu_s(lambda v=vectors: ours.search(v, K)),
                _cpu_s(lambda f=floats: reference.search(f, K)),
            )
            for _ in range(rounds)
        ]
        cases[f"10 nearest of {COUNT:,}, batch {batch}"] = {
            "mitate_qps": batch / Spread.of([a for a, _ in pairs]).median,
            "faiss_qps": batch / Spread.of([b for _, b in pairs]).median,
            "ratio": Spread.of([b / a for a, b in pairs]),
        }
    return {"machine": machine(), "rounds": rounds, "seed": SEED, "cases": cases}
