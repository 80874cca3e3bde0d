"""On whose behalf a piece of work is done, how urgent it is, and until when anybody wants it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import IntEnum

from mitate.kernels.errors import DeadlineExceeded, MitateError, OperationCancelled


class Priority(IntEnum):
    """What is served first while both wait."""

    INTERACTIVE = 0
    BULK = 1


@dataclass(slots=True, eq=False)
class Ticket:
    """Goes with a request through all queues; any thread may read it."""

    caller: str = ""
    priority: Priority = Priority.INTERACTIVE
    deadline_s: float = math.inf  # of time.monotonic()
    cancelled: bool = False  # set once, when the caller has gone

    def refusal(self, needed_s: float = 0.0) -> MitateError | None:
        """Return why work that takes so long is not worth starting, None if it is."""
        if self.cancelled:
            return OperationCancelled("the caller has gone")
        if self.deadline_s == math.inf:
            return None
        left_s = self.deadline_s - time.monotonic()
        if left_s < needed_s:
            return DeadlineExceeded(
                f"{max(0.0, left_s) * 1000:.0f} ms are left of the caller's time and about "
                f"{needed_s * 1000:.0f} ms are needed"
            )
        return None
