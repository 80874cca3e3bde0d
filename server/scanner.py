"""A scan in windows: segments come out while the video is still being read.

At fixed times of the video the frames since the last settled segment are aligned. Segments that end
well before the newest frame are settled and come out; the next window starts after them. A window
that grows too long is cut, and what runs through the cut is held back until the next window shows
whether it goes on. The same video therefore gives the same timeline however fast it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mitate.kernels.chunks import Chunk, MediaHead, join, taken_apart
from mitate.kernels.signature import (
    Signature,
    no_lumas,
    no_run_first,
    no_thumbnails,
    no_windows,
)
from mitate.server.records import Match

STEP_MS = 20_000  # between two looks at the window
LAG_MS = 8_000  # a segment that ends so long before the newest frame is settled
LONGEST_MS = 120_000  # of a window
GAP_MS = 250  # in the query, between a segment and its continuation
SAME_PLACE_MS = 150.0  # in the source, likewise
SAME_SPEED = 0.04

ScanWindow = Callable[[Signature], Sequence[Match]]


class Scanner:
    """Takes the chunks of one video in order and gives its segments in order."""

    def __init__(
        self, scan_window: ScanWindow, *, step_ms: int = STEP_MS, lag_ms: int = LAG_MS
    ) -> None:
        self._scan_window = scan_window
        self._step_ms, self._lag_ms = step_ms, lag_ms
        self._chunks: list[Chunk] = []  # from a little before the window on
        self._forgotten = 0  # frames before those
        self._forgotten_kept = 0  # and descriptors that begin in them
        self._first = 0  # frame with which the window starts, counted from those
        self._next_look_ms = step_ms + lag_ms
        self._held: Match | None = None

    def feed(self, chunk: Chunk, head: MediaHead) -> list[Match]:
        """Add frames; return the segments that they settle."""
        self._chunks.append(self._shifted(chunk))
        settled: list[Match] = []
        if chunk.times_ms[-1] < self._next_look_ms:
            return settled
        signature = self._read_so_far(head)
        while chunk.times_ms[-1] >= self._next_look_ms:
            settled += self._look(signature, self._next_look_ms)
            self._next_look_ms += self._step_ms
        self._forget(signature)
        return settled

    def finish(self, head: MediaHead) -> list[Match]:
        """Return the segments that are left; the video has ended."""
        signature = self._read_so_far(head)
        segments: Sequence[Match] = ()
        if self._first < signature.n_frames:
            segments = self._scan_window(
                signature.part(self._first, signature.n_frames, with_runs=True)
            )
        left = self._passed_on(segments)
        return [*left, self._held] if self._held is not None else left

    def drop_runs(self) -> None:
        """Forget the runs of what was fed; what follows has none."""
        self._chunks = [without_runs(chunk) for chunk in self._chunks]

    def drop_lumas(self) -> None:
        """Forget the luma grids of what was fed; what follows has none."""
        self._chunks = [without_lumas(chunk) for chunk in self._chunks]

    def _shifted(self, chunk: Chunk) -> Chunk:
        """Return a chunk that counts from the first frame that is kept here."""
        return replace(
            chunk,
            kept_first=chunk.kept_first - np.uint32(self._forgotten),
            run_first=chunk.run_first - np.uint32(self._forgotten_kept),
            inner_kept=chunk.inner_kept - np.uint32(self._forgotten_kept),
            luma_first=chunk.luma_first - np.uint32(self._forgotten),
        )

    def _forget(self, signature: Signature) -> None:
        """Let go of the frames before the window, so that memory does not grow with the video."""
        n = min(self._first, signature.n_frames - 1)
        self._forgotten += n
        self._forgotten_kept += int(signature.kept_of(n))
        self._first -= n
        self._chunks = [taken_apart(signature.part(n, signature.n_frames, with_runs=True))[0]]

    def _read_so_far(self, head: MediaHead) -> Signature:
        last_ms = int(self._chunks[-1].times_ms[-1])
        return join(replace(head, duration_ms=max(head.duration_ms, last_ms)), self._chunks)

    def _look(self, signature: Signature, now_ms: int) -> list[Match]:
        """Align the window up to `now_ms` and move its start."""
        times_ms = signature.times_ms
        stop = int(np.searchsorted(times_ms, now_ms))
        if stop <= self._first:
            return []
        segments = self._scan_window(signature.part(self._first, stop, with_runs=True))
        settled_ms = now_ms - self._lag_ms
        settled = [one for one in segments if one.query_to_ms <= settled_ms]
        cut_ms = settled[-1].query_to_ms if settled else int(times_ms[self._first])
        if now_ms - cut_ms > LONGEST_MS:
            cut_ms = settled_ms
            settled += [_ended(one, cut_ms) for one in segments if _spans(one, cut_ms)]
        elif not segments:
            cut_ms = settled_ms
        self._first = max(self._first, int(np.searchsorted(times_ms, cut_ms)))
        return self._passed_on(settled)

    def _passed_on(self, segments: Sequence[Match]) -> list[Match]:
        """Return all segments but the last, which the next one may continue."""
        passed = []
        for segment in segments:
            if self._held is not None and continues(self._held, segment):
                self._held = merged(self._held, segment)
                continue
            if self._held is not None:
                passed.append(self._held)
            self._held = segment
        return passed


def without_runs(chunk: Chunk) -> Chunk:
    """Return a chunk without runs and small pictures."""
    return replace(
        chunk, run_first=no_run_first(), windows=no_windows(), thumbnails=no_thumbnails()
    )


def without_lumas(chunk: Chunk) -> Chunk:
    """Return a chunk without luma grids."""
    return replace(chunk, luma_first=no_run_first(), lumas=no_lumas())


def continues(one: Match, other: Match) -> bool:
    """Tell whether `other` goes on where `one` ends, in the query and in the source."""
    gap_ms = other.query_from_ms - one.query_to_ms
    return (
        (one.source_id, one.mirrored) == (other.source_id, other.mirrored)
        and gap_ms <= GAP_MS
        and abs(one.speed - other.speed) <= SAME_SPEED
        and abs(one.to_ms + one.speed * gap_ms - other.from_ms) <= SAME_PLACE_MS
    )


def merged(one: Match, other: Match) -> Match:
    """Return one segment for two of which the second continues the first.

    What is known of the longer one holds for both.
    """
    lengths = (one.query_to_ms - one.query_from_ms, other.query_to_ms - other.query_from_ms)
    better = min(one, other, key=lambda match: match.distance)
    return replace(
        one if lengths[0] >= lengths[1] else other,
        query_from_ms=one.query_from_ms,
        query_to_ms=other.query_to_ms,
        from_ms=one.from_ms,
        to_ms=other.to_ms,
        at_ms=better.at_ms,
        speed=(other.to_ms - one.from_ms) / max(1, other.query_to_ms - one.query_from_ms),
        distance=float(np.average([one.distance, other.distance], weights=lengths)),
        similarity=float(np.average([one.similarity, other.similarity], weights=lengths)),
    )


def _spans(segment: Match, cut_ms: int) -> bool:
    return segment.query_from_ms < cut_ms < segment.query_to_ms


def _ended(segment: Match, cut_ms: int) -> Match:
    """Return the part of a segment before `cut_ms`."""
    to_ms = round(segment.from_ms + segment.speed * (cut_ms - segment.query_from_ms))
    first_ms, last_ms = sorted((segment.from_ms, to_ms))
    at_ms = min(max(segment.at_ms, first_ms), last_ms)
    return replace(segment, query_to_ms=cut_ms, to_ms=to_ms, at_ms=at_ms)
