"""Who may call: API keys, stored as SHA-256, and names in client certificates.

    [[keys]]
    name = "bot"                      # for logs and quotas
    sha256 = "9f86d081884c7d65…"      # of the whole key
    scopes = ["search"]
    expires = 2027-01-31T00:00:00Z    # or left out

    [[certificates]]
    name = "crawler.internal"         # a subject alternative name or the common name; "*" is any
    scopes = ["index"]

A key is 256 random bits, so a fast hash protects it as well as a slow one would.
"""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from mitate.kernels.errors import SettingsError, Unauthenticated
from mitate.server.reloading import read_file
from mitate.server.scopes import WORDS, Scope

KEY_PREFIX = "mitate_"
_KEY_FIELDS = frozenset({"name", "sha256", "scopes", "expires"})
_CERTIFICATE_FIELDS = frozenset({"name", "scopes"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and the largest scope it has; None is no scope at all."""

    name: str  # "key:bot", "jwt:alice", "cert:crawler.internal" or "anonymous"
    scope: Scope | None


ANYBODY = Caller("anonymous", Scope.ADMIN)  # of a server without authentication


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An entry of the file."""

    caller: Caller
    expires_s: float | None = None  # since the epoch


@dataclass(frozen=True, slots=True)
class Identities:
    """All entries of a file."""

    keys: Mapping[str, ApiKey] = field(default_factory=dict)  # SHA-256 in hexadecimal -> key
    certificates: Mapping[str, Caller] = field(default_factory=dict)  # name -> caller

    def by_key(self, key: str, now_s: float) -> Caller:
        """Return whose key it is; raises Unauthenticated."""
        found = self.keys.get(key_hash(key))
        if found is None:
            raise Unauthenticated("the API key is not known to this server; it may be revoked")
        if found.expires_s is not None and found.expires_s <= now_s:
            name = found.caller.name.partition(":")[2]
            expired = datetime.fromtimestamp(found.expires_s, UTC)
            raise Unauthenticated(
                f"the API key of {name!r} expired at {expired:%Y-%m-%dT%H:%M:%SZ}"
            )
        return found.caller

    def by_certificate(self, names: Iterable[str]) -> Caller | None:
        """Return the first caller that one of the names of a certificate stands for."""
        names = list(names)
        for name in names:
            if name in self.certificates:
                return self.certificates[name]
        anyone = self.certificates.get("*")
        return Caller(f"cert:{names[0]}", anyone.scope) if anyone and names else None


def new_key() -> str:
    """Return an API key that nobody has yet."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_hash(key: str) -> str:
    """Return what the file holds of a key, 64 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()


def read_identities(path: Path) -> Identities:
    """Return the entries of a file; raises SettingsError naming the file and the entry."""
    content = read_file(path, "file of identities")
    try:
        table = tomllib.loads(content.decode())
        return parse_identities(table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"file of identities {path} is not TOML: {error}") from error
    except SettingsError as error:
        raise SettingsError(f"file of identities {path}: {error.message}") from error


def parse_identities(table: Mapping[str, Any]) -> Identities:
    """Return the entries of a TOML document; raises SettingsError."""
    unknown = set(table) - {"keys", "certificates"}
    if unknown:
        raise SettingsError(f"unknown {min(unknown)!r}; keys and certificates are known")
    keys: dict[str, ApiKey] = {}
    for entry in _entries(table, "keys", _KEY_FIELDS):
        digest = str(entry.get("sha256", "")).lower()
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise SettingsError(
                f"sha256 of key {entry['name']!r} is {digest[:80]!r}; 64 hexadecimal digits are "
                "needed, see `mitate key`"
            )
        if digest in keys:
            raise SettingsError(f"key {entry['name']!r} has the sha256 of another key")
        caller = Caller(f"key:{entry['name']}", _scope(entry))
        keys[digest] = ApiKey(caller, _expiry(entry))
    certificates = {
        entry["name"]: Caller(f"cert:{entry['name']}", _scope(entry))
        for entry in _entries(table, "certificates", _CERTIFICATE_FIELDS)
    }
    return Identities(keys, certificates)


def _entries(
    table: Mapping[str, Any], kind: str, known: frozenset[str]
) -> Iterable[Mapping[str, Any]]:
    entries = table.get(kind, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SettingsError(f"{kind} is no list of tables; write [[{kind}]]")
    names: set[str] = set()
    for entry in entries:
        unknown = entry.keys() - known
        name = entry.get("name")
        if unknown:
            raise SettingsError(
                f"unknown {min(unknown)!r} in [[{kind}]]; known are {', '.join(sorted(known))}"
            )
        if not isinstance(name, str) or not name or not name.isprintable():
            raise SettingsError(f"name is {name!r} in [[{kind}]]; a printable text is needed")
        if name in names:
            raise SettingsError(f"two [[{kind}]] have the name {name!r}")
        names.add(name)
        yield entry


def _scope(entry: Mapping[str, Any]) -> Scope:
    scopes = entry.get("scopes")
    if not isinstance(scopes, list) or not scopes or not all(s in WORDS for s in scopes):
        raise SettingsError(
            f"scopes of {entry['name']!r} is {scopes!r}; a list of {', '.join(WORDS)} is needed"
        )
    return max(WORDS[scope] for scope in scopes)


def _expiry(entry: Mapping[str, Any]) -> float | None:
    expires = entry.get("expires")
    if expires is None:
        return None
    if isinstance(expires, date) and not isinstance(expires, datetime):
        expires = datetime.combine(expires, time(), UTC)
    if not isinstance(expires, datetime):
        raise SettingsError(
            f"expires of {entry['name']!r} is {expires!r}; a date or time is needed, such as "
            "2027-01-31T00:00:00Z"
        )
    return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)).timestamp()
