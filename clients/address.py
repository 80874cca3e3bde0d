"""The addresses of servers: one, or several with commas between them."""

from __future__ import annotations

import socket

from mitate.kernels.errors import InvalidArgument, NotReady

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


def check_addresses(text: str) -> tuple[str, ...]:
    """Return the addresses in a text, the first of which keeps what callers change.

    Raises:
        InvalidArgument: one does not read HOST:PORT.
    """
    return tuple(check_address(one.strip()) for one in text.split(","))


def balanced_target(addresses: tuple[str, ...]) -> str:
    """Return what gRPC takes for several addresses at once.

    Raises:
        NotReady: a host name is not known.
    """
    resolved = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        try:
            found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        except OSError as error:
            raise NotReady(f"cannot reach {address}: the host name is not known") from error
        resolved += [(family, its[0], its[1]) for family, _, _, _, its in found]
    family = min(family for family, _, _ in resolved)  # IPv4 where there is any
    scheme, form = ("ipv4", "{}:{}") if family == socket.AF_INET else ("ipv6", "[{}]:{}")
    ends = dict.fromkeys(form.format(ip, port) for kind, ip, port in resolved if kind == family)
    return f"{scheme}:{','.join(ends)}"
