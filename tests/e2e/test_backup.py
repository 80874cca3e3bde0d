"""Backup while serving, restore and verify, as an operator does it."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from conftest import Server, mitate, running

from mitate.clients import Client


def add_and_remove(server: Server, videos: list[Path], stop: threading.Event) -> None:
    """Keep the server changing: the same videos come and go."""
    with Client(server.address) as client:
        while not stop.is_set():
            for path in videos:
                added = client.add(path, title="comes and goes")
                client.remove_episode(added.episode_id)


def copies_of(path: Path, folder: Path, n: int) -> list[Path]:
    """Files with other bytes that show the same."""
    made = [folder / f"{path.stem}{i}{path.suffix}" for i in range(n)]
    for i, one in enumerate(made):
        one.write_bytes(path.read_bytes() + bytes(i + 1))
    return made


def test_a_backup_of_a_busy_server_restores_to_one_that_answers_the_same(
    tmp_path: Path, drawn: Path, ffmpeg: str
) -> None:
    backup, still = tmp_path / "backup", tmp_path / "still.png"
    command = [ffmpeg, "-v", "error", "-ss", "1.5", "-i", str(drawn / "life.mkv")]
    subprocess.run([*command, "-frames:v", "1", str(still)], check=True)
    stop = threading.Event()
    with running(tmp_path, "--workers", "1") as server:
        for path in sorted(drawn.iterdir()):
            server.mitate("add", path, "--title", path.stem, "--ref", f"anidb={path.stem}")
        (before,) = server.answers("search", still)
        busy = copies_of(drawn / "zoom.webm", tmp_path, 3)
        thread = threading.Thread(target=add_and_remove, args=(server, busy, stop))
        thread.start()
        try:
            for _ in range(3):
                done = mitate("backup", backup, "--data", server.data, "--json")
                assert done.returncode == 0, done.stderr
                assert json.loads(done.stdout)["sources"] >= 3
                assert mitate("verify", "--data", server.data).returncode == 0
        finally:
            stop.set()
            thread.join(60)
        listed = titles(server)
    assert mitate("verify", "--data", backup).stdout.strip().endswith("all checksums agree")
    fresh = tmp_path / "fresh"
    done = mitate("restore", backup, "--data", fresh / "data")
    assert done.returncode == 0, done.stderr
    with running(fresh, "--workers", "1") as again:
        (after,) = again.answers("search", still)
        kept = titles(again)
    for answer in (before, after):
        del answer["timings_ms"]
    assert after["verdict"] == "match" and after["matches"][0] == before["matches"][0]
    assert listed == kept


def titles(server: Server) -> dict[str, Any]:
    with Client(server.address) as client:
        found = {title.title: title.n_episodes for title in client.titles()}
    return {name: n for name, n in found.items() if name != "comes and goes"}


def test_verify_names_what_is_damaged_and_fails(tmp_path: Path, drawn: Path) -> None:
    with running(tmp_path, "--workers", "1") as server:
        server.mitate("add", drawn / "life.mkv", drawn / "test.mp4")
        victim = max((server.data / "signatures").iterdir())
        data = bytearray(victim.read_bytes())
        data[-100] ^= 1
        victim.write_bytes(data)
        done = mitate("verify", "--data", server.data)
        assert done.returncode == 1
        assert victim.name in done.stderr and "1 damaged" in done.stdout
        refused = mitate("backup", tmp_path / "backup", "--data", server.data)
        assert refused.returncode == 1 and victim.name in refused.stderr


def test_commands_without_a_data_directory_say_what_is_missing(tmp_path: Path) -> None:
    assert mitate("verify").returncode == 2
    done = mitate("backup", tmp_path / "b", "--data", tmp_path / "none")
    assert done.returncode == 1 and "is no data directory of mitate" in done.stderr
    done = mitate("verify", "--data", tmp_path / "none")
    assert done.returncode == 1 and "cannot be read" in done.stderr
