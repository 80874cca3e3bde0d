"""One call under way: who makes it, under which id, and what becomes of it.

The call is a context variable, so everything that runs for it, also in a thread, finds it.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from mitate.server.identities import Caller

REQUEST_ID = "x-request-id"  # metadata, in the request and in the answer
SERVER_TIMING = "server-timing"  # metadata of the answer: "decode;dur=3.1, total;dur=4.0", in ms
UNKNOWN = Caller("unknown", None)
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(slots=True)
class Call:
    """What is known about a call."""

    method: str  # "/mitate.v1.SearchService/SearchImage"
    request_id: str
    peer_: str | Callable[[], str]  # asked for when it is needed, since gRPC takes long to tell
    started: float = field(default_factory=time.perf_counter)
    caller: Caller = UNKNOWN
    taken: bool = False  # it was not refused at the gate of a server that loads or drains
    code: str = "CANCELLED"  # name of the gRPC status; until it is known, what a lost caller gets
    reason: str = ""  # of ErrorInfo
    stages_ms: dict[str, float] = field(default_factory=dict)
    stages: list[tuple[str, float, float]] = field(default_factory=list)  # name, start, end, s
    span: Any = None  # of OpenTelemetry, where the call is recorded
    trace_id: str = ""  # where the call is traced
    target: Mapping[str, Any] = field(default_factory=dict)  # what of the request is audited
    result: Mapping[str, Any] = field(default_factory=dict)  # what of the answer is audited

    @property
    def peer(self) -> str:
        """The other side as gRPC tells it, "ipv4:127.0.0.1:4711"."""
        if not isinstance(self.peer_, str):
            self.peer_ = self.peer_()
        return self.peer_

    @property
    def elapsed_ms(self) -> float:
        """Time since the call came in."""
        return (time.perf_counter() - self.started) * 1000


CALL: ContextVar[Call | None] = ContextVar("call", default=None)


def request_id_of(given: str | None) -> str:
    """Return the id that the caller gave, or a new one where there is none that can be used."""
    if given is not None and _ID.fullmatch(given):
        return given
    return secrets.token_hex(8)
