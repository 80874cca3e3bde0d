"""The command line: reads the arguments, runs one command, turns its outcome into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from mitate.clients.cli_parser import SERVER_COMMANDS, build_parser
from mitate.kernels.errors import InvalidArgument

SUCCESS, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0: everything was processed; 1: something failed, the rest was processed; 2: wrong usage;
    130: interrupted. A command may have codes of its own: 3, `screen` refuses a file.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in SERVER_COMMANDS:
        return _become_server(arguments)
    parsed = build_parser().parse_args(arguments)
    _tolerate_any_text()
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        module, _, function = parsed.run.partition(":")
        all_well = getattr(import_module(module), function)(parsed)
        sys.stdout.flush()
    except InvalidArgument as error:
        parsed.parser.error(error.message)
    except KeyboardInterrupt:
        sys.stderr.write("mitate: interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    if all_well is True or all_well is False:
        return SUCCESS if all_well else SOME_FAILED
    return int(all_well)


def _become_server(arguments: list[str]) -> int:
    """Become a command of the server: the process is replaced, so signals and output are its."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "mitate.server", *arguments])


def _tolerate_any_text() -> None:
    """Print what a terminal cannot show as `?` where it would be an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
