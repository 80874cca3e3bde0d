"""Commands over a data directory: `mitate backup`, `mitate restore` and `mitate verify`.

They work beside a server that uses the directory, and without one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from mitate.kernels.errors import SettingsError
from mitate.server.snapshot import Copied, check, copy, restore

DAMAGED = 1


def backup(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Copy all that is stored; returns the exit code."""
    parser = _parser(
        "backup",
        "Copy all that is stored into another directory, while a server uses it or not. A backup "
        "that is there is brought up to date; files that it has are not copied again, but every "
        "checksum is compared. A backup is a data directory itself.",
    )
    parser.add_argument("target", type=Path, metavar="BACKUP", help="directory of the backup")
    given = parser.parse_args(arguments)
    _tell_copied(copy(_data(given, environ), given.target), given.target, given.json)
    return 0


def restore_(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Make a data directory from a backup; returns the exit code."""
    parser = _parser("restore", "Copy a backup into a new data directory, comparing checksums.")
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="directory of the backup")
    given = parser.parse_args(arguments)
    data = _data(given, environ)
    _tell_copied(restore(given.backup, data), data, given.json)
    return 0


def verify(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Compare all that is stored with its checksums; returns the exit code, 1 for damage."""
    parser = _parser(
        "verify",
        "Compare all that is stored with its checksums, while a server uses it or not. Exit code "
        "1: something is damaged, and each damaged file is named.",
    )
    given = parser.parse_args(arguments)
    data = _data(given, environ)
    checked = check(data)
    for error in checked.damage:
        sys.stderr.write(f"mitate verify: {error.message}\n")
    if given.json:
        damage = [error.message for error in checked.damage]
        line = {"data": str(data), "sources": checked.n_sources, "bytes": checked.n_bytes}
        sys.stdout.write(json.dumps(line | {"damage": damage}) + "\n")
    else:
        verdict = f"{len(checked.damage)} damaged" if checked.damage else "all checksums agree"
        sys.stdout.write(f"{data}: {checked.n_sources} files, {verdict}\n")
    return DAMAGED if checked.damage else 0


def _parser(name: str, text: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"mitate {name}", description=text)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data directory; MITATE_DATA without it"
    )
    return parser


def _data(given: argparse.Namespace, environ: Mapping[str, str]) -> Path:
    data = given.data or environ.get("MITATE_DATA")
    if not data:
        raise SettingsError("data is not set; give --data DIR or MITATE_DATA")
    return Path(data)


def _tell_copied(copied: Copied, target: Path, as_json: bool) -> None:
    if as_json:
        line = {"target": str(target)} | {
            name.removeprefix("n_"): value for name, value in asdict(copied).items()
        }
        sys.stdout.write(json.dumps(line) + "\n")
        return
    sys.stdout.write(
        f"{target}: {copied.n_sources} files, {copied.n_bytes} bytes, {copied.n_copied} of them "
        "copied now; all checksums agree\n"
    )
