"""Changes and searches one engine from many threads; the oracle checks one answer in a hundred.

A difference ends the run at once with exit code 1. At the end the slope of the memory in use is
reported, over the second half of the run, when the number of sources no longer grows. With
`--keep` the figures are kept in bench/results.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import report
from bench.measure import machine
from bench.signatures import video_of
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive
from mitate.server.engine import Engine, Found
from mitate.server.index_native import NativeIndex
from mitate.server.index_numpy import NumpyIndex
from mitate.server.library import Library, NewSource, Scope

MOST_SOURCES, MOST_FRAMES, K = 60, 3000, 20
CHECKED_SHARE, CHANGING_SHARE = 0.01, 0.02
SAMPLE_S = 2.0


@dataclass
class Soak:
    """The engine under load, and what was seen of it."""

    engine: Engine
    ends: float
    pause_s: float  # of each thread between two calls, on average
    differences: list[str] = field(default_factory=list)
    n_searches: int = 0
    n_checked: int = 0
    n_changes: int = 0
    next_id: int = 1
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, seed: int) -> None:
        """Search, add and remove until the time is up or a difference is found."""
        draws, rng = random.Random(seed), np.random.default_rng(seed)
        while time.monotonic() < self.ends and not self.differences:
            if draws.random() < CHANGING_SHARE:
                self._change(draws, rng)
            else:
                self._search(draws, rng)
            if self.pause_s:
                time.sleep(draws.uniform(0, 2 * self.pause_s))

    def _change(self, draws: random.Random, rng: np.random.Generator) -> None:
        with self.lock:
            held = list(self.engine.snapshot().sources)
            if held and draws.random() < len(held) / MOST_SOURCES:
                number = draws.choice(held)
                self.engine.change(lambda library: library.remove(number)).result()
            else:
                number, self.next_id = self.next_id, self.next_id + 1
                source = NewSource(number, number, number % 7, _signature(rng))
                self.engine.change(lambda library: library.add(source)).result()
            self.n_changes += 1

    def _search(self, draws: random.Random, rng: np.random.Generator) -> None:
        snapshot = self.engine.snapshot()
        if not snapshot.sources:
            return
        source = snapshot.sources[draws.choice(list(snapshot.sources))]
        kept = rng.integers(0, source.signature.n_kept, draws.choice([1, 1, 8]))
        layouts = source.signature.layouts[kept].astype(np.int16)
        noisy = np.clip(layouts + rng.integers(-1, 2, layouts.shape), 0, 31).astype(np.uint8)
        title = frozenset({draws.randrange(7)}) if draws.random() < 0.3 else frozenset()
        scope, queries = Scope(title_ids=title), derive(noisy)
        found = self.engine.search(queries, K, scope).result()
        checked = draws.random() < CHECKED_SHARE
        if checked:
            self._check(found, queries, scope)
        with self.lock:
            self.n_searches += 1
            self.n_checked += checked

    def _check(self, found: Found, queries: NDArray[np.int8], scope: Scope) -> None:
        """Search what the snapshot holds with brute force, in the numbers of its rows."""
        oracle = NumpyIndex()
        for source in found.snapshot.sources.values():
            gap = source.first_row - oracle.n_rows
            first = oracle.add(np.zeros((gap, queries.shape[1]), np.int8))
            oracle.remove(first, first + gap)
            oracle.add(derive(source.signature.layouts))
        n_rows = oracle.n_rows
        expected = oracle.search(queries, K, found.snapshot.allowed(scope))
        same = np.array_equal(found.neighbours.rows, expected.rows) and np.array_equal(
            found.neighbours.distances, expected.distances
        )
        if not same or not found.neighbours.exact.all():
            self.differences.append(f"{len(queries)} queries, {scope}, {n_rows} rows")


def _signature(rng: np.random.Generator) -> Signature:
    """Make a video of scenes that drift."""
    n = int(rng.integers(200, MOST_FRAMES))
    cuts = np.cumsum(rng.random(n) < 0.02)
    drift = np.cumsum((rng.random((n, 33)) < 0.02) * rng.integers(-1, 2, (n, 33)), axis=0)
    scenes = rng.integers(0, 32, (cuts[-1] + 1, 33))
    layouts = np.clip(scenes[cuts] + drift, 0, 31).astype(np.uint8)
    return video_of(layouts)


def main() -> int:
    """Run and report; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause-ms", type=float, default=0, help="of a thread between two calls")
    parser.add_argument("--keep", action="store_true", help="write bench/results/soak.json")
    given = parser.parse_args()
    library = Library(lambda: NativeIndex(n_threads=2), lambda: NativeIndex(run_limit=0.0))
    engine = Engine(library, 65_536)
    soak = Soak(engine, time.monotonic() + 60 * given.minutes, given.pause_ms / 1000)
    threads = [
        threading.Thread(target=soak.work, args=(given.seed + i,)) for i in range(given.threads)
    ]
    for thread in threads:
        thread.start()
    samples = []
    while any(thread.is_alive() for thread in threads):
        samples.append((time.monotonic(), _resident_bytes()))
        time.sleep(SAMPLE_S)
    engine.close()
    figures = _figures(soak, samples)
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    if given.keep:
        asked = {"minutes": given.minutes, "threads": given.threads, "pause_ms": given.pause_ms}
        report.write("soak", {"machine": machine(), **asked, **figures})
    for difference in soak.differences:
        print(f"different: {difference}")
    return 1 if soak.differences else 0


def _figures(soak: Soak, samples: list[tuple[float, int]]) -> dict[str, float]:
    half = np.array(samples[len(samples) // 2 :])
    slope = np.polyfit(half[:, 0], half[:, 1], 1)[0] * 3600 / 1e6 if len(half) > 2 else float("nan")
    return {
        "searches": soak.n_searches,
        "checked": soak.n_checked,
        "changes": soak.n_changes,
        "differences": len(soak.differences),
        "end_mb": round(samples[-1][1] / 1e6, 1),
        "slope_mb_an_hour": round(slope, 2),
    }


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main())
