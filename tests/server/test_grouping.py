"""Files are grouped by what they show."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from signatures import mirror, moving_layouts, signature

from mitate.server.grouping import group
from mitate.server.main import main

Layouts = NDArray[np.uint8]


def film(seed: int, n_frames: int = 480) -> Layouts:
    return moving_layouts(np.random.default_rng(seed), n_frames)


def noisy(layouts: Layouts) -> Layouts:
    steps = np.random.default_rng(9).choice([-1, 0, 1], layouts.shape, p=[0.1, 0.8, 0.1])
    noised: Layouts = (layouts + steps).clip(0, 31).astype(np.uint8)
    return noised


def test_encodes_of_one_episode_stand_together() -> None:
    found = group([signature(film(1)), signature(film(2)), signature(noisy(film(1)))])
    assert [one.episodes for one in found] == [((0, 2),), ((1,),)]


def test_a_mirrored_copy_is_the_same_episode() -> None:
    found = group([signature(film(1)), signature(mirror(film(1)))])
    assert [one.episodes for one in found] == [((0, 1),)]


def test_a_video_played_backwards_or_faster_is_of_the_title_and_no_encode() -> None:
    found = group([signature(film(1)), signature(film(1)[::-1]), signature(film(1)[::2])])
    assert [one.episodes for one in found] == [((0,), (1,), (2,))]


def test_a_transfer_at_the_speed_of_television_is_the_same_episode() -> None:
    found = group([signature(film(1), 24), signature(film(1), 25)])
    assert [one.episodes for one in found] == [((0, 1),)]


def test_episodes_that_share_an_opening_are_of_one_title() -> None:
    opening = film(5, 120)
    first, second = (np.concatenate([opening, film(seed, 360)]) for seed in (6, 7))
    found = group([signature(first), signature(film(8)), signature(second)])
    assert [one.episodes for one in found] == [((0,), (2,)), ((1,),)]
    assert found[0].videos == (0, 2)


def test_an_excerpt_is_of_the_title_and_not_the_same_episode() -> None:
    found = group([signature(film(1)), signature(film(1)[100:220])])
    assert [one.episodes for one in found] == [((0,), (1,))]


@pytest.mark.parametrize("n", [0, 1])
def test_few_files_are_groups_of_their_own(n: int) -> None:
    assert len(group([signature(film(i)) for i in range(n)])) == n


@pytest.fixture
def folder(tmp_path: Path, ffmpeg: str) -> Path:
    """Two encodes of one video, another video, and a file that is none."""
    for name, source, crf in (
        ("a.mp4", "testsrc2=s=320x180:r=24:d=4", "20"),
        ("b.mkv", "testsrc2=s=320x180:r=24:d=4", "34"),
        ("c.mp4", "mandelbrot=s=320x180:r=24", "20"),
    ):
        command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-t", "4"]
        subprocess.run([*command, "-crf", crf, str(tmp_path / name)], check=True)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    return tmp_path


def test_the_command_groups_a_directory_and_names_what_it_cannot_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["group", str(folder), "--json"], {}) == 1
    told = capsys.readouterr()
    groups = [json.loads(line) for line in told.out.splitlines()]
    assert groups == [
        {
            "files": 2,
            "relation": "episode",
            "episodes": [[str(folder / "a.mp4"), str(folder / "b.mkv")]],
        },
        {"files": 1, "relation": "alone", "episodes": [[str(folder / "c.mp4")]]},
    ]
    assert "broken.mp4" in told.err


def test_a_directory_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["group", "/nowhere"], {}) == 1
    assert "/nowhere: no such file or directory" in capsys.readouterr().err
