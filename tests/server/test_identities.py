from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest

from mitate.kernels.errors import SettingsError, Unauthenticated
from mitate.server.identities import (
    Caller,
    Identities,
    key_hash,
    new_key,
    parse_identities,
    read_identities,
)
from mitate.server.scopes import Scope

KEY = new_key()
HASH = key_hash(KEY)


def parsed(text: str) -> Identities:
    return parse_identities(tomllib.loads(text))


def entry(**fields: str) -> str:
    given = {"name": '"bot"', "sha256": f'"{HASH}"', "scopes": '["search"]'} | fields
    return "[[keys]]\n" + "\n".join(f"{name} = {value}" for name, value in given.items()) + "\n"


def test_a_key_is_known_by_its_hash_and_the_file_does_not_hold_it() -> None:
    text = entry(scopes='["search", "index"]')
    assert KEY not in text
    assert parsed(text).by_key(KEY, time.time()) == Caller("key:bot", Scope.INDEX)


def test_keys_are_long_and_differ() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("mitate_") and len(key) == 50 for key in keys)


@pytest.mark.parametrize(
    "shown",
    ["", "mitate_", HASH, KEY[:-1], KEY + "x", KEY.upper()],
    ids=["nothing", "the prefix", "its hash", "too short", "too long", "in capitals"],
)
def test_anything_but_the_key_is_refused(shown: str) -> None:
    with pytest.raises(Unauthenticated, match="not known"):
        parsed(entry()).by_key(shown, time.time())


@pytest.mark.parametrize("expires", ["2027-01-31", "2027-01-31T00:00:00Z", "2027-01-31T00:00:00"])
def test_a_key_is_refused_from_the_moment_it_expires(expires: str) -> None:
    identities = parsed(entry(expires=expires))
    moment = 1_801_353_600.0  # 2027-01-31T00:00:00Z
    assert identities.by_key(KEY, moment - 1).name == "key:bot"
    with pytest.raises(Unauthenticated, match="'bot' expired at 2027-01-31T00:00:00Z"):
        identities.by_key(KEY, moment)


def test_a_certificate_is_known_by_any_of_its_names() -> None:
    identities = parsed(
        '[[certificates]]\nname = "crawler"\nscopes = ["index"]\n'
        '[[certificates]]\nname = "boss"\nscopes = ["admin"]\n'
    )
    assert identities.by_certificate(["10.0.0.1", "crawler"]) == Caller("cert:crawler", Scope.INDEX)
    assert identities.by_certificate(["boss", "crawler"]) == Caller("cert:boss", Scope.ADMIN)
    assert identities.by_certificate(["other"]) is None
    assert identities.by_certificate([]) is None


def test_a_star_stands_for_every_certificate_and_keeps_its_name() -> None:
    identities = parsed('[[certificates]]\nname = "*"\nscopes = ["search"]\n')
    assert identities.by_certificate(["a", "b"]) == Caller("cert:a", Scope.SEARCH)
    assert identities.by_certificate([]) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "unknown 'colour'"),
        ("keys = 1", r"write \[\[keys\]\]"),
        ('[[keys]]\nscopes = ["search"]', "name is None"),
        (entry(name='"a\\nb"'), "printable"),
        (entry(sha256='"12"'), "64 hexadecimal digits"),
        (entry(sha256=f'"{"g" * 64}"'), "64 hexadecimal digits"),
        (entry(scopes='["write"]'), "list of search, index, admin"),
        (entry(scopes="[]"), "list of search, index, admin"),
        (entry(scopes='"search"'), "list of search, index, admin"),
        (entry(expires='"soon"'), "a date or time is needed"),
        (entry(expires="2027"), "a date or time is needed"),
        (entry(scope='["search"]'), "unknown 'scope'"),
        (entry() + entry(), "two .* have the name 'bot'"),
        (entry() + entry(name='"b"'), "sha256 of another key"),
    ],
)
def test_a_wrong_file_is_refused_by_a_text_that_says_what_is_wrong(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "identities.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        read_identities(path)
    assert str(path) in caught.value.message


def test_a_file_that_is_missing_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the file of identities"):
        read_identities(tmp_path / "none")
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not TOML"):
        read_identities(tmp_path / "bad")
