"""Settings from defaults, a TOML file, the environment and flags, and where each came from.

A flag wins over the environment, the environment over the file, the file over the default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any, NamedTuple

from mitate.kernels.errors import SettingsError
from mitate.server.setting_values import allowed_values, format_value, read_value
from mitate.server.settings import Settings, setting_fields, setting_types

PREFIX = "MITATE_"
CLIENT_VARIABLES = frozenset(  # that the command line of the clients reads
    PREFIX + name
    for name in (
        *("SERVER", "TOKEN", "TOKEN_FILE", "TLS", "CA", "CERTIFICATE", "KEY"),
        *("SERVER_NAME", "ALLOW_PLAINTEXT"),
    )
)


class Effective(NamedTuple):
    """The value of one setting and where it came from."""

    name: str
    value: str  # as it may be given
    origin: str  # "default", "flag --x", "environment MITATE_X" or "file PATH"


class Loaded(NamedTuple):
    """Settings and how they came about."""

    settings: Settings
    effective: tuple[Effective, ...]
    unknown_variables: tuple[str, ...]  # MITATE_… in the environment that are no settings


class Documented(NamedTuple):
    """One setting as command line and documents show it."""

    name: str
    flag: str
    variable: str
    default: str  # "required" where there is none
    allowed: str  # words or a range, "" where there is neither
    help: str


def load(flags: Mapping[str, str], environ: Mapping[str, str], toml_path: Path | None) -> Loaded:
    """Return the settings in force and the origin of each.

    Variables of the environment that begin with MITATE_ and name no setting are reported and not
    refused, since orchestrators set some of their own for a service of that name.

    Raises:
        SettingsError: a key of a flag or of the file is unknown, or a value is not allowed.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for place, name, raw, folder in _given(flags, environ, toml_path):
        values[name] = _value(place, name, raw, folder)
        origins[name] = place
    if "data" not in values:
        raise SettingsError("data is not set; give --data DIR, MITATE_DATA or data in the file")
    settings = Settings(**values)
    effective = (
        Effective(name, format_value(item, getattr(settings, name)), origins.get(name, "default"))
        for name, item in setting_fields().items()
    )
    known = {_variable(name) for name in setting_fields()} | CLIENT_VARIABLES
    unknown = sorted(key for key in environ if key.startswith(PREFIX) and key not in known)
    return Loaded(settings, tuple(effective), tuple(unknown))


def documented() -> tuple[Documented, ...]:
    """Return every setting as command line and documents show it."""
    return tuple(
        Documented(
            name,
            _flag(name),
            _variable(name),
            "required" if item.default is MISSING else format_value(item, item.default) or "none",
            allowed_values(item, setting_types()[name]),
            item.metadata["help"],
        )
        for name, item in setting_fields().items()
    )


def markdown_table() -> str:
    """Return the table of settings for the README, without a line end after it."""
    rows = [
        f"| `{item.flag}` | {item.default} | {item.allowed} | {item.help} |"
        for item in documented()
    ]
    head = ["| Setting | Default | Allowed | Meaning |", "| --- | --- | --- | --- |"]
    return "\n".join(head + rows)


def _given(
    flags: Mapping[str, str], environ: Mapping[str, str], toml_path: Path | None
) -> Iterator[tuple[str, str, object, Path]]:
    """Yield place, name, raw value and the folder of relative paths; what wins comes later."""
    here = Path.cwd()
    if toml_path is not None:
        for name, value in _read_toml(toml_path).items():
            yield f"file {toml_path}", name, value, toml_path.absolute().parent
    for name in setting_fields():
        if _variable(name) in environ:
            yield f"environment {_variable(name)}", name, environ[_variable(name)], here
    for name, text in flags.items():
        yield f"flag {_flag(name)}", name, text, here


def _value(place: str, name: str, raw: object, folder: Path) -> Any:
    if name not in setting_fields():
        raise SettingsError(
            f"{place}: unknown key {name!r}; known are {', '.join(setting_fields())}"
        )
    try:
        return read_value(setting_fields()[name], setting_types()[name], raw, folder)
    except SettingsError as error:
        raise SettingsError(f"{place}: {error.message}") from error


def _read_toml(path: Path) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"cannot read the file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"file {path} is not TOML: {error}") from error


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
