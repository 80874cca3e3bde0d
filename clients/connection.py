"""What the blocking and the asyncio connection have in common: servers, stubs, deadlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc

from mitate.clients import tracing, transport
from mitate.clients.access import Access
from mitate.clients.steps import AsyncFeed, Call, Feed
from mitate.kernels.errors import FailedPrecondition, MitateError


class Connection:
    """Stubs on channels, with a deadline for every call.

    Of several servers the first gets what changes or remembers something; searches go to all.
    """

    def __init__(
        self,
        address: str,
        channels: Sequence[grpc.Channel | grpc.aio.Channel],
        access: Access,
        timeout_s: float,
        work_timeout_s: float,
    ) -> None:
        self.address = address
        self._stubs = transport.stubs(channels)
        self._access = access
        self._timeout_s, self._work_timeout_s = timeout_s, work_timeout_s
        self._closed = False

    def _method(self, call: Call) -> Any:
        if self._closed:
            raise FailedPrecondition("this client is closed")
        service, _, method = call.method.partition("/")
        return getattr(self._stubs[service], method)

    def _deadline_s(self, call: Call) -> float:
        return self._work_timeout_s if call.long else self._timeout_s

    def _with(self, call: Call, traced: tracing.Metadata) -> dict[str, Any]:
        """Return what goes with a call: its deadline, who makes it, and the trace it is part of."""
        metadata = self._access.metadata() + traced
        return {"timeout": self._deadline_s(call), "metadata": metadata}

    def _error(self, call: Call, error: grpc.RpcError) -> MitateError:
        check_feed(call)
        return transport.call_error(error, self.address, call.method, self._deadline_s(call))


def check_feed(call: Call) -> None:
    """Raise the error that ended the requests of a call, if there was one."""
    if isinstance(call.request, Feed | AsyncFeed):
        call.request.check()
