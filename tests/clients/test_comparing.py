"""Comparing with both clients and on the command line, against a server with canned answers."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract import Printed
from fake_answers import State
from fake_compare import PNG

from mitate.clients.cli_compare import subject_of
from mitate.clients.compared import Area, Subject
from mitate.clients.results import Progress, Verdict
from mitate.kernels.codec import encode35
from mitate.kernels.errors import InvalidArgument, InvalidMedia, NotFound
from mitate.kernels.signature_header import MAGIC

COMPARE = "/mitate.v1.CompareService/Compare"


@pytest.fixture
def run(printed: Printed) -> Printed:
    """Printed `mitate compare`; returns its exit code, stdout and stderr."""
    return partial(printed, "compare")


def test_two_files_are_sent_compared_and_forgotten(
    client: Any, picture: Path, clip: Path, state: State
) -> None:
    told: list[Progress] = []
    found = client.compare(picture, Subject(file=clip, at_ms=1500), progress=told.append)
    assert (found.verdict, found.probability) == (Verdict.MATCH, pytest.approx(0.97))
    assert (found.query.name, found.reference.name) == ("still.jpg", "clip.mp4")
    assert (found.query.at_ms, found.reference.at_ms) == (None, 1500)
    assert found.query.inner == found.query.part == Area(0, 60, 640, 420)
    assert found.query.descriptor == tuple(range(33))
    assert (found.mirrored, found.swapped, found.distance) == (True, False, 120.0)
    assert [stage.outcome for stage in found.stages] == ["told", "passed", "skipped", "failed"]
    assert [(one.least, one.most) for one in found.stages[1].measures] == [
        (None, 4412),
        (None, None),
    ]
    assert (found.picture, found.timings_ms) == (PNG, {"compare": 2.5})
    assert {one.stage for one in told} == {"send", "read"}
    assert not state.uploads


def test_what_is_stored_is_named_by_its_id(client: Any, picture: Path, state: State) -> None:
    found = client.compare(Subject(episode_id=3), picture)
    assert found.swapped
    assert (found.reference.episode_id, found.query.episode_id) == (3, None)
    assert found.reference.part is None
    client.compare(picture, Subject(source_id=11, at_ms=0), draw=False)
    first, second = (request for request, _ in state.requests[COMPARE])
    assert (first.a.WhichOneof("subject"), first.a.HasField("at_ms")) == ("episode_id", False)
    assert (second.b.source_id, second.b.HasField("at_ms"), second.b.at_ms) == (11, True, 0)
    assert (first.without_picture, second.without_picture) == (False, True)


def test_a_file_with_one_descriptor_is_sent_as_a_signature(
    client: Any, picture: Path, state: State, tmp_path: Path
) -> None:
    path = tmp_path / "one.cld"
    path.write_bytes(encode35(np.full(33, 16, np.uint8)))
    sent: list[bytes] = []
    keep = state.uploads
    state.uploads = _Seen(keep, sent)
    client.compare(path, picture)
    assert sent[0].startswith(MAGIC)
    assert sent[1] == picture.read_bytes()


class _Seen(dict[str, Any]):
    """Remembers contents that are stored in it."""

    def __init__(self, old: dict[str, Any], sent: list[bytes]) -> None:
        super().__init__(old)
        self.sent = sent

    def __setitem__(self, key: str, value: tuple[str, bytes]) -> None:
        self.sent.append(value[1])
        super().__setitem__(key, value)


def test_uploads_are_forgotten_when_comparing_fails(
    client: Any, picture: Path, clip: Path, state: State
) -> None:
    clip.write_bytes(b"bad" * 1000)
    with pytest.raises(InvalidMedia, match="B: no video stream"):
        client.compare(picture, clip)
    with pytest.raises(NotFound, match="B: there is no episode_id 404"):
        client.compare(picture, Subject(episode_id=404))
    assert not state.uploads


def test_a_missing_file_is_noticed_before_anything_is_sent(
    client: Any, picture: Path, tmp_path: Path, state: State
) -> None:
    with pytest.raises(NotFound, match="none"):
        client.compare(picture, tmp_path / "none")
    assert not state.calls


@pytest.mark.parametrize(
    "fields", [{}, {"file": "a", "episode_id": 1}, {"episode_id": 1, "source_id": 1}]
)
def test_a_subject_is_exactly_one_thing(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="one is needed"):
        Subject(**fields)
    with pytest.raises(InvalidArgument, match="times start at 0"):
        Subject(file="a", at_ms=-1)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("clip.mkv", Subject(file="clip.mkv")),
        ("clip.mkv@12.5", Subject(file="clip.mkv", at_ms=12_500)),
        ("clip.mkv@12.5s", Subject(file="clip.mkv", at_ms=12_500)),
        ("clip.mkv@1:02.25", Subject(file="clip.mkv", at_ms=62_250)),
        ("clip.mkv@1:00:01", Subject(file="clip.mkv", at_ms=3_601_000)),
        ("a@b.mkv", Subject(file="a@b.mkv")),
        ("a@b.mkv@3", Subject(file="a@b.mkv", at_ms=3000)),
        ("@3", Subject(file="@3")),
        ("episode:3", Subject(episode_id=3)),
        ("episode:3@0", Subject(episode_id=3, at_ms=0)),
        ("source:17@0:09.0", Subject(source_id=17, at_ms=9000)),
        ("./episode:3", Subject(file="./episode:3")),
    ],
)
def test_arguments_name_files_and_moments(text: str, expected: Subject) -> None:
    assert subject_of(text) == expected


@pytest.mark.parametrize("name", ["a@12.5", "episode:3", "source:1@2"])
def test_a_file_that_is_there_is_meant_whatever_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    assert subject_of(name) == Subject(file=name)


@pytest.mark.parametrize("text", ["episode:", "episode:0", "episode:x", "source:-1", "episode:3@x"])
def test_ids_and_times_that_cannot_be_are_wrong_usage(
    text: str, run: Printed, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(picture, text)
    assert ended.value.code == 2
    assert "is needed" in capsys.readouterr().err


def test_a_person_reads_the_stages_and_what_is_needed(run: Printed, picture: Path) -> None:
    code, out, err = run(picture, "episode:3@1:02.5")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "match: A shows B; probability 0.970",
        "  A  still.jpg",
        "  B  Sintel, S01E01 at 1:02.5 (episode 3)",
        "",
        "          borders    no flat border",
        "",
        "  passed  distance   near enough",
        "                     distance: 120 (at most 4,412 is needed)",
        "                     similarity: 0.900",
        "",
        "  skipped agreement  descriptors only",
        "",
        "  FAILED  evidence   not enough",
        "                     evidence: 0.610 (at least 0.515 is needed)",
    ]


def test_letters_stay_with_the_arguments_when_what_is_stored_comes_first(
    run: Printed, picture: Path
) -> None:
    lines = run("episode:3", picture)[1].splitlines()
    assert lines[1:3] == ["  A  Sintel, S01E01 (episode 3)", "  B  still.jpg"]


def test_machines_get_one_object_without_the_pixels(
    run: Printed, picture: Path, state: State
) -> None:
    code, out, err = run(picture, "episode:3", "--json")
    line = json.loads(out)
    assert (code, err, line["file"], line["other"]) == (0, "", str(picture), "episode:3")
    assert (line["verdict"], line["picture"]) == ("match", None)
    assert line["query"]["part"] == [0, 60, 640, 420]
    assert line["stages"][1]["measures"][0] == {
        "name": "distance",
        "text": "distance",
        "value": 120.0,
        "least": None,
        "most": 4412.0,
    }
    assert state.requests[COMPARE][0][0].without_picture


def test_the_picture_is_written_where_it_is_wanted(
    run: Printed, picture: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new folder" / "図.png"
    code, out, _ = run(picture, "episode:3", "-o", target)
    assert (code, target.read_bytes()) == (0, PNG)
    assert out.endswith(f"drawn in {target}\n")
    code, out, _ = run(picture, "episode:3", "-o", target, "--json")
    assert json.loads(out)["picture"] == str(target)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_no_match_is_an_answer_and_no_failure(run: Printed, picture: Path) -> None:
    picture.write_bytes(b"\xff\xd8\xff none")
    code, out, _ = run(picture, "episode:3")
    assert (code, out.splitlines()[0]) == (0, "no match: the descriptors are too far apart")


def test_failures_are_told_and_exit_with_1(run: Printed, picture: Path, tmp_path: Path) -> None:
    code, out, err = run(picture, "episode:404")
    assert (code, out, err) == (1, "", "mitate: B: there is no episode_id 404\n")
    code, out, err = run(picture, "none.jpg", "--json")
    line = json.loads(out)
    assert (code, err, line["file"], line["other"]) == (1, "", str(picture), "none.jpg")
    assert line["error"]["reason"] == "NOT_FOUND"
    (tmp_path / "file").touch()
    code, out, err = run(picture, "episode:3", "-o", tmp_path / "file" / "a.png")
    assert (code, out) == (1, "")
    assert "cannot be written" in err


def test_a_folder_for_the_picture_is_wrong_usage(
    run: Printed, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder.png"
    folder.mkdir()
    with pytest.raises(SystemExit) as ended:
        run(picture, "episode:3", "-o", folder)
    assert ended.value.code == 2
    assert "is a directory" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["A", "B"])
def test_the_picture_never_takes_the_place_of_what_is_compared(
    run: Printed, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    mine = tmp_path / "mine.png"
    mine.write_bytes(picture.read_bytes())
    (tmp_path / "link.png").symlink_to(mine)
    subjects = (mine, "episode:3") if place == "A" else (f"{picture}", f"{mine}")
    for target in (mine, tmp_path / "link.png"):
        with pytest.raises(SystemExit) as ended:
            run(*subjects, "-o", target)
        assert ended.value.code == 2
        assert f"{target} is the file {mine} that is read; another is needed" in (
            capsys.readouterr().err
        )
    assert mine.read_bytes() == picture.read_bytes()


def test_the_picture_is_drawn_into_a_png_only(
    run: Printed, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(picture, "episode:3", "-o", tmp_path / "why.jpg")
    assert ended.value.code == 2
    assert "a name in .png is needed" in capsys.readouterr().err
