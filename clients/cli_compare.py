"""`mitate compare`."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mitate.clients.cli_access import connect
from mitate.clients.cli_files import Job, check_apart, write_file
from mitate.clients.cli_output import OnProgress, Output
from mitate.clients.cli_run import for_each
from mitate.clients.cli_text import clock, shown
from mitate.clients.compared import ComparedSide, Comparison, Measure, Stage, Subject
from mitate.kernels.errors import InvalidArgument, MitateError

if TYPE_CHECKING:
    from rich.console import Console

_STORED = re.compile(r"(episode|source):([^@]*)(?:@(.*))?")
_TIME = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,9}(?:\.\d{1,9})?)s?")
_MARKS = {"passed": "passed", "failed": "FAILED", "skipped": "skipped", "told": ""}
_INDENT = " " * 21


def compare(arguments: Namespace) -> bool:
    """Compare two things; returns whether all went well.

    Raises:
        InvalidArgument: A, B or `-o` is wrong.
    """
    a, b = subject_of(arguments.a), subject_of(arguments.b)
    target: Path | None = arguments.output
    if target is not None:
        if target.is_dir():
            raise InvalidArgument(f"-o {target} is a directory; a file is needed")
        check_apart(target, [one.file for one in (a, b) if one.file])
    output = Output(arguments.json)
    named = {"file": arguments.a, "other": arguments.b}
    with connect(arguments) as client, output.bars(1) as bar:

        def work(file: str, tell: OnProgress) -> Comparison:
            found = client.compare(a, b, draw=target is not None, progress=tell)
            if target is not None:
                write_file(target, found.picture)
            return found

        def done(file: str, outcome: Comparison | MitateError) -> None:
            if isinstance(outcome, MitateError):
                output.failure("", outcome, named)
                return
            found = outcome
            picture = None if target is None else str(target)
            data = asdict(found) | {"picture": picture}
            output.result(named | data, lambda console: _show(console, found, target))

        for_each([Job(arguments.a)], work, bar, done, parallel=1)
    return output.all_well


def subject_of(text: str) -> Subject:
    """Return what an argument names: FILE, episode:ID or source:ID, with @TIME or without.

    A file that is there is meant, whatever its name looks like.

    Raises:
        InvalidArgument: no such id or time can be.
    """
    if os.path.exists(text):
        return Subject(file=text)
    stored = _STORED.fullmatch(text)
    if stored is not None:
        kind, number, time = stored.groups()
        at_ms = None if time is None else _time_ms(time)
        if not re.fullmatch(r"[1-9][0-9]{0,17}", number):
            raise InvalidArgument(f"{text!r}; {kind}:ID is needed, an id of 1 or larger")
        if time is not None and at_ms is None:
            raise InvalidArgument(f"{text!r}; a time such as @12.5 or @1:02.5 is needed")
        if kind == "episode":
            return Subject(episode_id=int(number), at_ms=at_ms)
        return Subject(source_id=int(number), at_ms=at_ms)
    path, _, time = text.rpartition("@")
    at_ms = _time_ms(time) if path else None
    return Subject(file=text) if at_ms is None else Subject(file=path, at_ms=at_ms)


def _time_ms(text: str) -> int | None:
    """Return a time given as seconds, m:ss or h:mm:ss; None where it is none."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return round((hours * 3600 + minutes * 60 + seconds) * 1000)


def _show(console: Console, found: Comparison, target: Path | None) -> None:
    def say(text: str, style: str | None = None) -> None:
        console.print(shown(text), style=style, soft_wrap=True)

    probability = "" if found.probability is None else f"; probability {found.probability:.3f}"
    say(found.summary + probability, "bold")
    sides = {"A": found.query, "B": found.reference}
    if found.swapped:
        sides = {"A": found.reference, "B": found.query}
    for letter, side in sides.items():
        say(f"  {letter}  {_side(side)}")
    for stage in found.stages:
        say("")
        for line in _lines(stage):
            say(line)
    if target is not None:
        say("")
        say(f"  drawn in {target}")


def _side(side: ComparedSide) -> str:
    at = "" if side.at_ms is None else f" at {clock(side.at_ms)}"
    stored = "" if side.episode_id is None else f" (episode {side.episode_id})"
    return f"{side.name}{at}{stored}"


def _lines(stage: Stage) -> list[str]:
    head = f"  {_MARKS[stage.outcome]:<8}{stage.name:<11}"
    return [head + stage.text, *(_INDENT + _measured(one) for one in stage.measures)]


def _measured(measure: Measure) -> str:
    needed = ""
    if measure.least is not None:
        needed = f" (at least {_number(measure.least)} is needed)"
    elif measure.most is not None:
        needed = f" (at most {_number(measure.most)} is needed)"
    return f"{measure.text}: {_number(measure.value)}{needed}"


def _number(value: float) -> str:
    """Return a number with as many digits as mean something."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 20 else f"{round(value, 3) + 0.0:.3f}"
