"""Waiting for a server that has started and is loading its index."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from grpc_health.v1 import health_pb2

from mitate.clients.steps import Call, Flow, Local
from mitate.kernels.errors import MitateError

LIMIT_S = 60.0
PAUSE_S = 0.25  # between two questions


def wait_while_loading(limit_s: float, waiting: Callable[[], None] | None) -> Flow[bool]:
    """Wait until the server takes calls; returns whether it does, as far as can be told.

    A server that cannot be asked is not waited for: the next call says what is wrong.
    """
    end_s = time.monotonic() + limit_s
    while True:
        try:
            answer = yield Call("Health/Check", health_pb2.HealthCheckRequest())
        except MitateError:
            return True
        if answer.status != health_pb2.HealthCheckResponse.NOT_SERVING:
            return True
        if time.monotonic() >= end_s:
            return False
        if waiting is not None:
            waiting()
        yield Local(partial(time.sleep, PAUSE_S))
