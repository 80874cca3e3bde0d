"""Adding files through the command line: good ones, bad ones, the same ones again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Server, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("add"), "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, drawn: Path, ffmpeg: str) -> dict[str, Path]:
    """Files and folders that cannot be added."""
    folder = tmp_path_factory.mktemp("broken")
    whole = (drawn / "test.mp4").read_bytes()
    (folder / "cut off.mp4").write_bytes(whole[: len(whole) // 2])
    mkv = (drawn / "life.mkv").read_bytes()
    (folder / "cut off.mkv").write_bytes(mkv[: len(mkv) // 2])
    (folder / "text.mp4").write_text("this is no video\n")
    (folder / "empty.mp4").touch()
    (folder / "no media").mkdir()
    (folder / "no media" / "notes.txt").write_text("nothing here\n")
    sound = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", "sine=d=1"]
    for name in ("sound.mp3", "sound.mp4"):
        subprocess.run([*sound, str(folder / name)], check=True)
    return {path.name: path for path in folder.iterdir()} | {"missing": folder / "missing.mp4"}


def test_every_bad_file_gets_one_clear_line_and_the_rest_is_added(
    server: Server, broken: dict[str, Path], drawn: Path
) -> None:
    files = [*broken.values(), drawn / "test.mp4"]
    done = server.mitate("add", *files)
    assert done.returncode == 1
    for path in broken.values():
        (line,) = [line for line in done.stderr.splitlines() if str(path) in line]
        assert "Traceback" not in line
    assert "Traceback" not in done.stderr + done.stdout
    lines = server.answers("add", *files)
    assert {line["file"] for line in lines} == {str(path) for path in files}
    failed = {line["file"] for line in lines if line["status"] == "failed"}
    assert failed == {str(path) for path in broken.values()}
    (stats,) = server.answers("stats")
    assert stats["episodes"] == 1
    assert not list((server.data / "tmp").iterdir())
    assert not list((server.data / "uploads").iterdir())
    assert len(list((server.data / "signatures").iterdir())) == 1


def test_a_file_that_is_cut_off_is_stored_when_asked_for(
    server: Server, broken: dict[str, Path]
) -> None:
    (refused,) = server.answers("add", broken["cut off.mkv"])
    assert refused["error"]["reason"] == "INVALID_MEDIA"
    assert "cut off" in refused["error"]["message"]
    (added,) = server.answers("add", "--partial", broken["cut off.mkv"])
    assert (added["status"], added["partial"], added["error"]) == ("added", True, None)
    assert 0 < added["frames"] < 96
    assert server.mitate("remove", str(added["episode_id"])).returncode == 0


def test_the_same_content_again_exists_under_any_name(
    server: Server, drawn: Path, tmp_path: Path
) -> None:
    (first,) = server.answers("add", drawn / "test.mp4")
    shutil.copy(drawn / "test.mp4", tmp_path / "other.mp4")
    (again,) = server.answers("add", tmp_path / "other.mp4")
    assert again["status"] == "exists"
    assert again["source_id"] == first["source_id"]


def test_a_directory_is_added_recursively(server: Server, drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "season" / "one"
    folder.mkdir(parents=True)
    for path in drawn.iterdir():
        shutil.copy(path, folder)
    (folder / "notes.txt").write_text("not a video")
    lines = server.answers("add", tmp_path)
    assert len(lines) == 3
    assert {line["status"] for line in lines} <= {"added", "exists"}
    assert {line["kind"] for line in lines} == {"video"}


def test_sources_of_one_episode_and_replacing_all_of_them(
    server: Server, drawn: Path, tmp_path: Path
) -> None:
    copies = []
    for i, path in enumerate(sorted(drawn.iterdir())):
        copies.append(tmp_path / path.name)
        copies[-1].write_bytes(path.read_bytes() + bytes(i + 1))
    (first,) = server.answers("add", copies[0], "--title", "Show", "--episode", "1")
    episode = str(first["episode_id"])
    (second,) = server.answers("add", copies[1], "--episode-id", episode, "--ref", "anidb=7")
    assert (second["episode_id"], second["title"]) == (first["episode_id"], "Show")
    (shown,) = server.answers("show", episode)
    assert len(shown["sources"]) == 2
    (replaced,) = server.answers("add", copies[2], "--replace", episode)
    assert (replaced["status"], replaced["episode_id"]) == ("replaced", first["episode_id"])
    (shown,) = server.answers("show", episode)
    assert [source["source_id"] for source in shown["sources"]] == [replaced["source_id"]]
    assert shown["refs"] == {"anidb": "7"}


def test_a_signature_made_locally_is_stored_like_an_upload(
    server: Server, drawn: Path, tmp_path: Path
) -> None:
    path = tmp_path / "local.webm"
    path.write_bytes((drawn / "zoom.webm").read_bytes() + b"local")
    (added,) = server.answers("add", "--local", path)
    assert (added["status"], added["frames"]) == ("added", 96)
    (again,) = server.answers("add", path)
    assert again["status"] == "exists"


def test_an_unknown_episode_is_refused_with_its_number(server: Server, drawn: Path) -> None:
    (line,) = server.answers("add", drawn / "test.mp4", "--replace", "999999")
    assert line["error"]["reason"] == "NOT_FOUND"
    assert "999999" in line["error"]["message"]
