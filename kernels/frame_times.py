"""Strictly increasing frame times from the time stamps of a file, however broken they are."""

from __future__ import annotations

from fractions import Fraction

MAX_GAP_S = 24 * 3600
DEFAULT_FPS = Fraction(25)
MICROSECONDS = 1_000_000


class FrameTimes:
    """Turns the time stamps of one video stream into milliseconds from the start of the file.

    A frame's time is its presentation time stamp where that increases, else its decoding time
    stamp, else the time before plus one frame. AVI has no presentation times, broken files repeat
    them or jump: what comes out increases strictly all the same.
    """

    def __init__(
        self,
        time_base: Fraction,  # seconds per tick
        fps: Fraction | None,
        start_us: int | None,  # start of the file; None: its first frame
    ) -> None:
        self._numerator = time_base.numerator
        self._denominator = time_base.denominator
        self._step = max(1, round(1 / ((fps or DEFAULT_FPS) * time_base)))
        self._max_gap = round(MAX_GAP_S / time_base)
        self._start_us = start_us
        self._last: int | None = None
        self._duration = self._step
        self.last_ms = -1

    def next_ms(self, pts: int | None, dts: int | None, duration: int | None) -> int:
        """Return the time of the next frame; all arguments are in ticks."""
        ticks = self._pick(pts, dts)
        self._last = ticks
        self._duration = duration if duration and duration > 0 else self._step
        self.last_ms = max(self._to_ms(ticks), self.last_ms + 1)
        return self.last_ms

    @property
    def end_ms(self) -> int:
        """When the last frame ends."""
        if self._last is None:
            return 0
        return max(self._to_ms(self._last + self._duration), self.last_ms)

    def ms_of(self, ticks: int) -> int:
        """Return the time of a time stamp; at least 0. Known after the first frame."""
        return max(self._to_ms(ticks), 0)

    def _pick(self, pts: int | None, dts: int | None) -> int:
        if self._last is None:
            return self._begin(pts if pts is not None else dts)
        for ticks in (pts, dts):
            if ticks is not None and 0 < ticks - self._last <= self._max_gap:
                return ticks
        return self._last + self._step

    def _begin(self, first: int | None) -> int:
        if first is None:
            first = self._from_us(self._start_us or 0)
        first_us = first * self._numerator * MICROSECONDS // self._denominator
        start_us = first_us if self._start_us is None else self._start_us
        self._start_us = min(start_us, first_us)
        return first

    def _from_us(self, microseconds: int) -> int:
        return round(Fraction(microseconds * self._denominator, self._numerator * MICROSECONDS))

    def _to_ms(self, ticks: int) -> int:
        start_us = self._start_us or 0
        scaled = ticks * self._numerator * MICROSECONDS - start_us * self._denominator
        per_ms = self._denominator * 1000
        return (2 * scaled + per_ms) // (2 * per_ms)
