"""Signatures made and read on the client's side."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_answers import State
from PIL import Image

from mitate.clients.cli import main
from mitate.clients.signing import signature_bytes
from mitate.kernels import signature_file
from mitate.kernels.errors import CorruptData, InvalidMedia, InvalidSignature

LAYOUT = bytes([20, *range(1, 21), 30, *range(5), 40, *range(5)])


@pytest.fixture
def still(tmp_path: Path) -> Path:
    """A picture of random blocks."""
    blocks = np.random.default_rng(7).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    path = tmp_path / "still.png"
    Image.fromarray(blocks).resize((256, 128), Image.Resampling.NEAREST).save(path)
    return path


@pytest.mark.parametrize(
    "content",
    [
        LAYOUT,
        bytes([21, 6]) + LAYOUT,
        base64.b64encode(LAYOUT) + b"\n",
        base64.b64encode(bytes([21, 6]) + LAYOUT),
    ],
)
def test_one_descriptor_becomes_a_signature_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "descriptor"
    path.write_bytes(content)
    signature = signature_file.read(signature_bytes(path))
    assert (signature.kind, signature.n_frames) == ("image", 1)
    assert signature.layouts.tobytes() == LAYOUT
    assert signature_bytes(content) == signature_bytes(signature)


@pytest.mark.parametrize(
    "content", [b"x", b"\xff" * 35, b"y" * 64, b"long" * 100, "ä".encode() * 22]
)
def test_other_content_is_no_signature(content: bytes) -> None:
    with pytest.raises(InvalidSignature):
        signature_bytes(content)


def test_a_changed_signature_file_is_refused_before_it_is_sent() -> None:
    data = bytearray(signature_bytes(LAYOUT))
    data[-1] ^= 1
    with pytest.raises(CorruptData):
        signature_bytes(bytes(data))


def test_a_signature_is_searched_as_such(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "some.msig"
    path.write_bytes(signature_bytes(LAYOUT))
    signature = signature_file.read(path.read_bytes())
    for query in (path, path.read_bytes(), signature):
        assert client.search_signature(query).kind == "signature"
    assert client.search(path).kind == "signature"


def test_adding_signed_locally_sends_the_signature_only(
    client: Any, still: Path, state: State
) -> None:
    added = client.add(still, sign_locally=True, title="Sintel")
    assert (added.status, added.title) == ("added", "Sintel")
    assert state.calls["/mitate.v1.CatalogService/ImportSignatures"] == 1
    assert state.calls["/mitate.v1.MediaService/UploadMedia"] == 0


def test_what_cannot_be_decoded_cannot_be_signed(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("this is no video")
    with pytest.raises(InvalidMedia):
        client.add(path, sign_locally=True)


def sign(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[Any]]:
    code = main(["sign", "--json", *map(str, arguments)])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_sign_writes_beside_the_work(
    capsys: pytest.CaptureFixture[str],
    still: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    code, (line,) = sign(capsys, still)
    assert code == 0
    assert (line["file"], line["signature"], line["kind"]) == (str(still), "still.msig", "image")
    assert (line["frames"], line["width"], line["height"]) == (1, 256, 128)
    assert signature_file.read(here / "still.msig").n_frames == 1
    assert [path.name for path in here.iterdir()] == ["still.msig"]


def test_sign_writes_to_a_file_or_a_directory(
    capsys: pytest.CaptureFixture[str], still: Path, tmp_path: Path
) -> None:
    assert sign(capsys, still, "-o", tmp_path / "named.msig")[0] == 0
    assert (tmp_path / "named.msig").is_file()
    twin = tmp_path / "twin" / "still.png"
    twin.parent.mkdir()
    twin.write_bytes(still.read_bytes())
    code, lines = sign(capsys, still, twin, tmp_path / "missing.png", "-o", tmp_path / "out")
    assert code == 1
    assert lines[2]["error"]["reason"] == "NOT_FOUND"
    names = {Path(line["signature"]).name for line in lines[:2]}
    assert names == {"still.msig", "still-2.msig"} == {p.name for p in (tmp_path / "out").iterdir()}


def test_several_signatures_do_not_go_into_one_file(
    capsys: pytest.CaptureFixture[str], still: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sign", "a.mp4", "b.mp4", "-o", str(still)])
    assert ended.value.code == 2
    assert "is a file" in capsys.readouterr().err


def test_a_signature_never_takes_the_place_of_what_is_signed(
    capsys: pytest.CaptureFixture[str], still: Path, tmp_path: Path
) -> None:
    before = still.read_bytes()
    odd = still.rename(tmp_path / "odd.msig")
    for arguments in ((odd, "-o", odd), (odd, "-o", tmp_path)):
        with pytest.raises(SystemExit) as ended:
            main(["sign", *map(str, arguments)])
        assert ended.value.code == 2
        assert f"{odd} is the file {odd} that is read" in capsys.readouterr().err
    assert odd.read_bytes() == before
