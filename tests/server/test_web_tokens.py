from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from mitate.kernels.errors import SettingsError, Unauthenticated
from mitate.server.identities import Caller
from mitate.server.scopes import Scope
from mitate.server.web_tokens import LEEWAY_S, WebTokens

ISSUER, AUDIENCE = "https://login.example", "mitate"
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "PS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
NOW = time.time()


def claims(**changed: Any) -> dict[str, Any]:
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 3600, "scope": "search"}
    return {name: value for name, value in (given | changed).items() if value is not None}


def token(algorithm: str = "ES256", kid: str | None = None, **changed: Any) -> str:
    headers = {"kid": kid or algorithm}
    return jwt.encode(claims(**changed), KEYS[algorithm], algorithm, headers=headers)


def pem(algorithm: str) -> bytes:
    encoded: bytes = (
        KEYS[algorithm]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return encoded


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    algorithms = get_default_algorithms()
    keys = [
        algorithms[name].to_jwk(key.public_key(), as_dict=True) | {"kid": name, "alg": name}
        for name, key in KEYS.items()
    ]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": keys}))
    return path


@pytest.fixture
def tokens(jwks: Path) -> WebTokens:
    return WebTokens(jwks, ISSUER, AUDIENCE)


@pytest.mark.parametrize("algorithm", sorted(KEYS))
def test_a_token_signed_by_any_key_of_the_set_names_its_caller(
    tokens: WebTokens, algorithm: str
) -> None:
    assert tokens.caller(token(algorithm), NOW) == Caller("jwt:alice", Scope.SEARCH)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "EdDSA"])
def test_a_single_key_may_be_a_pem_file(tmp_path: Path, algorithm: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(algorithm))
    tokens = WebTokens(path, ISSUER, AUDIENCE)
    assert tokens.caller(token(algorithm), NOW).name == "jwt:alice"


@pytest.mark.parametrize(
    ("given", "scope"),
    [
        ({"scope": "search index"}, Scope.INDEX),
        ({"scope": "openid admin"}, Scope.ADMIN),
        ({"scope": None, "scp": ["index"]}, Scope.INDEX),
        ({"scope": "openid"}, None),
        ({"scope": None}, None),
        ({"scope": ""}, None),
    ],
)
def test_scopes_are_words_of_a_claim_and_others_are_left_out(
    tokens: WebTokens, given: dict[str, Any], scope: Scope | None
) -> None:
    assert tokens.caller(token(**given), NOW).scope is scope


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"exp": NOW - LEEWAY_S - 5}, "expired; get a new one"),
        ({"exp": None}, "exp"),
        ({"sub": None}, "sub"),
        ({"iss": "https://other.example"}, "another issuer; 'https://login.example' is needed"),
        ({"iss": None}, "iss"),
        ({"aud": "other"}, "another audience; 'mitate' is needed"),
        ({"aud": None}, "aud"),
        ({"nbf": NOW + 1000}, "not yet valid"),
        ({"scope": 7}, "words are needed"),
        ({"kid": "unknown"}, "names the key 'unknown'; it fits 0"),
        ({"algorithm": "ES256", "kid": "RS256"}, "not accepted"),
    ],
)
def test_a_token_that_is_wrong_is_refused_and_told_why(
    tokens: WebTokens, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(Unauthenticated, match=message):
        tokens.caller(token(**changed), NOW)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.b.c.d", "é.è.ê", "." * 50])
def test_what_is_no_token_is_refused(tokens: WebTokens, text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.caller(text, NOW)


def test_a_changed_token_is_refused(tokens: WebTokens) -> None:
    head, body, signature = token().split(".")
    raised = json.loads(base64.urlsafe_b64decode(body + "=="))
    raised["scope"] = "admin"
    forged = base64.urlsafe_b64encode(json.dumps(raised).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated, match="Signature verification failed"):
        tokens.caller(f"{head}.{forged}.{signature}", NOW)


def test_a_token_without_signature_is_refused(tokens: WebTokens) -> None:
    bare = jwt.encode(claims(), "", "none", headers={"kid": "ES256"})
    with pytest.raises(Unauthenticated):
        tokens.caller(bare, NOW)


def test_the_public_key_is_no_secret_to_sign_with(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem("RS256"))
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, claims())
    )
    digest = hmac.digest(pem("RS256"), head + b"." + body, hashlib.sha256)
    forged = b".".join((head, body, base64.urlsafe_b64encode(digest).rstrip(b"="))).decode()
    with pytest.raises(Unauthenticated, match="alg"):
        WebTokens(path, ISSUER, AUDIENCE).caller(forged, NOW)


def test_a_remembered_token_is_verified_anew_when_it_has_expired(tokens: WebTokens) -> None:
    expiring = token(exp=time.time() - LEEWAY_S + 2)
    assert tokens.caller(expiring, time.time()).name == "jwt:alice"
    time.sleep(2.1)
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.caller(expiring, time.time())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
        b"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n",
        b"\xff\xfe",
    ],
)
def test_a_file_without_public_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="key"):
        WebTokens(path, ISSUER, AUDIENCE)
