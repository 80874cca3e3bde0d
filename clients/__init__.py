"""Clients and the command line."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mitate.clients.aio import AsyncClient
    from mitate.clients.client import Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    """Import a client when it is first asked for, so that the command line starts quickly."""
    if name == "Client":
        from mitate.clients.client import Client

        return Client
    if name == "AsyncClient":
        from mitate.clients.aio import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
