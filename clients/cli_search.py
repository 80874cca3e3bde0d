"""`mitate search` and `mitate scan`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mitate.clients.cli_access import connect
from mitate.clients.cli_files import Job, check_apart, check_writable, targets, write_file
from mitate.clients.cli_output import OnProgress, Output
from mitate.clients.cli_run import for_each
from mitate.clients.cli_tables import Head, table
from mitate.clients.cli_text import (
    SEGMENT_WORDS,
    VERDICT_WORDS,
    answer_sentence,
    notes,
    others,
    place,
    shown,
    time_range,
    timeline_sentence,
)
from mitate.clients.interchange import check, export
from mitate.clients.results import Answer, Match, SearchOptions, Timeline, Verdict
from mitate.kernels.errors import InvalidArgument, MitateError

if TYPE_CHECKING:
    from rich.console import Console

PARALLEL_SEARCHES = 4
PARALLEL_SCANS = 2
JSON_MATCHES, SHOWN_MATCHES = 10, 5  # without -k
Column = tuple[Head, Callable[[Match], str]]


def search(arguments: Namespace) -> bool:
    """Search files; returns whether all went well.

    Raises:
        InvalidArgument: no file is named.
    """
    jobs = [Job(file) for file in [*arguments.files, *arguments.signatures]]
    if not jobs:
        raise InvalidArgument("name a FILE, or --signature FILE")
    signatures = set(arguments.signatures) - set(arguments.files)
    output = Output(arguments.json)
    options = SearchOptions(k=arguments.k or (JSON_MATCHES if arguments.json else SHOWN_MATCHES))
    with connect(arguments) as client, output.bars(len(jobs)) as bar:

        def work(file: str, tell: OnProgress) -> Answer:
            if file in signatures:
                return client.search_signature(file, options)
            return client.search(file, options, progress=tell)

        def done(file: str, outcome: Answer | MitateError) -> None:
            if isinstance(outcome, MitateError):
                output.failure(file, outcome, {"file": file})
            else:
                answer = outcome
                output.result(
                    {"file": file, **asdict(answer)},
                    lambda console: _show_answer(console, file, answer, arguments.k is not None),
                )

        for_each(jobs, work, bar, done, parallel=PARALLEL_SEARCHES)
    return output.all_well


def scan(arguments: Namespace) -> bool:
    """Scan files; returns whether all went well.

    Raises:
        InvalidArgument: a timeline cannot be exported or drawn so.
    """
    exports = [targets(arguments.files, path) for path in arguments.exports]
    drawn = {} if arguments.picture is None else targets(arguments.files, arguments.picture)
    for path in arguments.exports:
        check(path, arguments.rate)
    for path in [path for paths in (*exports, drawn) for path in paths.values()]:
        check_writable(path)
        check_apart(path, arguments.files)
    jobs = [Job(file) for file in arguments.files]
    output = Output(arguments.json)
    with connect(arguments) as client, output.bars(len(jobs)) as bar:

        def work(file: str, tell: OnProgress) -> Timeline:
            timeline = client.scan(file, draw=bool(drawn), progress=tell)
            for paths in exports:
                export(timeline, paths[file], Path(file).stem, arguments.rate)
            if drawn:
                write_file(drawn[file], timeline.picture)
            return timeline

        def done(file: str, outcome: Timeline | MitateError) -> None:
            if isinstance(outcome, MitateError):
                output.failure(file, outcome, {"file": file})
            else:
                timeline, picture = outcome, drawn.get(file)
                written = [paths[file] for paths in (*exports, drawn) if paths]
                data = asdict(timeline) | {
                    "picture": None if picture is None else str(picture),
                    "exports": [str(paths[file]) for paths in exports],
                }
                output.result(
                    {"file": file} | data,
                    lambda console: _show_timeline(console, file, timeline),
                )
                if written:
                    output.note("wrote " + shown(", ".join(map(str, written))))

        for_each(jobs, work, bar, done, parallel=PARALLEL_SCANS)
    return output.all_well


def _show_answer(console: Console, file: str, answer: Answer, whole: bool) -> None:
    """Print an answer; unless `whole`, without candidates that are not believed below it."""
    console.print(shown(file), style="bold", soft_wrap=True)
    console.print("  " + answer_sentence(answer), soft_wrap=True)
    matches = () if answer.verdict is Verdict.UNINFORMATIVE else answer.matches
    if answer.verdict.is_believed and not whole:
        matches = tuple(match for match in matches if match.verdict.is_believed)
    query = "in the clip" if answer.kind == "video" else "in the query"
    _show_table(console, matches, _columns(matches, query, answer.verdict))


def _show_timeline(console: Console, file: str, timeline: Timeline) -> None:
    console.print(shown(file), style="bold", soft_wrap=True)
    console.print("  " + timeline_sentence(timeline), soft_wrap=True)
    columns = _columns(timeline.segments, "in the video", Verdict.MATCH, SEGMENT_WORDS)
    if any(segment.alternatives for segment in timeline.segments):
        columns.append((Head("also in", folds=True), others))
    _show_table(console, timeline.segments, columns)


def _columns(
    matches: tuple[Match, ...],
    query: str,
    verdict: Verdict,
    words: Mapping[Verdict, str] = VERDICT_WORDS,
) -> list[Column]:
    """Return the columns that say something about these matches; `verdict` is said before."""
    columns: list[Column] = []
    if any(match.query_to_ms > match.query_from_ms for match in matches):
        columns.append((Head(query, right=True), _query_range))
    columns += [
        (Head("id", right=True), lambda match: str(match.episode_id)),
        (Head("title, episode", folds=True), lambda match: place(match.title, match.episode)),
        (Head("time", right=True), lambda match: time_range(match.from_ms, match.to_ms)),
        (Head("similarity", right=True), lambda match: f"{match.similarity:.2f}"),
    ]
    if any(match.probability is not None for match in matches):
        columns.append((Head("probability", right=True), _probability))
    if any(notes(match) for match in matches):
        columns.append((Head("notes"), notes))
    if any(match.verdict is not verdict for match in matches):
        columns.append((Head("verdict"), lambda match: words[match.verdict]))
    return columns


def _query_range(match: Match) -> str:
    return time_range(match.query_from_ms, match.query_to_ms)


def _probability(match: Match) -> str:
    return "" if match.probability is None else f"{match.probability:.3f}"


def _show_table(console: Console, matches: tuple[Match, ...], columns: list[Column]) -> None:
    if matches:
        heads = [head for head, _ in columns]
        console.print(table(heads, [[cell(match) for _, cell in columns] for match in matches]))
    console.print()
