"""Flags and variables of the command line that say who calls and how the server is known."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mitate.kernels.errors import InvalidArgument

if TYPE_CHECKING:
    from mitate.clients.client import Client

STARTING_S = 60.0  # that a server may take before it answers
SAID_AFTER_S = 1.0  # of waiting
_FILES = {
    "--token-file": "file with an API key or JSON Web Token; the variable MITATE_TOKEN may hold "
    "the token itself",
    "--ca": "authorities to trust, a PEM file; turns TLS on",
    "--certificate": "certificate of this client, a PEM file; turns TLS on",
    "--key": "private key of --certificate, a PEM file",
}


def add_access(parser: argparse.ArgumentParser) -> None:
    """Give a parser the flags; each has a variable MITATE_… of the same name."""
    group = parser.add_argument_group(
        "access to the server", "each flag has a variable of its name, such as MITATE_TOKEN_FILE"
    )
    for flag, text in _FILES.items():
        variable = "MITATE_" + flag[2:].replace("-", "_").upper()
        group.add_argument(
            flag, metavar="FILE", default=os.environ.get(variable) or None, help=text
        )
    group.add_argument(
        "--server-name",
        metavar="NAME",
        default=os.environ.get("MITATE_SERVER_NAME") or None,
        help="name in the server's certificate, where it is not that of the address",
    )
    for flag, variable, text in (
        ("--tls", "MITATE_TLS", "use TLS and trust the authorities of this system"),
        ("--allow-plaintext", "MITATE_ALLOW_PLAINTEXT", "send a token without TLS"),
    ):
        default = os.environ.get(variable, "").lower() in ("1", "yes", "true")
        group.add_argument(flag, action="store_true", default=default, help=text)


def connect(arguments: argparse.Namespace) -> Client:
    """Return a client for the server that the arguments name; one that is loading is waited for.

    Raises:
        InvalidArgument: the arguments contradict each other, or the token cannot be read.
    """
    from mitate.clients.client import Client

    client = Client(
        arguments.server,
        token=_token(arguments.token_file, os.environ.get("MITATE_TOKEN")),
        tls=arguments.tls,
        ca=arguments.ca,
        certificate=arguments.certificate,
        key=arguments.key,
        server_name=arguments.server_name,
        allow_plaintext=arguments.allow_plaintext,
    )
    client.wait_while_loading(STARTING_S, _Patience(arguments.server).told)
    return client


class _Patience:
    """Tells a person once when waiting for a server takes long."""

    def __init__(self, server: str) -> None:
        self._server, self._begun_s = server, time.monotonic()
        self._said = False

    def told(self) -> None:
        if not self._said and time.monotonic() - self._begun_s >= SAID_AFTER_S:
            self._said = True
            sys.stderr.write(
                f"mitate: {self._server} is starting; waiting up to {STARTING_S:g} s\n"
            )


def _token(path: str | None, variable: str | None) -> str | None:
    if path is None:
        return variable or None
    try:
        token = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"cannot read the token file {path}: {error}") from error
    if not token or any(character.isspace() for character in token):
        raise InvalidArgument(f"the token file {path} holds no token: one word is needed")
    return token
