"""Settings as flags of a command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mitate.server.settings import setting_types
from mitate.server.settings_load import Loaded, documented, load


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Give a parser one flag for every setting, and --config."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings.")
    for item in documented():
        allowed = f"; allowed: {item.allowed}" if item.allowed else ""
        text = f"{item.help} (default: {item.default}{allowed})".replace("%", "%%")
        shape: dict[str, Any] = {"metavar": "X"}
        if setting_types()[item.name] is bool:
            shape = {"nargs": "?", "const": "yes", "metavar": "yes|no"}
        parser.add_argument(item.flag, dest=item.name, help=text, **shape)


def load_settings(given: argparse.Namespace, environ: Mapping[str, str]) -> Loaded:
    """Return the settings in force; raises SettingsError."""
    names = {item.name for item in documented()}
    flags = {name: text for name, text in vars(given).items() if name in names and text is not None}
    return load(flags, environ, given.config)
