"""A server with TLS that wants keys or tokens, and those that it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jwt
from certificates import AuthorityOfCertificates
from conftest import Server, mitate, running
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from mitate.clients import Client

ISSUER = "https://login.example"
SECRET = ed25519.Ed25519PrivateKey.generate()


class Guarded(NamedTuple):
    """A server with TLS that wants keys or tokens."""

    server: Server
    authority: AuthorityOfCertificates
    keys: dict[str, str]  # name -> key
    identities: Path
    audit: Path

    def client(self, token: str | None = None, **access: Any) -> Client:
        return Client(self.server.address, token=token, ca=self.authority.ca, **access)

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


def web_token(**changed: Any) -> str:
    given = {"iss": ISSUER, "aud": "mitate", "sub": "alice", "exp": time.time() + 3600}
    return jwt.encode(given | changed, SECRET, "EdDSA")


@contextmanager
def guarding(folder: Path) -> Iterator[Guarded]:
    """Run such a server over a folder that is empty."""
    authority = AuthorityOfCertificates(folder)
    certificate, key = authority.sign("server")
    identities, keys = folder / "identities.toml", {}
    for name, scopes, *more in (
        ("reader", "search"),
        ("indexer", "search,index"),
        ("boss", "admin"),
        ("late", "admin", "--expires", "2020-01-01"),
    ):
        done = mitate("key", name, "--identities", identities, "--scopes", scopes, *more)
        assert done.returncode == 0, done.stderr
        keys[name] = done.stdout.strip()
        assert keys[name] not in identities.read_text()
    public = folder / "jwt.pem"
    public.write_bytes(
        SECRET.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    audit = folder / "audit.log"
    flags: list[str | Path] = ["--workers", "1", "--audit-log", audit, "--identities", identities]
    flags += ["--tls-certificate", certificate, "--tls-key", key]
    flags += ["--jwt-keys", public, "--jwt-issuer", ISSUER]
    with running(folder, *map(str, flags)) as server:
        yield Guarded(server, authority, keys, identities, audit)
