from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mitate.kernels.errors import SettingsError, Unauthenticated
from mitate.server.authority import Authority, check_exposure, is_loopback
from mitate.server.identities import ANYBODY, key_hash, new_key
from mitate.server.scopes import Scope
from mitate.server.settings import Settings

KEY = new_key()


@pytest.fixture
def identities(tmp_path: Path) -> Path:
    path = tmp_path / "identities.toml"
    path.write_text(
        f'[[keys]]\nname = "bot"\nsha256 = "{key_hash(KEY)}"\nscopes = ["index"]\n'
        '[[certificates]]\nname = "crawler"\nscopes = ["search"]\n'
    )
    return path


def settings(**given: Any) -> Settings:
    return Settings(data=Path("/data"), **given)


TLS: dict[str, Any] = {"tls_certificate": Path("/c.pem"), "tls_key": Path("/k.pem")}
KEYS: dict[str, Any] = {"identities": Path("/ids.toml")}
TOKENS: dict[str, Any] = {"jwt_keys": Path("/jwks.json"), "jwt_issuer": "x"}
OPEN = {"listen": "0.0.0.0:1"}


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"listen": "127.0.0.1:1"}, None),
        ({"listen": "127.8.8.8:1"}, None),
        ({"listen": "[::1]:1"}, None),
        ({"listen": "localhost:1"}, None),
        (OPEN, "nobody has to show a token"),
        ({"listen": "[::]:1"}, "nobody has to show a token"),
        ({"listen": "10.0.0.1:1"}, "nobody has to show a token"),
        ({"listen": "localhost.example:1"}, "nobody has to show a token"),
        (OPEN | TLS, "nobody has to show a token"),
        (OPEN | {"allow_plaintext": True}, "nobody has to show a token"),
        (OPEN | {"allow_anonymous": True}, None),
        (OPEN | KEYS, "would travel unencrypted"),
        (OPEN | TOKENS, "would travel unencrypted"),
        (OPEN | KEYS | {"allow_anonymous": True}, "would travel unencrypted"),
        (OPEN | KEYS | {"allow_plaintext": True}, None),
        (OPEN | KEYS | TLS, None),
        (OPEN | TOKENS | TLS, None),
    ],
)
def test_a_server_that_others_reach_needs_authentication_and_encryption_or_leave(
    given: dict[str, Any], refusal: str | None
) -> None:
    if refusal is None:
        check_exposure(settings(**given))
        return
    with pytest.raises(SettingsError, match=refusal) as caught:
        check_exposure(settings(**given))
    assert given["listen"] in caught.value.message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tls_certificate": Path("/c.pem")}, "tls_certificate is set without tls_key"),
        ({"tls_key": Path("/k.pem")}, "tls_key is set without tls_certificate"),
        ({"tls_client_ca": Path("/ca.pem")}, "tls_client_ca is set without tls_certificate"),
        (TLS | {"tls_client_ca": Path("/ca.pem")}, "tls_client_ca is set without identities"),
        ({"jwt_keys": Path("/jwks.json")}, "jwt_keys is set without jwt_issuer"),
    ],
)
def test_settings_that_need_each_other_are_refused_alone(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        settings(**given)


def test_names_that_only_look_local_are_not() -> None:
    assert not is_loopback("127.0.0.1.example:1")
    assert not is_loopback("0.0.0.0:1")


def test_without_files_everybody_is_let_in() -> None:
    assert Authority(settings()).caller(None, dict) is ANYBODY
    assert Authority(settings()).caller("Bearer anything", dict) is ANYBODY


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "shows no token"),
        ("", "`Bearer TOKEN` is needed"),
        (KEY, "`Bearer TOKEN` is needed"),
        (f"Basic {KEY}", "begins with 'Basic'"),
        ("Bearer ", "`Bearer TOKEN` is needed"),
        ("Bearer mitate_wrong", "not known"),
        ("Bearer " + "x" * 8193, "8193 characters; at most 8192"),
    ],
    ids=["nothing", "empty", "bare", "Basic", "no token", "unknown", "too long"],
)
def test_a_call_without_a_known_token_is_refused(
    identities: Path, authorization: str | None, message: str
) -> None:
    authority = Authority(settings(identities=identities))
    with pytest.raises(Unauthenticated, match=message) as caught:
        authority.caller(authorization, dict)
    assert KEY not in caught.value.message


def test_a_known_key_names_its_caller(identities: Path) -> None:
    caller = Authority(settings(identities=identities)).caller(f"bearer  {KEY}", dict)
    assert (caller.name, caller.scope) == ("key:bot", Scope.INDEX)


def test_a_token_counts_before_the_certificate(identities: Path) -> None:
    authority = Authority(settings(identities=identities, tls_client_ca=Path("/ca.pem"), **TLS))
    shown = {"x509_common_name": [b"crawler"]}
    assert authority.caller(None, lambda: shown).name == "cert:crawler"
    assert authority.caller(f"Bearer {KEY}", lambda: shown).name == "key:bot"
    with pytest.raises(Unauthenticated):
        authority.caller("Bearer mitate_wrong", lambda: shown)
    with pytest.raises(Unauthenticated, match="shows no token"):
        authority.caller(None, lambda: {"x509_common_name": [b"stranger"]})
