"""A server that is killed loses nothing that it acknowledged and keeps nothing by halves."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import MITATE, Server, running, start

ROUNDS = 10


def added_before_the_kill(
    server: Server, files: list[Path], n_answers: int, after_s: float
) -> list[dict[str, Any]]:
    """Add files, kill the server a moment after some answers, and return all answers."""
    client = subprocess.Popen(
        [*MITATE, "add", *map(str, files), "--json", "--server", server.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert client.stdout is not None
    lines = [client.stdout.readline() for _ in range(n_answers)]
    time.sleep(after_s)
    server.kill()
    rest, _ = client.communicate(timeout=120)
    assert client.returncode == 1
    return [json.loads(line) for line in (*lines, *rest.splitlines())]


@pytest.mark.slow
def test_kill_9_while_adding_loses_nothing_acknowledged(tmp_path: Path, drawn: Path) -> None:
    draws = random.Random(3)
    files = []
    for i in range(36):  # the same pictures with other bytes at the end are other content
        source = sorted(drawn.iterdir())[i % 3]
        path = tmp_path / f"{i:02d}{source.suffix}"
        shutil.copy(source, path)
        with path.open("ab") as file:
            file.write(b"\0" * (i + 1))
        files.append(path)
    acknowledged: dict[int, str] = {}
    for _ in range(ROUNDS):
        server = start(tmp_path / "data", tmp_path / "log.txt")
        draws.shuffle(files)
        for line in added_before_the_kill(
            server, files, draws.randint(1, 3), draws.uniform(0, 0.4)
        ):
            if line["status"] in ("added", "exists"):
                acknowledged[line["episode_id"]] = line["file"]
    assert len(acknowledged) >= ROUNDS // 2
    with running(tmp_path) as server:
        held = {
            source["source_id"]: source
            for line in server.answers("show", *map(str, sorted(acknowledged)))
            for source in line["sources"]
        }
        assert {source["episode_id"] for source in held.values()} >= set(acknowledged)
        assert all(source["frames"] == 96 for source in held.values())
        stored = list((tmp_path / "data" / "signatures").iterdir())
        (stats,) = server.answers("stats")
        assert len(stored) == stats["sources"] >= len(held)
        assert not list((tmp_path / "data" / "tmp").iterdir())
        assert not list((tmp_path / "data" / "uploads").iterdir())
        for episode_id, file in sorted(acknowledged.items())[:6]:
            (answer,) = server.answers("search", file)
            episodes = {answer["matches"][0]["episode_id"]} | {
                other["episode_id"] for other in answer["matches"][0]["alternatives"]
            }
            assert answer["verdict"] in ("match", "ambiguous")
            assert episode_id in episodes
