from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mitate.kernels.colour import Colour
from mitate.kernels.decode import Picture, Plane, is_picture, luma_of, open_media
from mitate.kernels.errors import InvalidArgument, InvalidMedia, NotFound


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no such file: .*missing\.mp4"):
        open_media(tmp_path / "missing.mp4")
    (tmp_path / "file").write_text("text")
    with pytest.raises(NotFound, match="no such file"):
        open_media(tmp_path / "file" / "below.mp4")


def test_what_is_no_file_with_a_picture_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("This is a text.\n" * 20)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "random.mkv").write_bytes(np.random.default_rng(1).bytes(5000))
    os.mkfifo(tmp_path / "pipe.mp4")
    expected = {
        "text.mp4": "no video can be read from it",
        "empty.mp4": "the file is empty (0 bytes)",
        "random.mkv": "no video can be read from it",
        "pipe.mp4": "is a device or pipe; a regular file is needed",
        "": "is a directory; a media file is needed",
    }
    for name, text in expected.items():
        with pytest.raises(InvalidMedia) as caught:
            open_media(tmp_path / name)
        assert text in caught.value.message
        assert "\n" not in caught.value.message


def test_an_unknown_backend_names_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(
        InvalidArgument,
        match="'gpu'; allowed are auto, pyav, pyav-cuda, pillow, nvjpeg, decord, decord-cuda, and",
    ):
        open_media(tmp_path / "a", backend="gpu")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("a")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InvalidArgument, match=r"decord is not installed; `mitate\[decord\]`"):
        open_media(tmp_path / "a", backend="decord")


def test_pictures_are_known_by_their_first_bytes() -> None:
    assert is_picture(b"\xff\xd8\xff\xe0")
    assert is_picture(b"RIFF\0\0\0\0WEBPVP8 ")
    assert is_picture(b"\0\0\0\x1cftypavif")
    assert not is_picture(b"RIFF\0\0\0\0AVI LIST")
    assert not is_picture(b"\0\0\0\x1cftypisom")


@pytest.mark.parametrize("depth", [8, 10, 16])
def test_luma_has_eight_bits(depth: int) -> None:
    samples = np.full((4, 8), 200 << (depth - 8), np.uint8 if depth == 8 else np.uint16)
    picture = Picture((Plane(samples, 6),), Colour("grey", depth=depth), 6, 4, 0)
    luma = luma_of(picture)
    assert luma.dtype == np.uint8
    assert luma.shape == (4, 6)
    assert (luma == 200).all()


def test_luma_of_rgb_is_the_same_packed_and_planar() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    packed = Plane(pixels.reshape(5, 21), 7, channels=3)
    planar = tuple(Plane(np.ascontiguousarray(pixels[:, :, i]), 7) for i in range(3))
    one = luma_of(Picture((packed,), Colour("rgb"), 7, 5, 0))
    other = luma_of(Picture(planar, Colour("rgb"), 7, 5, 0))
    np.testing.assert_array_equal(one, other)


def test_decoding_imports_only_what_it_needs() -> None:
    code = "import sys, mitate.kernels.decode; print({'av', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"set()"
