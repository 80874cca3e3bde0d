"""How the value of a setting is read from text or TOML, checked, and written for people."""

from __future__ import annotations

import os
import re
from dataclasses import Field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from mitate.kernels.errors import SettingsError

_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_SIZE = re.compile(r"(\d+)\s*([A-Za-z]*)")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):(\d{1,5})")


def read_value(
    field: Field[Any],
    kind: Any,  # its type
    raw: object,  # text, or what TOML gave
    folder: Path,  # that relative paths start from
) -> Any:
    """Return the value of a setting; raises SettingsError."""
    if get_origin(kind) is tuple:
        texts = raw.split(os.pathsep) if isinstance(raw, str) else raw
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise SettingsError(f"{field.name} is {raw!r}; a list of folders is allowed")
        value: Any = tuple(_path(field, text, folder) for text in texts if text)
    elif kind == Path | None and raw == "":
        value = None
    elif kind in (Path, Path | None):
        value = _path(field, raw, folder)
    elif kind is bool:
        value = _yes_or_no(field, raw)
    elif kind is int:
        value = _whole_number(field, raw)
    elif kind is float:
        value = _number(field, raw)
    elif isinstance(raw, str):
        value = raw
    else:
        raise SettingsError(f"{field.name} is {raw!r}; text is allowed")
    check_value(field, kind, value)
    return value


def check_value(field: Field[Any], kind: Any, value: Any) -> None:
    """Raise SettingsError unless the value of a setting is allowed."""
    allowed = allowed_values(field, kind)
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise SettingsError(f"{field.name} is {value!r}; allowed are {allowed}")
    if field.metadata.get("address") and not (value == "" == field.default):
        match = _ADDRESS.fullmatch(value)
        if match is None or int(match[2]) > 65535:
            raise SettingsError(
                f"{field.name} is {value!r}; HOST:PORT is allowed, such as 127.0.0.1:50061"
            )
    low, high = field.metadata.get("low"), field.metadata.get("high")
    if low is not None and not low <= value <= high:
        raise SettingsError(f"{field.name} is {format_value(field, value)}; {allowed} is allowed")


def allowed_values(field: Field[Any], kind: Any) -> str:
    """Return the words or the range that a setting may have, "" where there is neither."""
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind))
    low, high = field.metadata.get("low"), field.metadata.get("high")
    return "" if low is None else f"{format_value(field, low)} to {format_value(field, high)}"


def format_value(field: Field[Any], value: Any) -> str:
    """Return a value as it may be given: sizes with their unit, paths with : between them."""
    if isinstance(value, tuple):
        return os.pathsep.join(str(path) for path in value)
    if field.name.endswith("_bytes") and value >= 1000:
        for unit, size in sorted(_UNITS.items(), key=lambda item: -item[1]):
            if value % size == 0:
                return f"{value // size}{unit.replace('I', 'i')}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _path(field: Field[Any], raw: object, folder: Path) -> Path:
    if not isinstance(raw, str) or not raw:
        raise SettingsError(f"{field.name} is {raw!r}; the path of a file or folder is allowed")
    return folder.absolute() / Path(raw).expanduser()


def _yes_or_no(field: Field[Any], raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if not isinstance(raw, str) or raw.lower() not in known:
        raise SettingsError(f"{field.name} is {raw!r}; yes and no are allowed")
    return known[raw.lower()]


def _whole_number(field: Field[Any], raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    match = _SIZE.fullmatch(raw.strip()) if isinstance(raw, str) else None
    unit = match[2].upper() if match else ""
    is_size = field.name.endswith("_bytes")
    if match is None or unit not in _UNITS or (unit and not is_size):
        allowed = "a size such as 25MB or 1GiB" if is_size else "a whole number"
        raise SettingsError(f"{field.name} is {raw!r}; {allowed} is allowed")
    return int(match[1]) * _UNITS[unit]


def _number(field: Field[Any], raw: object) -> float:
    if isinstance(raw, int | float | str) and not isinstance(raw, bool):
        try:
            return float(raw)
        except ValueError:
            pass
    allowed = "a number of seconds" if field.name.endswith("_s") else "a number"
    raise SettingsError(f"{field.name} is {raw!r}; {allowed} is allowed")
