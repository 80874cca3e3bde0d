"""`mitate list`, `show`, `remove` and `stats`."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mitate.clients.cli_access import connect
from mitate.clients.cli_output import Output
from mitate.clients.cli_tables import Head, table
from mitate.clients.cli_text import clock, counted, place, shown, size
from mitate.clients.client import Client
from mitate.clients.results import Episode, Stats, Title
from mitate.kernels.errors import MitateError

if TYPE_CHECKING:
    from rich.console import Console


def list_titles(arguments: Namespace) -> bool:
    """List titles with their episodes; returns whether all went well."""

    def run(client: Client, output: Output) -> None:
        episodes: dict[int, list[Episode]] = defaultdict(list)
        titles = client.titles()
        for episode in client.episodes():
            episodes[episode.title_id].append(episode)
        if not output.as_json:
            output.show(lambda console: _show_list(console, titles, episodes))
            return
        for title in titles:
            data = asdict(title) | {"episodes": [episode_json(e) for e in episodes[title.title_id]]}
            output.result(data, lambda console: None)

    return _with_client(arguments, run)


def show(arguments: Namespace) -> bool:
    """Show episodes; returns whether all went well."""

    def one(client: Client, output: Output, episode_id: int) -> None:
        episode = client.episode(episode_id)
        output.result(episode_json(episode), lambda console: _show_episode(console, episode))

    return _for_each_id(arguments, one, {})


def remove(arguments: Namespace) -> bool:
    """Remove episodes; returns whether all went well."""

    def one(client: Client, output: Output, episode_id: int) -> None:
        client.remove_episode(episode_id)
        data = {"episode_id": episode_id, "status": "removed", "error": None}
        output.result(data, lambda console: console.print(f"removed episode {episode_id}"))

    return _for_each_id(arguments, one, {"status": "failed"})


def stats(arguments: Namespace) -> bool:
    """Tell how the server is; returns whether all went well."""

    def run(client: Client, output: Output) -> None:
        found = client.stats()
        output.result(asdict(found), lambda console: _show_stats(console, found))

    return _with_client(arguments, run)


def episode_json(episode: Episode) -> dict[str, Any]:
    """Return an episode as it stands in JSON."""
    data = asdict(episode)
    sources = data.pop("sources")
    return data | {"duration_ms": episode.duration_ms, "sources": sources}


def _with_client(arguments: Namespace, run: Callable[[Client, Output], None]) -> bool:
    output = Output(arguments.json)
    with connect(arguments) as client:
        try:
            run(client, output)
        except MitateError as error:
            output.failure("", error, {})
    return output.all_well


def _for_each_id(
    arguments: Namespace,
    one: Callable[[Client, Output, int], None],
    failed: Mapping[str, Any],
) -> bool:
    output = Output(arguments.json)
    with connect(arguments) as client:
        for episode_id in arguments.episode_ids:
            try:
                one(client, output, episode_id)
            except MitateError as error:
                data = {"episode_id": episode_id, **failed}
                output.failure(f"episode {episode_id}", error, data)
    return output.all_well


def _show_list(
    console: Console, titles: tuple[Title, ...], episodes: Mapping[int, list[Episode]]
) -> None:
    if not titles:
        console.print("nothing is stored yet; `mitate add FILE...` stores videos and pictures")
        return
    heads = [Head("id", right=True), Head("title, episode", folds=True)]
    heads += [Head(text, right=True) for text in ("length", "frames", "files")]
    heads += [Head("references", folds=True)]
    rows = []
    for title in titles:
        if not episodes[title.title_id]:
            rows.append(["", f"{shown(title.title)} (no episodes)", "", "", "", _refs(title.refs)])
        rows += [_list_row(title, episode) for episode in episodes[title.title_id]]
    console.print(table(heads, rows))
    n_episodes = sum(len(one) for one in episodes.values())
    console.print(f"\n  {counted(len(titles), 'title')}, {counted(n_episodes, 'episode')}")


def _list_row(title: Title, episode: Episode) -> list[str]:
    frames = sum(source.frames for source in episode.sources)
    return [
        str(episode.episode_id),
        place(title.title, episode.episode),
        clock(episode.duration_ms),
        f"{frames:,}",
        str(len(episode.sources)),
        _refs({**title.refs, **episode.refs}),
    ]


def _refs(refs: Mapping[str, str]) -> str:
    return ", ".join(f"{shown(key)}={shown(value)}" for key, value in sorted(refs.items()))


def _show_episode(console: Console, episode: Episode) -> None:
    console.print(place(episode.title, episode.episode), style="bold", soft_wrap=True)
    about = [f"episode {episode.episode_id}", f"title {episode.title_id}"]
    about += [f"added {_date(episode.created_ms)}", _refs(episode.refs)]
    console.print("  " + ", ".join(part for part in about if part), soft_wrap=True)
    heads = [Head("source", right=True), Head("kind")]
    heads += [Head(text, right=True) for text in ("size", "length", "frames", "kept")]
    heads += [Head("file", folds=True), Head("SHA-256")]
    rows = [
        [
            str(source.source_id),
            source.kind + (", cut off" if source.partial else ""),
            f"{source.width}×{source.height}",
            clock(source.duration_ms),
            f"{source.frames:,}",
            f"{source.kept:,}",
            shown(source.file_name),
            source.sha256[:16] + "…",
        ]
        for source in episode.sources
    ]
    console.print(table(heads, rows) if rows else "  no files")
    console.print()


def _show_stats(console: Console, stats: Stats) -> None:
    lines = {
        "stored": f"{counted(stats.titles, 'title')}, {counted(stats.episodes, 'episode')}, "
        f"{counted(stats.sources, 'file')}, {clock(stats.duration_ms)} in all",
        "frames": f"{stats.frames:,}, kept in {counted(stats.kept, 'descriptor')}",
        "on disk": size(stats.stored_bytes),
        "index": f"{stats.index}, state {stats.index_generation}",
        "waiting": counted(stats.queued_signatures, "signature"),
        "server": f"mitate {stats.server_version}, started {_date(stats.started_ms)}",
        "versions": f"{stats.descriptor_version}, {stats.vector_version}",
    }
    for name, value in lines.items():
        console.print(f"{name:<9}{shown(value)}", soft_wrap=True)


def _date(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000))
