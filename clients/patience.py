"""Going on after a server that was there could not be reached for a while: it may start again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mitate.clients.steps import Flow, Local
from mitate.kernels.errors import NotReady

T = TypeVar("T")
PATIENCE_S = 60.0  # from the first failure without a success since
PAUSE_S = 1.0  # between two attempts


class Patience:
    """Counts how long a server has been away.

    Args:
        waiting: called before each pause; an error that it raises ends the matter.
    """

    def __init__(self, waiting: Callable[[], None]) -> None:
        self._waiting = waiting
        self._lost_s: float | None = None

    def reached(self) -> None:
        """Note that the server is there."""
        self._lost_s = None

    def pause(self, error: NotReady) -> Flow[None]:
        """Wait a moment; raises the error when the server has been away for too long."""
        now_s = time.monotonic()
        if self._lost_s is None:
            self._lost_s = now_s
        if now_s - self._lost_s > PATIENCE_S:
            raise error
        self._waiting()
        yield Local(partial(time.sleep, PAUSE_S))


def patiently(again: Callable[[], Flow[T]], waiting: Callable[[], None]) -> Flow[T]:
    """Do something until the server answers, an error of another kind comes, or patience ends."""
    patience = Patience(waiting)
    while True:
        try:
            return (yield from again())
        except NotReady as error:
            yield from patience.pause(error)
