"""What the scan of an AMV of a minute costs a server, by the number of indexed descriptors.

The server is `mitate serve` with its defaults over a data directory that holds the bench's clips
and distractors; it decodes, searches and aligns, and CPU time is that of the server, its workers
and the client. Decoding alone is `ffmpeg -threads 1 -i FILE -f null -` in the same run. Beyond a
million descriptors distractors come again turned, mirrored, as negatives and in other colours.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import processes
from bench.measure import Spread, cpu_s
from mitate.clients import Client
from mitate.kernels.layout import AC, CHANNEL, POSITION, ZIGZAG_U, ZIGZAG_V
from mitate.kernels.signature import Signature
from mitate.server.placement import Placement
from mitate.server.store import Store

SECONDS = 60.0
COUNTS = (10_000, 100_000, 1_000_000, 10_000_000)
ROUNDS = 3
_ON_ITS_SIDE = np.array(
    [
        next(
            other
            for other in range(len(POSITION))
            if CHANNEL[other] == CHANNEL[one]
            and ZIGZAG_V[POSITION[other]] == ZIGZAG_U[POSITION[one]]
            and ZIGZAG_U[POSITION[other]] == ZIGZAG_V[POSITION[one]]
        )
        for one in range(len(POSITION))
    ]
)
_N_ALTERED = 32
_LEAST_SIZES = 3  # from which growth is told
_TAKES_PART_S = 0.2  # of processor time, from which on a process has decoded


def altered(signature: Signature, number: int) -> Signature:
    """Return one of 32 videos of the same scenes: upside down, mirrored, on the side, other tones.

    Number 0 changes nothing. Distances between frames of the same number stay as they are.
    """
    upside_down, mirrored, on_its_side, negative, complementary = (
        bool(number >> bit & 1) for bit in range(5)
    )
    turned = (ZIGZAG_V[POSITION] * upside_down + ZIGZAG_U[POSITION] * mirrored) % 2 == 1
    turned ^= np.where(CHANNEL == 0, negative, complementary)
    turned &= np.isin(np.arange(len(POSITION)), AC)
    order = _ON_ITS_SIDE if on_its_side else np.arange(len(POSITION))

    def seen(layouts: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.where(turned, 31 - layouts, layouts)[..., order].astype(np.uint8)

    ways = slice(None, None, -1 if upside_down else 1), slice(None, None, -1 if mirrored else 1)

    def shown(lumas: NDArray[np.uint8]) -> NDArray[np.uint8]:
        turned = lumas[:, *ways]
        return np.ascontiguousarray(255 - turned if negative else turned)

    return replace(
        signature,
        layouts=seen(signature.layouts),
        mirrored=seen(signature.mirrored),
        windows=seen(signature.windows),
        thumbnails=shown(signature.thumbnails),
        lumas=shown(signature.lumas),
    )


class Sources(NamedTuple):
    """What is put into the index."""

    clips: Sequence[Signature]  # those that the AMV shows first
    distractors: Sequence[Signature]

    def cut_at(self, counts: Sequence[int]) -> Iterator[Signature]:
        """Yield clips, then distractors, then these altered, cut where counts are reached."""
        n = 0
        for one in self._every():
            inside = [count - n for count in counts if n < count < n + one.n_kept]
            cuts = [int(one.kept_first[kept]) for kept in inside]
            for first, stop in pairwise([0, *cuts, one.n_frames]):
                yield one.part(first, stop, with_runs=True)
            n += one.n_kept

    def _every(self) -> Iterator[Signature]:
        yield from self.clips
        for number in range(_N_ALTERED):
            yield from (altered(one, number) for one in self.distractors)


def measure(amv: Path, sources: Sources, largest: int) -> dict[str, Any]:
    """Return time and memory of scanning an AMV in indexes of up to `largest` descriptors."""
    decode = f"ffmpeg -v error -threads 1 -i {amv} -map 0:v:0 -an -f null -".split()
    decode_s = Spread.of([cpu_s(decode) for _ in range(ROUNDS)]).median
    counts = [count for count in COUNTS if count <= largest] or [largest]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        Store(data).close()
        with processes.serving(data) as (pid, _):
            empty_mib = processes.rss_mib(pid)
        added, n, n_sources = sources.cut_at(counts), 0, 0
        for count in counts:
            n, n_sources = _store(data, added, count, n, n_sources)
            rows.append({"descriptors": n} | _scanned(data, amv, empty_mib, decode_s))
            print(f"a scan among {n:,} descriptors is measured", file=sys.stderr, flush=True)
    return {"seconds": SECONDS, "decode_cpu_s": decode_s, "rows": rows} | growth(rows)


def growth(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the exponent with which time grows, fitted over all sizes, and between the last two.

    1 is linear, 0 does not grow.
    """
    if len(rows) < _LEAST_SIZES:
        return {}
    sizes, times = (np.log([row[key] for row in rows]) for key in ("descriptors", "beyond_cpu_s"))
    last = (times[-1] - times[-2]) / (sizes[-1] - sizes[-2])
    return {"exponent": float(np.polyfit(sizes, times, 1)[0]), "exponent_at_last": float(last)}


def _store(
    data: Path, signatures: Iterator[Signature], count: int, n: int, n_sources: int
) -> tuple[int, int]:
    """Store sources until there are `count` descriptors; return how many of both are stored."""
    store = Store(data)
    while n < count and (one := next(signatures, None)) is not None:
        digest = hashlib.sha256(str(n_sources).encode()).hexdigest()
        store.commit_source(one, digest, f"{n_sources}.mkv", Placement())
        n, n_sources = n + one.n_kept, n_sources + 1
    store.close()
    return n, n_sources


class _Scan(NamedTuple):
    """What one scan took."""

    cpu_s: float  # of server, workers and client
    server_mib: float  # largest resident memory of the server
    workers_mib: float  # likewise, of the workers that decoded


def _scanned(data: Path, amv: Path, empty_mib: float, decode_s: float) -> dict[str, Any]:
    """Scan once, then some times more, and return what that takes."""
    with processes.serving(data) as (pid, address), Client(address) as client:
        ready_mib = processes.rss_mib(pid)
        first = _scan(client, pid, amv)
        begun = time.perf_counter()
        scans = [_scan(client, pid, amv) for _ in range(ROUNDS)]
        wall_s = (time.perf_counter() - begun) / ROUNDS
    costs = Spread.of([one.cpu_s for one in scans])
    server_mib = max(one.server_mib for one in (first, *scans))
    workers_mib = max(one.workers_mib for one in (first, *scans))
    return {
        "cpu_s": asdict(costs),
        "first_cpu_s": first.cpu_s,
        "beyond_cpu_s": costs.median - decode_s,
        "over_decoding": costs.median / decode_s,
        "wall_s": wall_s,
        "index_mib": ready_mib - empty_mib,
        "ready_mib": ready_mib,
        "added_mib": server_mib - ready_mib + workers_mib,
        "peak_mib": server_mib + workers_mib,
    }


def _scan(client: Client, pid: int, amv: Path) -> _Scan:
    """Scan once. A worker takes part when it uses processor time; most of the others sleep."""
    before_s = {one: processes.cpu_s(one) for one in processes.family(pid)}
    for one in before_s:
        processes.forget_peak(one)
    client_s = time.process_time()
    if not client.scan(amv).segments:
        raise RuntimeError(f"nothing of {amv.name} was found in the index that holds it")
    client_s = time.process_time() - client_s
    used_s = {one: processes.cpu_s(one) - before_s.get(one, 0.0) for one in processes.family(pid)}
    workers = [one for one, cpu_s in used_s.items() if one != pid and cpu_s >= _TAKES_PART_S]
    return _Scan(
        client_s + sum(used_s.values()),
        processes.peak_mib(pid),
        sum(map(processes.peak_mib, workers)),
    )
