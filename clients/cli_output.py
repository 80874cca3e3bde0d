"""Where the results of a command go: JSON lines or tables on stdout, the rest on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from mitate.clients.cli_text import shown
from mitate.clients.results import Progress
from mitate.kernels.errors import MitateError

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 400
OnProgress = Callable[[Progress], None]
Bar = Callable[[str], AbstractContextManager[OnProgress]]  # shows how far a file is


class Output:
    """Takes results and failures one by one and remembers whether all went well."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.all_well = True
        self._console: Console | None = None

    def _console_of_stdout(self) -> Console:
        if self._console is None:
            from rich.console import Console

            width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
            self._console = Console(width=width, markup=False, highlight=False, emoji=False)
        return self._console

    def result(self, data: Mapping[str, Any], show: Callable[[Console], None]) -> None:
        """Give a result: `data` to machines, or what `show` prints to a person."""
        if self.as_json:
            self._write(json.dumps(data) + "\n")
        else:
            self.show(show)

    def show(self, show: Callable[[Console], None]) -> None:
        """Print what `show` prints, above the progress bars where there are some."""
        console = self._console_of_stdout()
        with console.capture() as captured:
            show(console)
        self._write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))

    def failure(self, subject: str, error: MitateError, data: Mapping[str, Any]) -> None:
        """Give a failure: `data` and the error to machines, or a line on stderr to a person."""
        self.all_well = False
        if self.as_json:
            self._write(json.dumps({**data, "error": error_json(error)}) + "\n")
        else:
            sys.stderr.write(f"mitate: {failure_text(subject, error)}\n")
            sys.stderr.flush()

    def note(self, text: str) -> None:
        """Tell a person or a log something beside the results."""
        sys.stderr.write(f"mitate: {text}\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    @contextmanager
    def bars(self, n_files: int) -> Iterator[Bar]:
        """Show progress bars while the block runs, if stderr is a terminal.

        JSON that goes to a terminal is shown without bars: they would be mixed.
        """
        if not sys.stderr.isatty() or (self.as_json and sys.stdout.isatty()):
            yield lambda file: nullcontext(lambda progress: None)
            return
        from mitate.clients.cli_bars import bars

        with bars(n_files) as bar:
            yield bar


def error_json(error: MitateError) -> dict[str, str]:
    """Return an error as it stands in JSON."""
    return {"reason": error.reason, "message": error.message}


def failure_text(subject: str, error: MitateError) -> str:
    """Return `FILE: message` with the file named once."""
    message = error.message
    for name in (subject, os.path.basename(subject)):
        if name:
            message = message.removeprefix(f"{name}: ")
    named = not subject or message.endswith(f" {subject}")
    return shown(message if named else f"{subject}: {message}")
