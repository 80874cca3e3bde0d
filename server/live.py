"""Scans of streams that need not end, from signatures that a caller pushes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mitate.kernels import signature_file
from mitate.kernels.chunks import Chunk, MediaHead, taken_apart
from mitate.kernels.errors import CorruptData, InvalidArgument, InvalidSignature
from mitate.kernels.signature import Signature
from mitate.server.records import Match
from mitate.server.scanner import LAG_MS, Scanner, ScanWindow, without_lumas, without_runs

LAGS_MS = (2_000, 60_000)
STEP_MS = 1_000  # between two looks
MAX_GAP_MS = 600_000  # between frames; a jump in time would be looked at second by second


class LiveScan:
    """Takes signatures of consecutive frames and gives segments a fixed time after their end.

    Runs and their small pictures count as long as every signature brings them; from the first that
    does not, the rest of the stream is scanned without.
    """

    def __init__(self, scan_window: ScanWindow, lag_ms: int = 0) -> None:
        lag_ms = lag_ms or LAG_MS
        if not LAGS_MS[0] <= lag_ms <= LAGS_MS[1]:
            raise InvalidArgument(
                f"lag_ms is {lag_ms}; {LAGS_MS[0]} to {LAGS_MS[1]} are allowed, and 0 for {LAG_MS}"
            )
        self._scanner = Scanner(scan_window, step_ms=STEP_MS, lag_ms=lag_ms)
        self._n_frames = self._n_kept = 0
        self._has_runs = self._has_lumas = True
        self._last_run: Chunk | None = None  # the signature that holds the last run
        self._head: MediaHead | None = None
        self.position_ms = 0  # of the last frame

    def feed(self, data: bytes) -> list[Match]:
        """Add the frames of a signature file; return the segments that they settle.

        Raises:
            InvalidSignature: no signature file of a video, or its times do not go on.
        """
        signature = _read(data)
        self._check_times(signature)
        chunk, head = taken_apart(signature)
        self._head = replace(head, kind="video")
        chunk = self._with_lumas(self._with_runs(chunk))
        shifted = replace(
            chunk,
            run_first=chunk.run_first + np.uint32(self._n_kept),
            kept_first=chunk.kept_first + np.uint32(self._n_frames),
            inner_kept=chunk.inner_kept + np.uint32(self._n_kept),
            luma_first=chunk.luma_first + np.uint32(self._n_frames),
        )
        self._n_frames += signature.n_frames
        self._n_kept += signature.n_kept
        self.position_ms = int(signature.times_ms[-1])
        return self._scanner.feed(shifted, self._head)

    def finish(self) -> list[Match]:
        """Return the segments that are left; the stream has ended."""
        return [] if self._head is None else self._scanner.finish(self._head)

    def _with_runs(self, chunk: Chunk) -> Chunk:
        """Return a chunk whose first run is left out where it goes on from the chunk before."""
        if self._has_runs and not len(chunk.run_first):
            self._has_runs = False
            self._scanner.drop_runs()
        if not self._has_runs:
            return without_runs(chunk)
        before, self._last_run = self._last_run, chunk
        if before is None or not _same_run(before, chunk):
            return chunk
        return replace(
            chunk,
            run_first=chunk.run_first[1:],
            windows=chunk.windows[1:],
            thumbnails=chunk.thumbnails[1:],
        )

    def _with_lumas(self, chunk: Chunk) -> Chunk:
        """Return a chunk with luma grids if all chunks have had some."""
        if self._has_lumas and not len(chunk.luma_first):
            self._has_lumas = False
            self._scanner.drop_lumas()
        return chunk if self._has_lumas else without_lumas(chunk)

    def _check_times(self, signature: Signature) -> None:
        first_ms = int(signature.times_ms[0])
        if self._head is not None and first_ms <= self.position_ms:
            raise InvalidSignature(
                f"the frames start at {first_ms} ms after one at {self.position_ms} ms; times "
                "count from the start of the stream and must increase"
            )
        times_ms = np.append(self.position_ms, signature.times_ms)
        longest_ms = int(np.diff(times_ms).max())
        if longest_ms > MAX_GAP_MS:
            raise InvalidSignature(
                f"{longest_ms} ms lie between two frames; at most {MAX_GAP_MS} are allowed"
            )


def _read(data: bytes) -> Signature:
    try:
        return signature_file.read(data)
    except CorruptData as error:
        raise InvalidSignature(f"the signature file is damaged: {error.message}") from error


def _same_run(before: Chunk, after: Chunk) -> bool:
    """Tell whether the first run of a chunk shows what the last run of another does."""
    return all(
        np.array_equal(getattr(before, name)[-1], getattr(after, name)[0])
        for name in ("windows", "thumbnails")
    )
