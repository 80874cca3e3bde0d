"""All real clips through the command line and a real server: added at once, stills found again."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from clip_pairs import frame_at_or_after, is_moment, jpeg_of_half_size, pairs
from conftest import Server

from mitate.clients.client import Client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SEED = 11


class Still(NamedTuple):
    path: Path
    clip: str
    time_ms: float


@pytest.fixture(scope="module")
def durations_ms(indexed: Server) -> dict[str, int]:
    """File name to duration, as the server has it."""
    with Client(indexed.address) as client:
        sources = [source for episode in client.episodes() for source in episode.sources]
    return {source.file_name: source.duration_ms for source in sources}


@pytest.fixture(scope="module")
def stills(
    tmp_path_factory: pytest.TempPathFactory, clips: Path, durations_ms: dict[str, int]
) -> list[Still]:
    """One frame of every clip, at a random time, as a JPEG of half the size."""
    folder, draws = tmp_path_factory.mktemp("stills"), random.Random(SEED)
    found = []
    for name in sorted(durations_ms):
        wanted_ms = draws.uniform(0, 0.95) * durations_ms[name]
        time_ms, image = frame_at_or_after(clips / name, wanted_ms)
        path = folder / f"{name}.jpg"
        path.write_bytes(jpeg_of_half_size(image))
        found.append(Still(path, name, time_ms))
    return found


def test_every_clip_is_added_as_an_episode_of_its_own(
    indexed: Server, clips: Path, durations_ms: dict[str, int]
) -> None:
    (stats,) = indexed.answers("stats")
    names = {path.name for path in clips.iterdir()}
    assert len(names) == 60
    assert stats["episodes"] == stats["sources"] == len(names)
    assert set(durations_ms) == names
    again = indexed.answers("add", *sorted(clips.iterdir())[:3])
    assert {line["status"] for line in again} == {"exists"}


def named(answer: dict[str, Any]) -> list[Any]:
    """The best match, and what an ambiguous answer names beside it: titles share openings."""
    best = answer["matches"][0]
    return [SimpleNamespace(**best)] + [
        SimpleNamespace(**other, at_ms=other["from_ms"]) for other in best["alternatives"]
    ]


def test_a_still_of_every_clip_finds_its_moment_first(indexed: Server, stills: list[Still]) -> None:
    done = indexed.mitate("search", *(still.path for still in stills), "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    answers = {line["file"]: line for line in map(json.loads, done.stdout.splitlines())}
    with Client(indexed.address) as client:
        sources = [source for episode in client.episodes() for source in episode.sources]
    names = {source.source_id: source.file_name for source in sources}
    known, misses, n_judged = pairs(), [], 0
    for still in stills:
        answer: dict[str, Any] = answers[str(still.path)]
        if answer["verdict"] == "uninformative":
            continue
        n_judged += 1
        pair = known.get(still.clip, {})
        found = [(one, names[one.source_id]) for one in named(answer)]
        if not any(is_moment(*one, still.clip, still.time_ms, pair) for one in found):
            misses.append((still, answer["verdict"], found[0]))
    assert n_judged >= 50
    assert len(misses) <= 0.05 * n_judged, f"{len(misses)} of {n_judged}: {misses}"
