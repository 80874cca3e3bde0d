"""The settings of the server, each with the same name everywhere.

`max_picture_bytes` is that key in the TOML file, MITATE_MAX_PICTURE_BYTES in the environment and
--max-picture-bytes on the command line. A flag wins over the environment, the environment over the
file, the file over the default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_type_hints

from mitate.kernels.errors import SettingsError
from mitate.server.setting_values import check_value, format_value, read_value

PREFIX = "MITATE_"
MESSAGE_OVERHEAD_BYTES = 1 << 16  # what a message holds beside its picture

_DAY_S = 24 * 3600


def _setting(help_: str, default: object, **rules: object) -> Any:
    return field(default=default, metadata={"help": help_, **rules})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the help of each field is in its metadata."""

    data: Path = field(
        metadata={"help": "Folder of the catalog and the signature files; made if missing."}
    )
    listen: str = _setting(
        "Address to answer at, HOST:PORT; port 0 takes a free one.", "127.0.0.1:50061", address=True
    )
    index: Literal["auto", "numpy", "faiss"] = _setting(
        "What searches: numpy, faiss, or auto for faiss where it is installed.", "auto"
    )
    workers: int = _setting(
        "Decoding processes; 0 is one for each processor core.", 0, low=0, high=1024
    )
    worker_memory_bytes: int = _setting(
        "Address space that a decoding process may use; 0 is no limit.",
        4 * 2**30,
        low=0,
        high=2**50,
    )
    worker_stall_s: float = _setting(
        "Time without progress after which a decoding process is ended.", 60.0, low=1, high=_DAY_S
    )
    media_roots: tuple[Path, ...] = _setting(
        "Folders whose files the server may read when a caller names them, with : between them; "
        "none means that files must be uploaded.",
        (),
    )
    max_picture_bytes: int = _setting(
        "Largest picture in a request.", 25_000_000, low=1, high=2**31 - 1
    )
    max_upload_bytes: int = _setting("Largest uploaded file.", 64 * 10**9, low=1, high=2**50)
    max_message_bytes: int = _setting(
        "Largest request message; a picture has to fit into it.", 64 * 2**20, low=1, high=2**31 - 1
    )
    max_pixels: int = _setting(
        "Largest video frame, width times height.", 2**25, low=64, high=2**32
    )
    max_still_pixels: int = _setting(
        "Largest picture, width times height.", 2**26, low=64, high=2**32
    )
    max_video_s: float = _setting(
        "Longest video that can be added.", float(_DAY_S), low=1, high=30 * _DAY_S
    )
    max_query_video_s: float = _setting(
        "Longest video that can be searched or scanned.", 4 * 3600.0, low=1, high=30 * _DAY_S
    )
    max_queue_signatures: int = _setting(
        "Signatures that may wait to be searched before requests are refused.",
        65_536,
        low=1,
        high=2**31 - 1,
    )
    views: Literal["fast", "normal", "thorough"] = _setting(
        "How many parts of a queried picture are searched.", "normal"
    )
    false_alarm_rate: float = _setting(
        "Share of pictures from nothing indexed that may be answered by a match.",
        0.001,
        low=1e-6,
        high=0.5,
    )
    drain_s: float = _setting(
        "Time that running requests get to finish when the server stops.",
        30.0,
        low=0,
        high=3600,
    )
    log_format: Literal["text", "json"] = _setting("Form of the log on stderr.", "text")
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "Least severe messages that are logged.", "info"
    )

    def __post_init__(self) -> None:
        for name, item in _fields().items():
            check_value(item, _types()[name], getattr(self, name))
        least = self.max_picture_bytes + MESSAGE_OVERHEAD_BYTES
        if self.max_message_bytes < least:
            raise SettingsError(
                f"max_message_bytes is {self.max_message_bytes}; at least {least} is allowed, so "
                f"that a picture of max_picture_bytes fits"
            )

    @classmethod
    def load(
        cls,
        flags: Mapping[str, str],  # field name -> text
        environ: Mapping[str, str],
        toml_path: Path | None,
    ) -> Settings:
        """Return the settings in force; raises SettingsError naming the place and the key."""
        return load(flags, environ, toml_path).settings


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
        for name, item in _fields().items()
    )
    known = {_variable(name) for name in _fields()}
    known.add(PREFIX + "SERVER")  # where the command line finds a server
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
            item.metadata["help"],
        )
        for name, item in _fields().items()
    )


def markdown_table() -> str:
    """Return the table of settings for the README, without a line end after it."""
    rows = [f"| `{item.flag}` | {item.default} | {item.help} |" for item in documented()]
    return "\n".join(["| Setting | Default | Meaning |", "| --- | --- | --- |", *rows])


def _given(
    flags: Mapping[str, str], environ: Mapping[str, str], toml_path: Path | None
) -> Iterator[tuple[str, str, object, Path]]:
    """Yield place, name, raw value and the folder of relative paths; what wins comes later."""
    here = Path.cwd()
    if toml_path is not None:
        for name, value in _read_toml(toml_path).items():
            yield f"file {toml_path}", name, value, toml_path.absolute().parent
    for name in _fields():
        if _variable(name) in environ:
            yield f"environment {_variable(name)}", name, environ[_variable(name)], here
    for name, text in flags.items():
        yield f"flag {_flag(name)}", name, text, here


def _value(place: str, name: str, raw: object, folder: Path) -> Any:
    if name not in _fields():
        raise SettingsError(f"{place}: unknown key {name!r}; known are {', '.join(_fields())}")
    try:
        return read_value(_fields()[name], _types()[name], raw, folder)
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


@cache
def _fields() -> dict[str, Field[Any]]:
    return {item.name: item for item in fields(Settings)}


@cache
def _types() -> dict[str, Any]:
    return get_type_hints(Settings)
