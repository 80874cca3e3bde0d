"""A server that is killed loses nothing that it acknowledged and keeps nothing by halves."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import running, start

ROUNDS = 10


def added_before_the_kill(server_address: str, files: list[Path], after_s: float, kill) -> list:  # type: ignore[no-untyped-def,type-arg]
    """Add files one by one, kill the server meanwhile, and return what was answered `added`."""
    command = [sys.executable, "-m", "mitate.clients.cli", "add", *map(str, files), "--json"]
    client = subprocess.Popen(
        [*command, "--server", server_address],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    time.sleep(after_s)
    kill()
    output, _ = client.communicate(timeout=120)
    assert client.returncode in (0, 1)
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.slow
def test_kill_9_while_adding_loses_nothing_acknowledged(
    tmp_path: Path, drawn: Path, request: pytest.FixtureRequest
) -> None:
    draws = random.Random(3)
    files = []
    for i in range(24):  # the same pictures with other bytes at the end are other content
        source = sorted(drawn.iterdir())[i % 3]
        path = tmp_path / f"{i:02d}{source.suffix}"
        shutil.copy(source, path)
        with path.open("ab") as file:
            file.write(b"\0" * (i + 1))
        files.append(path)
    acknowledged: dict[int, str] = {}
    for _ in range(ROUNDS):
        server = start(tmp_path / "data", tmp_path / "log.txt")
        lines = added_before_the_kill(server.address, files, draws.uniform(0.7, 2.5), server.kill)
        for line in lines:
            if line["status"] in ("added", "exists"):
                acknowledged[line["episode_id"]] = line["file"]
    assert acknowledged
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
