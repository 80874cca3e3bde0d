"""The commands of the server's side: `mitate serve`, and what looks after a server."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence

from mitate.kernels.errors import MitateError, SettingsError
from mitate.server import commands, commands_data, logs, plan
from mitate.server.flags import add_settings, load_settings

log = logging.getLogger(__name__)
FAILED, WRONG_USAGE = 1, 2


def serve(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Answer until told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="mitate serve", description="Answer searches over what is stored in a directory."
    )
    add_settings(parser)
    loaded = load_settings(parser.parse_args(arguments), environ)
    logs.configure(loaded.settings.log_format, loaded.settings.log_level)
    for name in loaded.unknown_variables:
        log.warning("environment variable is no setting name=%s", name)
    from mitate.server import serving

    serving.serve(loaded.settings)
    return 0


def _group(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Group files by what they show."""
    from mitate.server.commands_group import group_

    return group_(arguments, environ)


COMMANDS = {
    "serve": serve,
    "config": commands.config,
    "key": commands.key,
    "backup": commands_data.backup,
    "restore": commands_data.restore_,
    "verify": commands_data.verify,
    "group": _group,
    "plan": plan.command,
}


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Run a command, `serve` where none is named; returns the exit code."""
    command, rest = "serve", list(arguments)
    if rest and rest[0] in COMMANDS:
        command, rest = rest[0], rest[1:]
    try:
        code = COMMANDS[command](rest, environ)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except MitateError as error:
        sys.stderr.write(f"mitate {command}: {error.message}\n")
        return WRONG_USAGE if isinstance(error, SettingsError) else FAILED
    return code
