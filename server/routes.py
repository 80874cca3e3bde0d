"""Which handler answers a method: looked up by name when a call comes, wrapped once.

grpc.aio waits for the next call of every registered method by itself and goes through all of these
twice for each call that comes, so methods are not registered; and it makes a chain of coroutines
of interceptors anew for each call, so handlers are wrapped here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc

Handler = Any  # grpc.RpcMethodHandler, which has parameters for type checkers only


class Routes(grpc.GenericRpcHandler):
    """Takes the place of a server where generated code puts services on one.

    Args:
        wrap: makes of a handler and the name of its method the handler that is called.
    """

    def __init__(self, wrap: Callable[[Handler, str], Handler]) -> None:
        self._wrap = wrap
        self._services: list[grpc.GenericRpcHandler] = []
        self._found: dict[str, Handler] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Take the methods of a service."""
        self._services.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Do nothing; these are the methods of `add_generic_rpc_handlers` once more."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Return the handler of the method that is called, None where there is none."""
        method = str(handler_call_details.method)
        if method not in self._found:
            found = (service.service(handler_call_details) for service in self._services)
            handler = next((one for one in found if one is not None), None)
            if handler is None:
                return None  # and keep no name that a stranger made up
            self._found[method] = self._wrap(handler, method)
        return self._found[method]
