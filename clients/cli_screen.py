"""`mitate screen`: how much of a file is in the catalog, as a decision with a reason."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from mitate.clients.cli_access import connect
from mitate.clients.cli_files import Job
from mitate.clients.cli_output import OnProgress, Output
from mitate.clients.cli_run import for_each
from mitate.clients.cli_search import PARALLEL_SCANS
from mitate.clients.cli_text import place, shown
from mitate.clients.client import Client
from mitate.clients.media import content_of, local_file
from mitate.clients.results import Answer, Match, Timeline, Verdict
from mitate.kernels.errors import MitateError

if TYPE_CHECKING:
    from rich.console import Console

REFUSED = 3  # exit code when a file is refused


@dataclass(frozen=True, slots=True)
class Screening:
    """What becomes of a file, and why."""

    decision: Literal["pass", "refuse"]
    reason: str
    kind: Literal["video", "image"]
    duration_ms: int
    matched_ms: int
    segments: tuple[Match, ...]  # of a picture its matches


def screen(arguments: Namespace) -> bool | int:
    """Screen files; returns whether all went well, or REFUSED when one of them is refused."""
    jobs = [Job(file) for file in arguments.files]
    output = Output(arguments.json)
    refused = False
    with connect(arguments) as client, output.bars(len(jobs)) as bar:

        def work(file: str, tell: OnProgress) -> Screening:
            return screened(client, file, tell, arguments.share, arguments.seconds)

        def done(file: str, outcome: Screening | MitateError) -> None:
            nonlocal refused
            if isinstance(outcome, MitateError):
                output.failure(file, outcome, {"file": file})
                return
            refused = refused or outcome.decision == "refuse"
            output.result(
                {"file": file, **asdict(outcome)}, lambda console: _show(console, file, outcome)
            )

        for_each(jobs, work, bar, done, parallel=PARALLEL_SCANS)
    return REFUSED if refused else output.all_well


def screened(
    client: Client, file: str, tell: OnProgress, share: float, seconds: float | None
) -> Screening:
    """Decide about one file; raises what scanning and searching raise."""
    if content_of(local_file(file)) == "picture":
        answer = client.search(file, progress=tell)
        if answer.kind == "image":
            return of_picture(answer)
    return of_timeline(client.scan(file, progress=tell), share, seconds)


def of_timeline(timeline: Timeline, share: float, seconds: float | None) -> Screening:
    """Decide about a video by how much of it is recognised, and for how long one episode is.

    Segments that are uncertain do not count.
    """
    matched = timeline.matched_ms / max(1, timeline.duration_ms)
    said = f"{_percent(matched, share)} of the video is recognised"
    refuse, reason = matched >= share, f"{said}; {100 * share:g}% and more is refused"
    name, length_s = _longest(timeline)
    if not refuse and seconds is not None and length_s >= seconds:
        refuse, reason = True, f"{name} is shown for {length_s:.1f} s; {seconds:g} s is refused"
    elif not refuse:
        reason = f"{said}, less than {100 * share:g}%"
    return Screening(
        "refuse" if refuse else "pass",
        reason,
        "video",
        timeline.duration_ms,
        timeline.matched_ms,
        timeline.segments,
    )


def _longest(timeline: Timeline) -> tuple[str, float]:
    """Return the name of the episode that is shown longest and for how many seconds it is."""
    shown_ms: defaultdict[int, int] = defaultdict(int)
    names: dict[int, str] = {}
    for segment in timeline.segments:
        if segment.verdict.is_believed:
            shown_ms[segment.episode_id] += segment.query_to_ms - segment.query_from_ms
            names[segment.episode_id] = place(segment.title, segment.episode)
    longest = max(names, key=lambda episode_id: shown_ms[episode_id], default=0)
    return names.get(longest, ""), shown_ms[longest] / 1000


def _percent(part: float, limit: float) -> str:
    """Return a share with as many digits as tell it from a limit that it is not."""
    for digits in range(4):
        text = f"{100 * part:.{digits}f}"
        if part == limit or float(text) != round(100 * limit, 4):
            break
    return f"{text}%"


def of_picture(answer: Answer) -> Screening:
    """Decide about a picture by its verdict."""
    refuse = answer.verdict.is_believed
    reason = "nothing in the catalog shows this picture"
    if answer.verdict is Verdict.UNINFORMATIVE:
        reason = "there is nothing in the picture to recognise"
    if refuse:
        best = answer.matches[0]
        reason = f"{place(best.title, best.episode)} shows this picture"
    return Screening("refuse" if refuse else "pass", reason, "image", 0, 0, answer.matches)


def _show(console: Console, file: str, screening: Screening) -> None:
    console.print(f"{shown(file)}: {screening.decision}", style="bold", soft_wrap=True)
    console.print(f"  {screening.reason}", soft_wrap=True)
