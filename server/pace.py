"""How fast a stage is, learnt from what it has done, and how much to give it at once."""

from __future__ import annotations

LEARNT_SHARE = 0.2  # of each measurement
MIN_RETRY_MS, MAX_RETRY_MS = 50, 30_000


class Pace:
    """The time per item of a stage, and the number of items that takes about `aim_ms`."""

    def __init__(self, aim_ms: float, least: int, most: int) -> None:
        self._aim_ms, self._least, self._most = aim_ms, least, most
        self.ms_per_item = aim_ms / least

    @property
    def portion(self) -> int:
        """Items to do at once."""
        fitting = int(self._aim_ms / max(self.ms_per_item, 1e-6))
        return min(max(fitting, self._least), self._most)

    def learn(self, n_items: int, took_ms: float) -> None:
        """Take a measurement into account."""
        self.ms_per_item += LEARNT_SHARE * (took_ms / n_items - self.ms_per_item)


def retry_after_ms(wait_ms: float) -> int:
    """Return when to ask again: about when what waits now is done."""
    return int(min(max(wait_ms, MIN_RETRY_MS), MAX_RETRY_MS))
