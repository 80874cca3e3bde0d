"""Rows in tiles in the memory of a GPU, and how its kernels are started."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.tiles import CHUNK_ROWS, L2

THREADS = 256
_MOST_BLOCKS = 1 << 16
_TILE_INTS, _TILE_ROWS = 144, 16

Ints = NDArray[np.int64]


class Launcher(Protocol):
    """Runs the kernels of `search.cu`; `kernels.cuda.CupyLauncher` does."""

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return device memory."""

    def address(self, array: Any) -> int:
        """Return where it lies."""

    def upload(self, array: NDArray[Any]) -> Any:
        """Return a copy of an array on the device."""

    def download(self, array: Any) -> NDArray[Any]:
        """Return a copy of device memory."""

    def launch(self, name: str, grid: tuple[int, int, int], threads: int, arguments: Any) -> None:
        """Start a kernel."""


class DeviceRows:
    """Rows in tiles on the device, in chunks that never move."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._chunks: list[Any] = []
        self.addresses: Any = None
        self.n_rows = 0

    def append(self, rows: NDArray[np.int8]) -> int:
        """Append rows, (n, 32)."""
        first, self.n_rows = self.n_rows, self.n_rows + len(rows)
        while len(self._chunks) * CHUNK_ROWS < self.n_rows:
            chunk = self._launcher.empty((CHUNK_ROWS // _TILE_ROWS * _TILE_INTS,), np.int32)
            self._chunks.append(chunk)
            table = [self._launcher.address(one) for one in self._chunks]
            self.addresses = self._launcher.upload(np.array(table, np.uint64))
        if len(rows):
            arguments = (np.int64(first), np.int64(len(rows)), self._launcher.upload(rows))
            launch(self._launcher, "put_rows", len(rows), (self.addresses, *arguments))
        return first

    def kill(self, first: int, stop: int) -> int:
        """Mark rows dead; return how many were not dead before."""
        if first >= stop:
            return 0
        killed = self._launcher.upload(np.zeros(1, np.uint32))
        arguments = self.addresses, np.int64(first), np.int64(stop - first), killed
        launch(self._launcher, "kill_rows", stop - first, arguments)
        return int(self._launcher.download(killed).view(np.uint32)[0])

    def take(self, rows: Ints) -> NDArray[np.int8]:
        """Return a copy of some rows, (..., 32)."""
        flat = np.ascontiguousarray(rows.reshape(-1), np.int64)
        if not len(flat):
            return np.zeros((*rows.shape, L2.n_dims), np.int8)
        out = self._launcher.empty((len(flat), L2.n_dims), np.int8)
        arguments = self.addresses, self._launcher.upload(flat), np.int64(len(flat)), out
        launch(self._launcher, "take_rows", len(flat), arguments)
        return self._launcher.download(out).reshape(*rows.shape, L2.n_dims)


def launch(launcher: Launcher, name: str, n: int, arguments: Any) -> None:
    """Start a kernel with a thread for each of `n`, or several for each thread."""
    n_blocks = min(max(1, -(-n // THREADS)), _MOST_BLOCKS)
    launcher.launch(name, (n_blocks, 1, 1), THREADS, arguments)
