"""How a client shows who it is, and how it knows the server: token, TLS, client certificate."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TypedDict

import grpc

from mitate.kernels.errors import FailedPrecondition, InvalidArgument

FilePath = str | PathLike[str]
Token = str | Callable[[], str]  # a function is called for every call, so it may renew the token


class AccessOptions(TypedDict, total=False):
    """The fields of `Access` as arguments of a client."""

    token: Token | None
    tls: bool
    ca: FilePath | None
    certificate: FilePath | None
    key: FilePath | None
    server_name: str | None
    allow_plaintext: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a connection shows and trusts; nothing of it is plain text and no token.

    Args:
        token: API key or JSON Web Token.
        tls: encrypt, and trust the authorities that the system trusts.
        ca: PEM file of the authorities to trust instead; turns TLS on.
        certificate: PEM file of the client's own certificate; turns TLS on.
        key: PEM file of its private key.
        server_name: name that the server's certificate has, where it is not that of the address.
        allow_plaintext: send a token to another machine without TLS.
    """

    token: Token | None = field(default=None, repr=False)
    tls: bool = False
    ca: FilePath | None = None
    certificate: FilePath | None = None
    key: FilePath | None = None
    server_name: str | None = None
    allow_plaintext: bool = False

    def checked_credentials(
        self, address: str, given: grpc.ChannelCredentials | None
    ) -> grpc.ChannelCredentials | None:
        """Return the credentials of a channel to an address, None for plain text.

        Raises:
            InvalidArgument: the token would travel in plain text, or half of a pair is missing.
            FailedPrecondition: a file cannot be read.
        """
        if (self.certificate is None) != (self.key is None):
            raise InvalidArgument("certificate and key go together; one of them is missing")
        credentials = given
        if credentials is None and (self.tls or self.ca is not None or self.key is not None):
            credentials = grpc.ssl_channel_credentials(
                _read(self.ca), _read(self.key), _read(self.certificate)
            )
        shown = self.token is not None and credentials is None
        if shown and not self.allow_plaintext and not is_local(address):
            raise InvalidArgument(
                f"the token would travel to {address} unencrypted: give ca or tls, or "
                "allow_plaintext where something on the way encrypts"
            )
        return credentials

    def options(self) -> list[tuple[str, str]]:
        """Return the channel options that belong to the credentials."""
        if self.server_name is None:
            return []
        return [("grpc.ssl_target_name_override", self.server_name)]

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return what goes with every call."""
        token = self.token() if callable(self.token) else self.token
        return (("authorization", f"Bearer {token}"),) if token is not None else ()


def is_local(address: str) -> bool:
    """Return whether an address HOST:PORT is of this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(path: FilePath | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FailedPrecondition(f"cannot read {path}: {error.strerror}") from error
