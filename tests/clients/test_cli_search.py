"""What `search` and `scan` print and draw, which tools outside rely on."""

from __future__ import annotations

from pathlib import Path

import pytest
from contract import MATCH, SCAN, SEARCH, Printed, Run, check
from fake_answers import State

from mitate.clients.results import Verdict


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


def test_a_scan_is_drawn_where_it_is_told(run: Run, clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.png"
    code, (line,), _ = run("scan", clip, "--picture", target)
    assert (code, line["picture"]) == (0, str(target))
    assert target.read_bytes() == b"drawn"
    assert run("scan", clip)[1][0]["picture"] is None


def test_a_scan_says_what_it_wrote_and_keeps_json_clean(
    run: Run, printed: Printed, clip: Path, tmp_path: Path
) -> None:
    table, drawn = tmp_path / "new" / "amv.csv", tmp_path / "new" / "amv.png"
    flags = ("--export", table, "--picture", drawn)
    code, (line,), err = run("scan", clip, *flags)
    assert (code, line["exports"], err) == (0, [str(table)], f"mitate: wrote {table}, {drawn}\n")
    assert table.read_text().startswith("query_from_ms,")
    code, out, err = printed("scan", clip, *flags)
    assert (code, err) == (0, f"mitate: wrote {table}, {drawn}\n")
    assert str(drawn) not in out
    _, (line,), err = run("scan", clip)
    assert (line["exports"], err) == ([], "")


def test_below_a_match_only_what_matches_is_shown_unless_more_is_asked_for(
    printed: Printed, picture: Path
) -> None:
    def rows(*arguments: object) -> list[str]:
        lines = printed("search", *arguments)[1].splitlines()
        return [line.split()[0] for line in lines[2:] if "S01E" in line]

    assert rows(picture) == ["1"]
    assert rows(picture, "-k", 2) == ["1", "2"]
    picture.write_bytes(b"\xff\xd8\xffnone")
    assert rows(picture) == ["1", "2"]


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


@pytest.mark.parametrize("rate", ["0", "1001", "nan"])
def test_a_rate_is_refused_before_any_work(
    run: Run, state: State, clip: Path, tmp_path: Path, rate: str
) -> None:
    with pytest.raises(SystemExit) as wrong:
        run("scan", clip, "--export", tmp_path / "amv.csv", "--rate", rate)
    assert wrong.value.code == 2
    assert not state.calls


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
