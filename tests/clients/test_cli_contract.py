"""The JSON and the exit codes that tools outside rely on, of all other commands."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract import Run, check

from mitate.clients.cli import main


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
