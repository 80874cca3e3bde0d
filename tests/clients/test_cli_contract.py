"""The JSON and the exit codes that tools outside rely on, command by command."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_answers import State
from fake_server import FakeServer

from mitate.clients.cli import main
from mitate.clients.results import Verdict

ADD = {
    "file": str,
    "status": str,
    "title": str,
    "title_id": int,
    "episode": str,
    "episode_id": int,
    "source_id": int,
    "kind": str,
    "frames": int,
    "duration_ms": int,
    "error": type(None),
}
MATCH = {
    "title": str,
    "title_id": int,
    "episode": str,
    "episode_id": int,
    "source_id": int,
    "query_from_ms": int,
    "query_to_ms": int,
    "from_ms": int,
    "to_ms": int,
    "at_ms": int,
    "mirrored": bool,
    "speed": float,
    "distance": float,
    "similarity": float,
    "probability": (float, type(None)),
    "verdict": str,
    "view": str,
    "alternatives": list,
    "refs": dict,
}
SEARCH = {
    "file": str,
    "kind": str,
    "verdict": str,
    "matches": list,
    "exact": bool,
    "timings_ms": dict,
}
SCAN = {"file": str, "duration_ms": int, "segments": list, "matched_ms": int}
FAILURE = {"reason": str, "message": str}

Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def run(
    server: FakeServer,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run a command with --json; returns its exit code, lines and stderr."""
    monkeypatch.setenv("MITATE_SERVER", server.address)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, list[dict[str, Any]], str]:
        code = main([str(argument) for argument in (*arguments, "--json")])
        captured = capsys.readouterr()
        return code, [json.loads(line) for line in captured.out.splitlines()], captured.err

    return command


def check(line: dict[str, Any], shape: dict[str, Any]) -> None:
    for name, kind in shape.items():
        assert name in line, name
        assert isinstance(line[name], kind), (name, line[name])
        assert kind is bool or not isinstance(line[name], bool), (name, line[name])


def test_add_answers_added_then_exists_then_replaced(run: Run, clip: Path) -> None:
    code, (line,), err = run("add", clip, "--ref", "anidb=23")
    assert (code, err) == (0, "")
    check(line, ADD)
    assert (line["file"], line["status"], line["title"]) == (str(clip), "added", "clip")
    assert run("add", clip)[1][0]["status"] == "exists"
    clip.write_bytes(b"other")
    replaced = run("add", clip, "--replace", line["episode_id"])[1][0]
    assert (replaced["status"], replaced["episode_id"]) == ("replaced", line["episode_id"])


def test_add_names_title_episode_and_references(run: Run, clip: Path, state: State) -> None:
    options = ["--title", "Sintel", "--episode", "S01E01", "--ref", "mal=5", "--ref", "anidb=23"]
    _, (line,), _ = run("add", clip, *options)
    assert (line["title"], line["episode"]) == ("Sintel", "S01E01")
    assert dict(state.episodes[line["episode_id"]].refs) == {"mal": "5", "anidb": "23"}
    clip.write_bytes(b"another encode")
    _, (again,), _ = run("add", clip, "--episode-id", line["episode_id"])
    assert again["episode_id"] == line["episode_id"]
    assert again["source_id"] != line["source_id"]


def test_files_of_one_name_become_episodes_of_their_own(run: Run, tmp_path: Path) -> None:
    files = [tmp_path / folder / "same.mp4" for folder in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        file.write_text(str(file))
    code, lines, _ = run("add", *files)
    assert code == 0
    assert {line["file"] for line in lines} == {str(file) for file in files}
    assert len({line["episode_id"] for line in lines}) == 2


def test_what_fails_does_not_stop_the_rest(run: Run, clip: Path, tmp_path: Path) -> None:
    bad, empty, bare = tmp_path / "bad.mp4", tmp_path / "empty.mp4", tmp_path / "bare"
    bad.write_bytes(b"bad")
    empty.touch()
    bare.mkdir()
    missing = tmp_path / "missing.mp4"
    code, lines, err = run("add", bad, empty, clip, bare, missing)
    assert (code, err, len(lines)) == (1, "", 5)
    by_file = {line["file"]: line for line in lines}
    assert by_file[str(clip)]["status"] == "added"
    reasons = {bad: "INVALID_MEDIA", empty: "INVALID_MEDIA", bare: "INVALID_MEDIA"}
    for path, reason in {**reasons, missing: "NOT_FOUND"}.items():
        line = by_file[str(path)]
        assert line["status"] == "failed"
        check(line["error"], FAILURE)
        assert line["error"]["reason"] == reason


def test_a_file_that_is_cut_off_is_added_only_when_asked_for(run: Run, clip: Path) -> None:
    clip.write_bytes(b"cut")
    code, (line,), _ = run("add", clip)
    assert (code, line["status"], line["error"]["reason"]) == (1, "failed", "INVALID_MEDIA")
    code, (line,), _ = run("add", clip, "--partial")
    assert (code, line["status"], line["partial"]) == (0, "added", True)


def test_directories_are_searched_for_media(run: Run, tmp_path: Path) -> None:
    names = ["e2.mp4", "e10.MKV", "deep/er/e1.webm", "still.PNG", "notes.txt", ".hidden.mp4"]
    for name in [*names, ".git/x.mp4"]:
        path = tmp_path / "season" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    code, lines, _ = run("add", tmp_path / "season", tmp_path / "season" / "notes.txt")
    assert code == 0
    found = {os.path.relpath(line["file"], tmp_path / "season") for line in lines}
    assert found == {"e2.mp4", "e10.MKV", "deep/er/e1.webm", "still.PNG", "notes.txt"}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_search_of_a_picture(run: Run, picture: Path, verdict: Verdict) -> None:
    word = {"no_match": b"none", "uninformative": b"black"}.get(verdict, verdict.encode())
    picture.write_bytes(b"\xff\xd8\xff" + word)
    code, (line,), err = run("search", picture)
    assert (code, err) == (0, "")
    check(line, SEARCH)
    assert (line["file"], line["kind"], line["verdict"]) == (str(picture), "image", verdict)
    for match in line["matches"]:
        check(match, MATCH)
    assert line["matches"][0]["alternatives"][0]["episode_id"] == 2


def test_search_of_a_clip(run: Run, clip: Path, picture: Path) -> None:
    code, lines, _ = run("search", clip, picture, "-k", 1)
    assert (code, [line["file"] for line in lines]) == (0, [str(clip), str(picture)])
    check(lines[0], SEARCH)
    check(lines[0]["matches"][0], MATCH)
    assert (lines[0]["kind"], lines[0]["exact"]) == ("video", False)
    assert len(lines[1]["matches"]) == 1


def test_scan(run: Run, clip: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"bad")
    code, lines, _ = run("scan", bad, clip)
    assert code == 1
    assert lines[0].keys() == {"file", "error"}
    check(lines[1], SCAN)
    assert [match["query_from_ms"] for match in lines[1]["segments"]] == [0, 1000]
    for match in lines[1]["segments"]:
        check(match, MATCH)


def test_a_search_that_fails_has_file_and_error(run: Run, picture: Path, tmp_path: Path) -> None:
    code, lines, err = run("search", tmp_path, picture, tmp_path / "missing.jpg")
    assert (code, err) == (1, "")
    assert [line.keys() == {"file", "error"} for line in lines] == [True, False, True]
    assert [line["error"]["reason"] for line in lines if "error" in line] == [
        "INVALID_MEDIA",
        "NOT_FOUND",
    ]


def test_list_gives_a_line_per_title(run: Run, clip: Path) -> None:
    for number in range(5):
        clip.write_bytes(b"%d" % number)
        run("add", clip, "--title", f"title {number // 2}", "--episode", f"E{number}")
    code, lines, _ = run("list")
    assert code == 0
    assert [line["title"] for line in lines] == ["title 0", "title 1", "title 2"]
    assert [episode["episode"] for episode in lines[0]["episodes"]] == ["E0", "E1"]
    check(lines[0], {"title_id": int, "refs": dict, "created_ms": int})


def test_show_and_remove_give_a_line_per_episode(run: Run, clip: Path) -> None:
    number = run("add", clip)[1][0]["episode_id"]
    code, lines, _ = run("show", number, 99)
    assert code == 1
    check(lines[0], {"episode_id": int, "episode": str, "title": str, "duration_ms": int})
    check(lines[0]["sources"][0], {"source_id": int, "sha256": str, "frames": int, "kept": int})
    assert lines[1] == {
        "episode_id": 99,
        "error": {"reason": "NOT_FOUND", "message": "there is no episode 99"},
    }
    code, lines, _ = run("remove", 99, number)
    assert code == 1
    assert (lines[0]["episode_id"], lines[0]["status"]) == (99, "failed")
    assert lines[1] == {"episode_id": number, "status": "removed", "error": None}
    assert run("list")[1][0]["episodes"] == []


def test_stats_gives_one_line(run: Run) -> None:
    code, (line,), _ = run("stats")
    assert code == 0
    check(line, {"titles": int, "episodes": int, "frames": int, "index": str, "kept": int})


@pytest.mark.parametrize("command", ["list", "stats", "show 1", "remove 1", "add X", "search X"])
def test_an_unreachable_server_is_one_failure_per_line(
    run: Run, command: str, tmp_path: Path
) -> None:
    (tmp_path / "X").write_bytes(b"x")
    code, (line,), err = run(*command.split(), "--server", "127.0.0.1:1")
    assert (code, err) == (1, "")
    assert line["error"]["reason"] == "NOT_READY"
    assert "cannot reach 127.0.0.1:1" in line["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "frobnicate",
        "add",
        "search",
        "search -k 0 x",
        "search -k 101 x",
        "scan",
        "sign",
        "show",
        "remove",
        "show one",
        "remove 0",
        "list extra",
        "stats --server nowhere",
        "add x --ref anidb",
        "add x --ref =1",
        "add x --ref anidb=1 --ref anidb=2",
        "add x --episode-id 1 --replace 2",
        "add x --replace 1 --title y",
        "add x y --episode S01E01",
        "add x y --replace 1",
        "add x --title ''",
    ],
)
def test_wrong_usage_ends_with_2(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word if word != "''" else "" for word in arguments.split()]
    with pytest.raises(SystemExit) as ended:
        main(words)
    captured = capsys.readouterr()
    assert (ended.value.code, captured.out) == (2, "")
    assert "usage: mitate" in captured.err


def test_a_scan_is_drawn_where_it_is_told(run: Run, clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.png"
    code, (line,), _ = run("scan", clip, "--picture", target)
    assert (code, line["picture"]) == (0, str(target))
    assert target.read_bytes() == b"drawn"
    assert run("scan", clip)[1][0]["picture"] is None


def test_of_several_files_each_gets_a_picture_of_its_own(
    run: Run, clip: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / clip.name
    other.parent.mkdir()
    other.write_bytes(clip.read_bytes())
    code, lines, _ = run("scan", clip, other, clip, "--picture", tmp_path / "out.png")
    names = [f"{clip.stem}{number}-out.png" for number in ("", "-2", "")]
    assert [Path(line["picture"]).name for line in lines] == names
    assert code == 0 and all((tmp_path / name).is_file() for name in names)


@pytest.mark.parametrize("flag", ["--picture", "--export"])
@pytest.mark.parametrize("name", ["out.jpg", "folder.{}", "file/out.{}"])
def test_a_timeline_that_cannot_be_written_is_wrong_usage_before_any_work(
    run: Run, state: State, clip: Path, tmp_path: Path, flag: str, name: str
) -> None:
    suffix = "png" if flag == "--picture" else "csv"
    (tmp_path / f"folder.{suffix}").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as wrong:
        run("scan", clip, flag, tmp_path / name.format(suffix))
    assert wrong.value.code == 2
    assert not state.calls
