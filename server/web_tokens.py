"""JSON Web Tokens (RFC 7519), verified by PyJWT against public keys in a file.

Only asymmetric signatures are taken, so the server holds nothing that could make a token. Scopes
are in the claim `scope`, words with spaces between them, or `scp`, a list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mitate.kernels.errors import SettingsError, Unauthenticated
from mitate.server.identities import Caller
from mitate.server.reloading import read_file
from mitate.server.scopes import WORDS, Scope

LEEWAY_S = 30  # between the clocks of issuer and server
KEPT = 4096  # verified tokens that are remembered until they expire
_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
_REQUIRED = ("exp", "sub", "iss", "aud")


@dataclass(frozen=True, slots=True)
class _Key:
    key_id: str | None
    algorithm: str
    key: Any


class WebTokens:
    """The keys of one file, and the tokens that they were found to have signed.

    Raises:
        SettingsError: the file holds no usable key, or PyJWT is not installed.
    """

    def __init__(self, path: Path, issuer: str, audience: str) -> None:
        try:
            import jwt
        except ImportError as error:
            raise SettingsError(
                "jwt_keys needs PyJWT and cryptography; install mitate[jwt]"
            ) from error
        self._jwt = jwt
        self._issuer, self._audience = issuer, audience
        self._keys = _read_keys(path)
        self._verified: dict[bytes, tuple[Caller, float]] = {}

    def caller(self, token: str, now_s: float) -> Caller:
        """Return whom a token names; raises Unauthenticated."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and now_s < known[1]:
            return known[0]
        claims = self._claims(token)
        caller = Caller(f"jwt:{claims['sub']}", _scope(claims))
        if len(self._verified) >= KEPT:
            self._verified.clear()
        self._verified[digest] = (caller, float(claims["exp"]) + LEEWAY_S)
        return caller

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            key = self._key(self._jwt.get_unverified_header(token))
            claims: Mapping[str, Any] = self._jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": list(_REQUIRED)},
            )
        except self._jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired; get a new one") from None
        except self._jwt.InvalidAudienceError:
            raise Unauthenticated(
                f"the token is for another audience; {self._audience!r} is needed"
            ) from None
        except self._jwt.InvalidIssuerError:
            raise Unauthenticated(
                f"the token comes from another issuer; {self._issuer!r} is needed"
            ) from None
        except self._jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is not accepted: {error}") from None
        return claims

    def _key(self, header: Mapping[str, Any]) -> _Key:
        kid = header.get("kid")
        found = [key for key in self._keys if kid is None or key.key_id in (None, kid)]
        if len(found) != 1:
            raise Unauthenticated(
                f"the token names the key {kid!r}; it fits {len(found)} of the server's "
                f"{len(self._keys)}, and one is needed"
            )
        return found[0]


def _read_keys(path: Path) -> list[_Key]:
    import jwt

    content = read_file(path, "keys of JSON Web Tokens")
    try:
        if content.lstrip().startswith(b"{"):
            found = jwt.PyJWKSet.from_json(content.decode()).keys
            keys = [
                _Key(key.key_id, key.algorithm_name, key.key)
                for key in found
                if key.public_key_use != "enc"
            ]
        else:
            keys = [_from_pem(content)]
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise SettingsError(f"no public keys in {path}: {error}") from error
    keys = [key for key in keys if key.algorithm in _ALGORITHMS]
    if not keys:
        raise SettingsError(f"no key in {path} signs by one of {', '.join(_ALGORITHMS)}")
    return keys


def _from_pem(content: bytes) -> _Key:
    """Return the public key of a PEM file with the algorithm that its kind stands for."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(content)
    if isinstance(key, rsa.RSAPublicKey):
        return _Key(None, "RS256", key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _Key(None, "EdDSA", key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        curves = {"secp256r1": "ES256", "secp384r1": "ES384"}
        return _Key(None, curves.get(key.curve.name, key.curve.name), key)
    return _Key(None, type(key).__name__, key)


def _scope(claims: Mapping[str, Any]) -> Scope | None:
    words = claims.get("scope", claims.get("scp", ""))
    if isinstance(words, str):
        words = words.split()
    if not isinstance(words, list):
        raise Unauthenticated(f"scope of the token is {json.dumps(words)}; words are needed")
    return max((WORDS[word] for word in words if word in WORDS), default=None)
