"""A server that is killed loses nothing that it acknowledged and keeps nothing by halves."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import MITATE, Server, running, start
from google.longrunning import operations_pb2
from making_requests import wait
from wire import Wire

from mitate.clients import Client
from mitate.clients.results import SearchOptions
from mitate.v1 import media_pb2

ROUNDS = 10
FILES_PER_ROUND = 4
FRAMES = 96  # of every drawn video
ADDED, SOME_FAILED = 0, 1


def new_files(folder: Path, drawn: Path, round_: int) -> list[Path]:
    """Videos that no round before had: the same pictures with other bytes at the end."""
    folder.mkdir()
    videos = sorted(drawn.iterdir())
    for i in range(FILES_PER_ROUND):
        video = videos[i % len(videos)]
        content = video.read_bytes() + bytes(64) + f"round {round_} file {i}".encode()
        (folder / f"{round_}-{i}{video.suffix}").write_bytes(content)
    return sorted(folder.iterdir())


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
    answers = [json.loads(line) for line in (*lines, *rest.splitlines())]
    failed = any(answer["status"] == "failed" for answer in answers)
    assert client.returncode == (SOME_FAILED if failed else ADDED)
    assert {answer["file"] for answer in answers} == set(map(str, files))
    return answers


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of a server that was killed in every round, and what it had acknowledged."""
    folder, draws = tmp_path_factory.mktemp("killed"), random.Random(3)
    acknowledged: dict[str, Any] = {}
    n_cut_off = 0
    for round_ in range(ROUNDS):
        files = new_files(folder / f"round {round_}", drawn, round_)
        draws.shuffle(files)
        server = start(folder / "data", folder / "log.txt")
        answers = added_before_the_kill(server, files, draws.randint(1, 2), draws.uniform(0, 0.4))
        added = {answer["file"]: answer for answer in answers if answer["status"] != "failed"}
        assert {answer["status"] for answer in added.values()} <= {"added"}
        n_cut_off += len(added) < len(files)
        acknowledged |= added
    assert n_cut_off >= ROUNDS // 2  # the kills came while there was work
    assert len(acknowledged) >= ROUNDS // 2
    return folder, acknowledged


@pytest.mark.slow
def test_kill_9_while_adding_loses_nothing_acknowledged(
    killed: tuple[Path, dict[str, Any]],
) -> None:
    folder, acknowledged = killed
    with running(folder) as server:
        run_to_the_end(server)
        (stats,) = server.answers("stats")
        held = {
            source["source_id"]: source
            for title in server.answers("list")
            for episode in title["episodes"]
            for source in episode["sources"]
        }
        assert {one["source_id"] for one in acknowledged.values()} <= set(held)
        assert all(source["frames"] == FRAMES for source in held.values())
        data = folder / "data"
        assert len(list((data / "signatures").iterdir())) == stats["sources"] == len(held)
        assert not list((data / "tmp").iterdir())
        assert all(is_complete(server, path) for path in (data / "uploads").iterdir())
        with Client(server.address) as client:
            for file, added in acknowledged.items():
                only = SearchOptions(episode_ids=(added["episode_id"],))
                assert client.search(file, only).verdict == "match", file


def run_to_the_end(server: Server) -> None:
    """Wait until the server has run what those before it had begun."""
    wire = Wire(server.address)
    unfinished = operations_pb2.ListOperationsRequest(filter="done = false")
    while left := wire.call("Operations/ListOperations", unfinished).operations:
        for operation in left:
            assert wait(wire, operation.name).done
    everything = wire.call("Operations/ListOperations", operations_pb2.ListOperationsRequest())
    assert not [one for one in everything.operations if one.HasField("error")]
    wire.channel.close()


def is_complete(server: Server, path: Path) -> bool:
    """Tell whether a file is an upload that had come whole and waits to be used."""
    wire = Wire(server.address)
    found = wire.call("MediaService/GetUpload", media_pb2.GetUploadRequest(upload_id=path.stem))
    wire.channel.close()
    return bool(found.complete) and found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
