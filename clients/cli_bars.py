"""Progress bars on stderr: one for every file under way and one for all."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from os.path import basename

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Display

from mitate.clients.cli_output import Bar, OnProgress
from mitate.clients.cli_text import counted, shown
from mitate.clients.results import Progress

_NAME_CHARS = 32
_STAGES = {"send": "sending", "read": "reading"}


@contextmanager
def bars(n_files: int) -> Iterator[Bar]:
    """Show bars while the block runs; yields what shows the bar of a file."""
    display = Display(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )
    with display:
        total = display.add_task(
            counted(n_files, "file"), total=n_files, visible=n_files > 1, note=""
        )
        yield partial(_bar, display, total)


@contextmanager
def _bar(display: Display, total: TaskID, file: str) -> Iterator[OnProgress]:
    name = shown(basename(file))
    name = name if len(name) <= _NAME_CHARS else name[: _NAME_CHARS - 1] + "…"
    task = display.add_task(name, total=None, note="")

    begun_s = time.monotonic()

    def tell(progress: Progress) -> None:
        note = _STAGES[progress.stage]
        if progress.frames:
            per_s = progress.frames / max(time.monotonic() - begun_s, 1e-3)
            note += f", {counted(progress.frames, 'frame')}, {per_s:.0f} a second"
        known = progress.fraction > 0 or progress.stage == "send"
        display.update(task, completed=progress.fraction, total=1.0 if known else None, note=note)

    try:
        yield tell
    finally:
        display.remove_task(task)
        display.advance(total)
