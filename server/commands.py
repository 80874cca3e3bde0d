"""Commands that look after a server without talking to it: `mitate config` and `mitate key`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mitate.kernels.errors import SettingsError
from mitate.server.authority import check_exposure
from mitate.server.flags import add_settings, load_settings
from mitate.server.identities import key_hash, new_key, parse_identities, read_identities
from mitate.server.scopes import WORDS


def config(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print the settings in force and where each came from; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="mitate config",
        description="Show the settings that `mitate serve` would run with, and their origins.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per setting")
    add_settings(parser)
    given = parser.parse_args(arguments)
    loaded = load_settings(given, environ)
    width = max(len(item.name) for item in loaded.effective)
    value_width = max(len(item.value) for item in loaded.effective)
    for item in loaded.effective:
        line = f"{item.name:{width}}  {item.value:{value_width}}  {item.origin}"
        sys.stdout.write((json.dumps(item._asdict()) if given.json else line) + "\n")
    for name in loaded.unknown_variables:
        sys.stderr.write(f"mitate config: environment variable {name} is no setting\n")
    check_exposure(loaded.settings)
    return 0


def key(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Make an API key: its hash goes into a file, the key itself to stdout and nowhere else."""
    parser = argparse.ArgumentParser(
        prog="mitate key",
        description="Make an API key. Its hash is added to the file, the key itself is printed "
        "once and stored nowhere.",
    )
    parser.add_argument("name", metavar="NAME", help="whom the key is for; in logs and quotas")
    parser.add_argument(
        "--identities",
        type=Path,
        metavar="FILE",
        default=environ.get("MITATE_IDENTITIES"),
        help="file of identities that the server reads; MITATE_IDENTITIES without it",
    )
    parser.add_argument(
        "--scopes",
        default="search",
        metavar="SCOPE,…",
        help=f"what the key allows, of {', '.join(WORDS)} (default: search)",
    )
    parser.add_argument("--expires", metavar="TIME", help="such as 2027-01-31 or a full ISO time")
    given = parser.parse_args(arguments)
    if not given.identities:
        raise SettingsError("no file is named; give --identities FILE")
    made = new_key()
    entry = _entry(given.name, made, given.scopes, given.expires)
    _append(Path(given.identities), entry)
    sys.stdout.write(made + "\n")
    return 0


def _entry(name: str, made: str, scopes: str, expires: str | None) -> str:
    lines = [
        "[[keys]]",
        f"name = {json.dumps(name)}",
        f'sha256 = "{key_hash(made)}"',
        f"scopes = {json.dumps([scope.strip() for scope in scopes.split(',')])}",
    ]
    if expires is not None:
        try:
            time = datetime.fromisoformat(expires)
        except ValueError as error:
            raise SettingsError(f"--expires {expires!r}: {error}") from error
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        lines.append(f"expires = {time.isoformat()}")
    return "\n".join(lines) + "\n"


def _append(path: Path, entry: str) -> None:
    """Add an entry; the file is replaced as a whole, so that a server never reads half of it."""
    import tomllib

    before = path.read_text() if path.exists() else ""
    if before:
        read_identities(path)
    text = before + ("\n" if before else "") + entry
    parse_identities(tomllib.loads(text))
    temporary = path.with_name(path.name + ".new")
    try:
        mode = path.stat().st_mode & 0o777 if before else 0o600
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}") from error
