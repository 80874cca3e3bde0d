"""How much each caller may ask for, counted in signatures: a bucket that fills steadily."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from mitate.kernels.errors import QuotaExceeded

BURST_S = 10.0  # of the rate that a caller may use up at once
MAX_CALLERS = 10_000  # remembered; the longest unseen one is forgotten, and its bucket full again


class Quotas:
    """The buckets of all callers; safe to call from any thread."""

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s  # signatures; 0 is no quota
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # left, when
        self._lock = threading.Lock()

    def take(self, caller: str, n_signatures: int) -> None:
        """Use up signatures of a caller.

        A request larger than the bucket is served from a full one, which then takes longer to fill.

        Raises:
            QuotaExceeded: the caller has to wait.
        """
        if not self._per_s:
            return
        needed = min(n_signatures, self._per_s * BURST_S)
        with self._lock:
            left = self._left(caller)
            if left >= needed:
                self._set(caller, left - n_signatures)
        if left < needed:
            wait_s = (needed - left) / self._per_s
            raise QuotaExceeded(
                f"{caller} asks for {n_signatures} signatures and has {max(0, int(left))} left of "
                f"{self._per_s:g} for each second (caller_signatures_per_s); the next are there in "
                f"{wait_s:.1f} s",
                retry_after_ms=max(1, int(wait_s * 1000)),
            )

    def charge(self, caller: str, n_signatures: int) -> None:
        """Use up signatures that are searched already; the next request may have to wait."""
        if self._per_s:
            with self._lock:
                self._set(caller, self._left(caller) - n_signatures)

    def _left(self, caller: str) -> float:
        full = self._per_s * BURST_S
        left, since_s = self._buckets.get(caller, (full, self._clock()))
        return min(full, left + (self._clock() - since_s) * self._per_s)

    def _set(self, caller: str, left: float) -> None:
        self._buckets[caller] = left, self._clock()
        self._buckets.move_to_end(caller)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
