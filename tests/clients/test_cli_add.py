"""What `mitate add --json` prints, which tools outside rely on."""

from __future__ import annotations

import os
from pathlib import Path

from contract import ADD, FAILURE, Run, check
from fake_answers import State


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
