"""`mitate add`."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mitate.clients.cli_access import connect
from mitate.clients.cli_files import expand
from mitate.clients.cli_output import OnProgress, Output
from mitate.clients.cli_run import for_each
from mitate.clients.cli_text import clock, counted, place, shown
from mitate.clients.results import Added
from mitate.kernels.errors import InvalidArgument, MitateError

if TYPE_CHECKING:
    from rich.console import Console

PARALLEL = 4  # files under way at once
_ROW = "{:<8}  {:>8}  {:>8}  {:>7}  "
_NOTHING: dict[str, Any] = dict.fromkeys(
    ("title", "title_id", "episode", "episode_id", "source_id", "kind", "frames", "duration_ms")
)


def add(arguments: Namespace) -> bool:
    """Add files; returns whether all went well.

    Raises:
        InvalidArgument: options that do not go together.
    """
    jobs = expand(arguments.files)
    _check(arguments, len(jobs))
    named = (arguments.title, arguments.episode, arguments.episode_id, arguments.replace)
    placed = bool(arguments.refs) or any(name is not None for name in named)
    report = _Report(Output(arguments.json), placed=placed)
    output = report.output
    with connect(arguments) as client, output.bars(len(jobs)) as bar:

        def work(file: str, tell: OnProgress) -> Added:
            return client.add(
                file,
                title=arguments.title,
                episode=arguments.episode,
                refs=dict(arguments.refs),
                episode_id=arguments.episode_id,
                replace_episode_id=arguments.replace,
                allow_partial=arguments.partial,
                sign_locally=arguments.local,
                progress=tell,
            )

        for_each(jobs, work, bar, report.take, parallel=PARALLEL, in_order=not output.as_json)
    report.end()
    return output.all_well


def _check(arguments: Namespace, n_files: int) -> None:
    if n_files > 1:
        for name in ("episode", "replace"):
            if getattr(arguments, name) is not None:
                raise InvalidArgument(f"--{name} takes one file; there are {n_files}")
    where = "--episode-id" if arguments.episode_id is not None else "--replace"
    if arguments.episode_id is not None or arguments.replace is not None:
        for name in ("title", "episode"):
            if getattr(arguments, name) is not None:
                raise InvalidArgument(f"--{name} cannot be given with {where}")
    providers = [provider for provider, _ in arguments.refs]
    for provider in providers:
        if providers.count(provider) > 1:
            raise InvalidArgument(f"--ref {provider} is given twice")


class _Report:
    """Prints what became of each file, and the sum at the end."""

    def __init__(self, output: Output, *, placed: bool) -> None:
        self.output = output
        self._placed = placed  # the caller said where the files go
        self._counts = {"added": 0, "exists": 0, "replaced": 0, "failed": 0}
        self._headed = False

    def take(self, file: str, outcome: Added | MitateError) -> None:
        """Print one file's line."""
        if isinstance(outcome, MitateError):
            self._counts["failed"] += 1
            self.output.failure(file, outcome, {"file": file, "status": "failed", **_NOTHING})
            return
        added = outcome
        self._counts[added.status] += 1
        data = {"file": file, **asdict(added), "error": None}
        if added.status == "exists" and self._placed:
            self.output.note(
                f"{shown(file)}: its content is stored already, as episode {added.episode_id}; "
                "nothing was changed"
            )
        self.output.result(data, lambda console: self._row(console, file, added))

    def _row(self, console: Console, file: str, added: Added) -> None:
        if not self._headed:
            self._headed = True
            heading = _ROW.format("status", "length", "frames", "episode")
            self._print(console, heading + "file → title, episode")
        numbers = _ROW.format(
            added.status, clock(added.duration_ms), f"{added.frames:,}", added.episode_id
        )
        name = place(added.title, added.episode)
        arrow = "" if name == shown(Path(file).stem) else f" → {name}"
        note = " (cut off: only its beginning is stored)" if added.partial else ""
        self._print(console, f"{numbers}{shown(file)}{arrow}{note}")

    @staticmethod
    def _print(console: Console, line: str) -> None:
        console.print(line, soft_wrap=True)

    def end(self) -> None:
        """Print the sum of several files."""
        words = {"exists": "already there"}
        parts = [
            f"{number:,} {words.get(status, status)}"
            for status, number in self._counts.items()
            if number
        ]
        n_files = sum(self._counts.values())
        if n_files > 1 and not self.output.as_json:
            text = f"\n{counted(n_files, 'file')}: {', '.join(parts)}"
            self.output.show(lambda console: self._print(console, text))
