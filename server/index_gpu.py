"""Exact search on an NVIDIA GPU: tiles, runs and their bounds live in its memory.

The steps are like those of the native backend (`kernels.nearest_runs`), as kernels of `search.cu`,
but runs are bounded by a centre and a radius: the nearest centre of every block of runs, the rows
of those runs for a first distance, all runs that this distance cannot rule out, and their rows.
Lists that a kernel finds too short are made longer and the kernel is run again, so nothing is cut
off. The host sorts the few rows that are left.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.run_table import MAX_RUN_ROWS, first_of_runs, measure_runs
from mitate.kernels.tiles import L2
from mitate.server.device_rows import THREADS, DeviceRows, Ints, Launcher, launch
from mitate.server.index import Neighbours, check_range, check_rows, check_search

RUNS_PER_BLOCK = THREADS * 16  # of which one gives a first distance
MOST_QUERIES = 256  # in one launch
_NO_KEY = np.uint64(2**64 - 1)
_FARTHEST = 1 << 21  # above every squared distance
_FIRST_ROOM = 4096
_FIRST_RUNS = 8

Keys = NDArray[np.uint64]  # squared distance times 2^40, plus the row or run


class GpuIndex:
    """Holds a row in 36 bytes of device memory, a run in 46 or 10; safe to call from any thread."""

    def __init__(
        self, launcher: Launcher | None = None, device: int = 0, *, runs: bool = True
    ) -> None:
        """Make an empty index on a device; without runs every row is one of its own.

        Raises:
            InvalidArgument: CuPy is not installed, or there is no such device.
        """
        if launcher is None:
            from mitate.kernels.cuda import CupyLauncher

            launcher = CupyLauncher("search.cu", device)
        self._launcher = launcher
        self._rows = DeviceRows(launcher)
        self._centres = DeviceRows(launcher) if runs else self._rows
        self._starts = np.zeros(1, np.int64)  # (runs + 1,) also on the device, with room
        self._room = 1024
        self._radii_there = launcher.empty((self._room,), np.uint16)
        self._starts_there = launcher.empty((self._room + 1,), np.int64)
        self._radii = np.zeros(0, np.uint16)
        self._lock = threading.RLock()
        self.n_dead = 0

    @property
    def n_rows(self) -> int:
        """Rows ever added, removed ones included."""
        return self._rows.n_rows

    @property
    def n_runs(self) -> int:
        """Runs ever made."""
        return len(self._radii)

    def add(self, vectors: NDArray[np.int8]) -> int:
        """Append vectors of shape (n, 32); return the row of the first."""
        check_rows(vectors, "vectors")
        if self._centres is self._rows:
            firsts = np.arange(len(vectors))
            return self.add_runs(vectors, firsts, vectors, np.zeros(len(vectors), np.uint16))
        firsts = first_of_runs(vectors, L2.run_limit, MAX_RUN_ROWS, False)
        centres = np.empty((len(firsts), L2.n_dims), np.int8)
        radii = np.empty(len(firsts), np.uint16)
        measure_runs(vectors, np.append(firsts, len(vectors)), False, centres, radii)
        return self.add_runs(vectors, firsts, centres, radii)

    def add_runs(
        self,
        vectors: NDArray[np.int8],  # (n, 32)
        firsts: Ints,  # (r,) of each run, from 0
        centres: NDArray[np.int8],  # (r, 32)
        radii: NDArray[np.uint16],  # (r,) in sixteenths
    ) -> int:
        """Append vectors whose runs are known; return the row of the first."""
        with self._lock:
            first_run, first_row = len(self._starts) - 1, self._rows.append(vectors)
            if not len(vectors):
                return first_row
            if self._centres is not self._rows:
                self._centres.append(centres)
            self._starts = np.append(self._starts[:-1], [*firsts + first_row, self.n_rows])
            self._radii = np.append(self._radii, radii)
            if len(self._radii) > self._room:
                self._room = 2 * len(self._radii)
                self._radii_there = self._launcher.empty((self._room,), np.uint16)
                self._starts_there = self._launcher.empty((self._room + 1,), np.int64)
                first_run = 0
            self._put_runs(first_run)
            return first_row

    def _put_runs(self, first: int) -> None:
        """Copy what is known of runs from `first` on to the device."""
        radii = self._launcher.upload(self._radii[first:])
        starts = self._launcher.upload(self._starts[first:])
        n = len(self._radii) - first
        arguments = self._radii_there, self._starts_there, np.int64(first), np.int64(n)
        launch(self._launcher, "put_runs", n + 1, (*arguments, radii, starts))

    def remove(self, first: int, stop: int) -> None:
        """Remove rows `first`..`stop` - 1."""
        check_range(first, stop, self.n_rows)
        with self._lock:
            self.n_dead += self._rows.kill(first, stop)
            if self._centres is self._rows:
                return
            run = int(np.searchsorted(self._starts, first))
            self._centres.kill(run, int(np.searchsorted(self._starts, stop, side="right")) - 1)

    def take(self, rows: Ints) -> NDArray[np.int8]:
        """Return a copy of the vectors of some rows."""
        with self._lock:
            return self._rows.take(rows)

    def search(self, queries: NDArray[np.int8], k: int, allowed: Ints | None = None) -> Neighbours:
        """Find the `k` nearest rows, exactly."""
        check_search(queries, k, allowed, self.n_rows)
        ranges = np.array([[0, self.n_rows]]) if allowed is None else allowed
        found = np.full((len(queries), k), _NO_KEY)
        with self._lock:
            for at in range(0, len(queries), MOST_QUERIES):
                some = slice(at, at + MOST_QUERIES)
                batch = _Batch(self._launcher, queries[some])
                for first, stop in ranges[ranges[:, 0] < ranges[:, 1]].tolist():
                    keys = self._nearest(batch, k, first, stop)
                    found[some] = np.sort(np.concatenate([found[some], keys], axis=1))[:, :k]
        empty = found == _NO_KEY
        return Neighbours(
            np.where(empty, -1, found >> np.uint64(40)).astype(np.int32),
            np.where(empty, -1, found & np.uint64(2**40 - 1)).astype(np.int64),
            np.ones(len(queries), np.bool_),
        )

    def _nearest(self, batch: _Batch, k: int, first: int, stop: int) -> Keys:
        """Return the keys of the k best rows of first..stop - 1 and maybe more, in any order."""
        run = int(np.searchsorted(self._starts, first, side="right")) - 1
        runs = run, int(np.searchsorted(self._starts, stop))
        near = self._near_runs(batch, k, *runs)
        keys = self._open(batch, first, stop, np.full(batch.n, _FARTHEST), *near)
        limits = np.full(batch.n, _FARTHEST)
        if keys.shape[1] >= k:
            kth = np.partition(keys, k - 1, axis=1)[:, k - 1]
            limits = np.minimum(kth >> np.uint64(40), np.uint64(_FARTHEST)).astype(np.int64)
        gathered = self._gather(batch, limits, *runs)
        return self._open(batch, first, stop, limits, *gathered)

    def _near_runs(self, batch: _Batch, k: int, first: int, stop: int) -> tuple[Any, Any, int, int]:
        """Return counts, (q,), and numbers, (q, m), of some near runs, the largest count and m."""
        n_blocks = -(-(stop - first) // RUNS_PER_BLOCK)
        nearest = self._launcher.empty((n_blocks, batch.n), np.uint64)
        bounds = np.int64(first), np.int64(stop)
        arguments = self._centres.addresses, *bounds, batch.words, batch.norms, batch.n, nearest
        self._launcher.launch("nearest_centres", (n_blocks, 1, 1), THREADS, arguments)
        keys = np.sort(self._launcher.download(nearest), axis=0)[: _FIRST_RUNS + k].T
        counts = (keys != _NO_KEY).sum(axis=1).astype(np.uint32)
        near = np.ascontiguousarray(keys & np.uint64(2**40 - 1)).astype(np.int64)
        upload = self._launcher.upload
        return upload(counts), upload(near), int(counts.max()), near.shape[1]

    def _gather(
        self, batch: _Batch, limits: Ints, first: int, stop: int
    ) -> tuple[Any, Any, int, int]:
        """Return the same of all runs that can hold a row within the limits."""
        reaches = self._launcher.upload(np.sqrt(limits.astype(np.float64)).astype(np.float32))
        room, most = 0, _FIRST_ROOM
        while most > room:
            room = 1 << (most - 1).bit_length()
            counts = self._launcher.upload(np.zeros(batch.n, np.uint32))
            runs = self._launcher.empty((batch.n, room), np.int64)
            launch(
                self._launcher,
                "gather_runs",
                stop - first,
                (
                    *(self._centres.addresses, self._radii_there, np.int64(first), np.int64(stop)),
                    *(batch.words, batch.norms, reaches, batch.n, room, counts, runs),
                ),
            )
            most = int(self._launcher.download(counts).view(np.uint32).max())
        return counts, runs, most, room

    def _open(
        self,
        batch: _Batch,
        first: int,
        stop: int,
        limits: Ints,
        counts: Any,  # (q,) of runs
        runs: Any,  # (q, runs_room)
        most_runs: int,
        runs_room: int,
    ) -> Keys:
        """Return the keys of the rows of runs within the limits, (q, most)."""
        its_limits = self._launcher.upload(limits.astype(np.int32))
        room, most = 0, _FIRST_ROOM
        while most > room:
            room = 1 << (most - 1).bit_length()
            n_found = self._launcher.upload(np.zeros(batch.n, np.uint32))
            found = self._launcher.upload(np.full((batch.n, room), _NO_KEY))
            launch(
                self._launcher,
                "open_runs",
                batch.n * most_runs * MAX_RUN_ROWS,
                (
                    *(self._rows.addresses, self._starts_there, np.int64(first), np.int64(stop)),
                    *(batch.words, batch.norms, its_limits, batch.n, runs_room, most_runs),
                    *(counts, runs, room, n_found, found),
                ),
            )
            most = int(self._launcher.download(n_found).view(np.uint32).max())
        keys = self._launcher.download(found).reshape(-1).view(np.uint64)
        return keys.reshape(batch.n, room)[:, :most]


class _Batch:
    """Queries on the device."""

    def __init__(self, launcher: Launcher, queries: NDArray[np.int8]) -> None:
        self.n = len(queries)
        wide = queries.astype(np.int32)
        self.words = launcher.upload(np.ascontiguousarray(queries))
        self.norms = launcher.upload((wide * wide).sum(axis=1, dtype=np.int32))
