"""The address of a server."""

from __future__ import annotations

from mitate.kernels.errors import InvalidArgument

DEFAULT_ADDRESS = "127.0.0.1:50061"


def check_address(address: str) -> str:
    """Return `address` if it reads HOST:PORT.

    Raises:
        InvalidArgument: it does not.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InvalidArgument(
            f"server address {address!r}; HOST:PORT is needed, for example {DEFAULT_ADDRESS}"
        )
    return address
