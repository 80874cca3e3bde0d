from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from making import make_video, run
from pictures import scene
from PIL import Image

from mitate.kernels.decode import Limits
from mitate.kernels.errors import InvalidArgument, InvalidMedia, NotFound
from mitate.kernels.sign import sign
from mitate.kernels.stills import SHOWN_SIDE, frames_at, still
from mitate.kernels.views import picture_views

LONG = "testsrc2=s=160x90:r=12:d=16"


@pytest.fixture(scope="module")
def film(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stills") / "film.mp4"
    return make_video(ffmpeg, path, "-g", "24", "-bf", "2", "-pix_fmt", "yuv420p", source=LONG)


@pytest.mark.parametrize("at_ms", [0, 1, 950, 8000, 11_040, 13_333, 15_950, 16_000])
def test_a_frame_of_a_video_is_signed_as_the_video_is(film: Path, at_ms: int) -> None:
    whole = sign(film)
    frame = int(np.searchsorted(whole.times_ms, at_ms, side="right")) - 1
    found = still(film, at_ms)
    assert (found.kind, found.time_ms) == ("video", whole.times_ms[frame])
    kept = int(whole.kept_of(frame))
    assert np.array_equal(found.signature.layouts[0], whole.layouts[kept])
    assert np.array_equal(found.signature.mirrored[0], whole.mirrored[kept])
    assert found.signature.quality[0] == whole.quality[kept]
    assert found.signature.rect == whole.rect


def test_windows_and_thumbnail_of_the_frame_are_those_of_the_video(film: Path) -> None:
    whole, found = sign(film), still(film, 0)
    assert np.array_equal(found.signature.windows[0], whole.windows[0])
    assert np.array_equal(found.signature.thumbnails[0], whole.thumbnails[0])


def test_a_picture_is_its_own_frame(tmp_path: Path) -> None:
    path = tmp_path / "図.png"
    scene(3).save(path)
    found, whole, views = still(path), sign(path), picture_views(path).more()
    assert (found.kind, found.time_ms) == ("image", 0)
    assert found.views.names == views.names
    assert np.array_equal(found.views.layouts, views.layouts)
    for name in ("layouts", "mirrored", "windows", "thumbnails", "quality"):
        assert np.array_equal(getattr(found.signature, name), getattr(whole, name)), name
    assert np.array_equal(found.pixels, np.asarray(scene(3)))


def test_views_of_a_frame_are_those_of_its_picture(film: Path, tmp_path: Path) -> None:
    found = still(film, 11_000)
    path = tmp_path / "frame.png"
    Image.fromarray(found.pixels).save(path)
    views = picture_views(path).more()
    assert found.views.names == views.names
    assert np.abs(found.views.layouts.astype(int) - views.layouts).max() <= 1


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "yuv420p10le", "gray", "gbrp"])
def test_pixels_are_those_that_a_player_shows(ffmpeg: str, tmp_path: Path, pixels: str) -> None:
    source = "smptebars=s=161x91:r=25:d=0.2"
    film = make_video(ffmpeg, tmp_path / "a.mkv", "-c:v", "ffv1", "-pix_fmt", pixels, source=source)
    options = ("-frames:v", "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-")
    shown = np.frombuffer(run(ffmpeg, "-i", str(film), *options), np.uint8).reshape(91, 161, 3)
    difference = np.abs(still(film, 0).pixels.astype(int) - shown)
    assert difference.mean() < 4


def test_large_pictures_are_reduced_and_keep_their_shape(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    scene(1, 2000, 300).save(path)
    assert still(path).pixels.shape == (96, SHOWN_SIDE, 3)


def test_turned_videos_stand_upright(ffmpeg: str, tmp_path: Path, film: Path) -> None:
    path = tmp_path / "turned.mp4"
    run(ffmpeg, "-i", str(film), "-c", "copy", "-metadata:s:v:0", "rotate=90", str(path))
    found = still(path, 500)
    assert found.pixels.shape == (160, 90, 3)
    assert np.array_equal(found.pixels, np.rot90(still(film, 500).pixels))
    assert (found.width, found.height, found.inner) == (90, 160, (0, 0, 90, 160))
    assert np.array_equal(found.signature.layouts, sign(path).part(6, 7).layouts)


def test_reading_on_the_way_to_a_time_is_told(ffmpeg: str, tmp_path: Path) -> None:
    raw = tmp_path / "film.h264"  # without times, so that nothing can be sought
    make_video(ffmpeg, raw, "-pix_fmt", "yuv420p", source="testsrc2=s=64x36:r=60:d=12")
    told: list[tuple[int, ...]] = []
    found = still(raw, 11_000, progress=lambda *numbers: told.append(numbers))
    assert found.time_ms <= 11_000
    assert [numbers[0] for numbers in told] == [256, 512][: len(told)] and told
    assert all(time_ms <= at_ms == 11_000 for _, time_ms, at_ms in told)


@pytest.mark.parametrize("turned", [False, True])
def test_the_border_is_told_upright(ffmpeg: str, tmp_path: Path, turned: bool) -> None:
    boxed, path = tmp_path / "boxed.mp4", tmp_path / "film.mp4"
    source = "mandelbrot=s=160x90:r=12,pad=160:130:0:16:black"
    make_video(ffmpeg, boxed, "-t", "1", "-pix_fmt", "yuv420p", "-crf", "10", source=source)
    rotate = ("-metadata:s:v:0", "rotate=90") if turned else ()
    run(ffmpeg, "-i", str(boxed), "-c", "copy", *rotate, str(path))
    found = still(path, 500)
    assert found.inner == ((16, 0, 106, 160) if turned else (0, 16, 160, 106))
    luma = found.pixels.mean(axis=2)
    inside = luma[found.inner.top : found.inner.bottom, found.inner.left : found.inner.right]
    assert inside.sum() > 0.95 * luma.sum()


def test_a_time_after_the_end_is_refused(film: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"no frame at 16\.1 s; it ends at 16 s"):
        still(film, 16_100)


def test_a_time_in_a_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    scene(1).save(path)
    with pytest.raises(InvalidArgument, match="1 s, but it is a picture"):
        still(path, 1000)


def test_what_is_no_media_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(InvalidMedia):
        still(path, 0)
    with pytest.raises(NotFound):
        still(tmp_path / "none", 0)
    scene(1, 400, 300).save(tmp_path / "b.png")
    with pytest.raises(InvalidMedia, match="the limit is 100"):
        still(tmp_path / "b.png", limits=Limits(max_still_pixels=100))


def test_frames_at_many_times_are_those_at_each(film: Path) -> None:
    times_ms = [0, 0, 83, 950, 8000, 8000, 15_950, 99_000]
    found = frames_at(film, times_ms, 160)
    for at_ms, pixels in zip(times_ms, found, strict=True):
        assert np.array_equal(pixels, still(film, min(at_ms, 15_999)).pixels), at_ms


def test_frames_are_reduced_to_the_longest_side(film: Path) -> None:
    assert [one.shape for one in frames_at(film, [0, 500], 80)] == [(45, 80, 3)] * 2
    assert frames_at(film, [], 80) == []
