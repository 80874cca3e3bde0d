"""Who makes a call, and may it? Tokens and client certificates to callers, callers to verdicts."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable, Mapping

from mitate.kernels.errors import PermissionRefused, SettingsError, Unauthenticated
from mitate.server.identities import ANYBODY, KEY_PREFIX, Caller, Identities, read_identities
from mitate.server.reloading import Reloading
from mitate.server.scopes import needed
from mitate.server.settings import Settings
from mitate.server.web_tokens import WebTokens

AuthContext = Mapping[str, Iterable[bytes]]
MAX_TOKEN_CHARACTERS = 8192
_NAMES = ("x509_subject_alternative_name", "x509_common_name")


class Authority:
    """Decides over calls; without identities and keys everybody may do everything.

    Raises:
        SettingsError: a file cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._identities: Reloading[Identities] | None = None
        self._web_tokens: Reloading[WebTokens] | None = None
        self._by_certificate = settings.tls_client_ca is not None
        if (path := settings.identities) is not None:
            self._identities = Reloading([path], lambda: read_identities(path))
        if (keys := settings.jwt_keys) is not None:
            issuer, audience = settings.jwt_issuer, settings.jwt_audience
            self._web_tokens = Reloading([keys], lambda: WebTokens(keys, issuer, audience))

    @property
    def open_to_all(self) -> bool:
        """Nobody has to show anything."""
        return self._identities is None and self._web_tokens is None

    def caller(self, authorization: str | None, auth_context: Callable[[], AuthContext]) -> Caller:
        """Return who calls; a token counts before the certificate of the connection.

        Raises:
            Unauthenticated: nothing is shown, or it is not accepted.
        """
        if self.open_to_all:
            return ANYBODY
        if authorization is not None:
            return self._by_token(_bearer(authorization))
        caller = self._of_connection(auth_context()) if self._by_certificate else None
        if caller is None:
            raise Unauthenticated(
                "the call shows no token that this server accepts; send the metadata "
                "`authorization: Bearer TOKEN`"
            )
        return caller

    def _by_token(self, token: str) -> Caller:
        if self._web_tokens is not None and not token.startswith(KEY_PREFIX):
            return self._web_tokens.value.caller(token, time.time())
        if self._identities is None:
            raise Unauthenticated("this server takes JSON Web Tokens, not API keys")
        return self._identities.value.by_key(token, time.time())

    def _of_connection(self, shown: AuthContext) -> Caller | None:
        if self._identities is None:
            return None
        names = [name.decode(errors="replace") for kind in _NAMES for name in shown.get(kind, ())]
        return self._identities.value.by_certificate(names)


def check_scope(caller: Caller, method: str) -> None:
    """Raise PermissionRefused unless the caller has the scope that a method needs."""
    scope = needed(method)
    if caller.scope is None or caller.scope < scope:
        has = caller.scope.word if caller.scope else "none"
        raise PermissionRefused(
            f"{method.lstrip('/')} needs the scope {scope.word!r}; {caller.name} has {has!r}"
        )


def check_exposure(settings: Settings) -> None:
    """Refuse settings that would let strangers in, or show tokens to the network.

    Raises:
        SettingsError: the address is not a loopback one, and authentication or TLS is missing
            without leave.
    """
    if is_loopback(settings.listen):
        return
    if settings.identities is None and settings.jwt_keys is None:
        if not settings.allow_anonymous:
            raise SettingsError(
                f"listen is {settings.listen}, which other machines reach, and nobody has to show "
                "a token: set identities or jwt_keys, listen on 127.0.0.1, or set allow_anonymous"
            )
    elif settings.tls_certificate is None and not settings.allow_plaintext:
        raise SettingsError(
            f"listen is {settings.listen}, which other machines reach, and tokens would travel "
            "unencrypted: set tls_certificate and tls_key, or set allow_plaintext where something "
            "in front of the server encrypts"
        )


def is_loopback(listen: str) -> bool:
    """Return whether only this machine reaches an address HOST:PORT."""
    host = listen.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bearer(authorization: str) -> str:
    kind, _, token = authorization.partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated(f"authorization begins with {kind[:20]!r}; `Bearer TOKEN` is needed")
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise Unauthenticated(
            f"a token of {len(token)} characters; at most {MAX_TOKEN_CHARACTERS} are read"
        )
    return token
