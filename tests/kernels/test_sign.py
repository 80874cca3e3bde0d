from __future__ import annotations

import csv
import io
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from making import cut, make_video, probe_times_ms, run
from PIL import Image

from mitate.kernels.borders import Rect
from mitate.kernels.decode import Limits, open_media
from mitate.kernels.errors import InvalidArgument, InvalidMedia
from mitate.kernels.runs import run_starts
from mitate.kernels.sign import SignatureStream, sign
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive
from mitate.kernels.views import picture_views

H264 = ("-c:v", "libx264", "-preset", "veryfast")
SMALL = "testsrc2=s=160x90:r=25:d=1"


def assert_same(one: Signature, other: Signature) -> None:
    for field in fields(Signature):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_golden_pictures_have_their_golden_descriptors(golden: Path) -> None:
    with open(golden / "descriptors.tsv", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            views = picture_views(golden / "png" / row["png"], keep_borders=True)
            expected = [int(number) for number in row["mean_first_33"].split(",")]
            assert views.layouts[0].tolist() == expected, row["png"]


def test_a_picture_is_an_image_with_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (90, 160, 3)).astype(np.uint8)).save(path)
    signature = sign(path)
    assert (signature.kind, signature.n_frames, signature.n_kept) == ("image", 1, 1)
    assert (signature.duration_ms, signature.times_ms.tolist()) == (0, [0])
    views = picture_views(path.read_bytes())
    np.testing.assert_array_equal(signature.layouts, views.layouts[:1])
    np.testing.assert_array_equal(signature.mirrored, views.layouts[1:2])
    np.testing.assert_array_equal(signature.quality, views.quality[:1])


def framed() -> bytes:
    """Return a drawing with a white mat around it."""
    canvas = np.full((200, 300, 3), 255, np.uint8)
    canvas[40:160, 60:260] = np.random.default_rng(1).integers(0, 200, (120, 200, 3))
    buffer = io.BytesIO()
    Image.fromarray(canvas).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_with_a_border_has_inner_views() -> None:
    views = picture_views(framed())
    assert views.names[:4] == ("full", "full-mirrored", "inner", "inner-mirrored")
    assert views.rects[2:4] == (Rect(60, 40, 260, 160),) * 2
    assert (views.width, views.height) == (300, 200)
    kept = picture_views(framed(), keep_borders=True, level="fast")
    assert kept.names == ("full", "full-mirrored")


def test_the_mirrored_view_is_that_of_the_mirrored_picture() -> None:
    mirrored = io.BytesIO()
    Image.open(io.BytesIO(framed())).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
        mirrored, "PNG"
    )
    one, other = picture_views(framed()), picture_views(mirrored.getvalue())
    np.testing.assert_array_equal(one.layouts[3], other.layouts[2])


def test_equal_neighbours_are_kept_once(ffmpeg: str, tmp_path: Path) -> None:
    slow = "testsrc2=s=160x90:r=5:d=2,fps=25"
    signature = sign(make_video(ffmpeg, tmp_path / "slow.mkv", "-c:v", "ffv1", source=slow))
    assert signature.n_frames == 50
    assert signature.kept_first.tolist() == list(range(0, 50, 5))
    assert signature.times_ms.tolist() == list(range(0, 2000, 40))


def test_chunks_join_to_the_signature_without_seams(ffmpeg: str, tmp_path: Path) -> None:
    slow = "testsrc2=s=64x64:r=2:d=12,fps=25"
    path = make_video(ffmpeg, tmp_path / "slow.mkv", "-c:v", "ffv1", source=slow)
    with SignatureStream(path) as stream:
        chunks = list(stream)
    assert [len(chunk.times_ms) for chunk in chunks] == [256, 44]
    assert stream.duration_ms == 12_000
    kept = np.concatenate([chunk.kept_first for chunk in chunks])
    np.testing.assert_array_equal(kept, sign(path).kept_first)
    assert len(kept) == 24


def test_the_border_of_a_video_is_left_out(ffmpeg: str, tmp_path: Path) -> None:
    drawn = "testsrc2=s=160x90:r=25:d=1,noise=alls=60:all_seed=1"
    source = f"{drawn},pad=160:120:0:16"
    plain = sign(make_video(ffmpeg, tmp_path / "p.mkv", "-c:v", "ffv1", source=drawn))
    padded = sign(make_video(ffmpeg, tmp_path / "b.mkv", "-c:v", "ffv1", source=source))
    assert padded.rect == Rect(0, 16, 160, 106)
    np.testing.assert_array_equal(padded.layouts, plain.layouts)


def test_a_turned_video_is_described_upright(ffmpeg: str, tmp_path: Path) -> None:
    plain = make_video(ffmpeg, tmp_path / "plain.mp4", *H264)
    turned, shown = tmp_path / "turned.mp4", tmp_path / "shown.png"
    run(ffmpeg, "-i", str(plain), "-c", "copy", "-metadata:s:v:0", "rotate=90", str(turned))
    run(ffmpeg, "-i", str(turned), "-frames:v", "1", str(shown))
    difference = sign(turned).layouts[0].astype(int) - picture_views(shown).layouts[0]
    assert np.abs(difference).max() <= 2
    assert np.abs(sign(plain).layouts[0].astype(int) - sign(turned).layouts[0]).max() > 5


def test_threads_do_not_change_the_signature(ffmpeg: str, tmp_path: Path) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264, "-bf", "2", "-g", "12")
    assert_same(sign(path), sign(path, threads=3))


def test_a_file_cut_short_is_partial(ffmpeg: str, tmp_path: Path) -> None:
    whole = make_video(ffmpeg, tmp_path / "w.mkv", *H264, source="testsrc2=s=160x90:r=25:d=3")
    signature = sign(cut(whole, tmp_path / "c.mkv"))
    assert signature.partial
    np.testing.assert_array_equal(signature.times_ms[:30], sign(whole).times_ms[:30])


def test_progress_tells_frames_time_and_duration(ffmpeg: str, tmp_path: Path) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264)
    told: list[tuple[int, int, int]] = []
    sign(path, progress=lambda *numbers: told.append(numbers))
    assert told == [(25, 960, 1000)]


def test_a_limit_reached_on_the_way_is_an_error(ffmpeg: str, tmp_path: Path) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mkv", *H264)
    with pytest.raises(InvalidMedia, match="more than 20 frames"):
        sign(path, limits=Limits(max_frames=20))


def test_decord_comes_close_and_names_its_own_preprocessing(ffmpeg: str, tmp_path: Path) -> None:
    pytest.importorskip("decord")
    path = make_video(ffmpeg, tmp_path / "v.mp4", *H264, "-bf", "2")
    ours, theirs = sign(path), sign(path, backend="decord")
    assert (ours.preprocessing_version, theirs.preprocessing_version) == (
        "planes/1",
        "decord-rgb/1",
    )
    np.testing.assert_allclose(theirs.times_ms, ours.times_ms, atol=1)
    frames = np.arange(ours.n_frames)
    difference = (
        theirs.layouts[theirs.kept_of(frames)].astype(int) - ours.layouts[ours.kept_of(frames)]
    )
    assert np.abs(difference).max() <= 3
    with pytest.raises(InvalidMedia, match="more than 20 frames"):
        sign(path, backend="decord", limits=Limits(max_frames=20))


def test_decord_refuses_what_is_no_video(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    path = tmp_path / "text.mp4"
    path.write_text("text" * 100)
    with pytest.raises(InvalidMedia, match="not a video that decord can read"):
        open_media(path, backend="decord")


REAL = ["vdf_dog.1.mp4", "berteh_ECMusicG__ecmg.avi", "blupi_play101.mkv", "nasa_13013.mp4"]


@pytest.mark.parametrize("name", REAL)
def test_real_clips_have_the_frames_and_times_of_ffprobe(
    name: str, clips: Path, ffmpeg: str
) -> None:
    signature = sign(clips / name)
    expected = probe_times_ms(clips / name)
    np.testing.assert_allclose(signature.times_ms, expected, atol=0.51)
    assert not signature.partial


def test_the_bars_of_real_clips_are_found(clips: Path) -> None:
    with SignatureStream(clips / "chaplin_moviepy.mp4") as stream:
        assert stream.rect == Rect(72, 0, 568, 360)
    with SignatureStream(clips / "pennychip_locomotive.mp4") as stream:
        assert stream.rect == Rect(0, 0, 1280, 720)


def test_runs_windows_and_thumbnails_follow_the_picture(ffmpeg: str, tmp_path: Path) -> None:
    moving = "testsrc2=s=160x90:r=25:d=12"
    path = make_video(ffmpeg, tmp_path / "v.mkv", "-c:v", "ffv1", source=moving)
    signature = sign(path)
    assert signature.run_first[0] == 0
    assert 1 < len(signature.run_first) <= signature.n_kept
    vectors = derive(signature.layouts)
    np.testing.assert_array_equal(signature.run_first, run_starts(vectors))
    assert len(signature.windows) == len(signature.thumbnails) == len(signature.run_first)
    assert signature.thumbnails.std() > 20


def test_luma_grids_show_every_frame_and_follow_a_still_picture_once(
    ffmpeg: str, tmp_path: Path
) -> None:
    moving = "testsrc2=s=160x90:r=25:d=12"
    path = make_video(ffmpeg, tmp_path / "v.mkv", "-c:v", "ffv1", source=moving)
    signature = sign(path)
    raw = run(ffmpeg, "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray", "-")
    frames = np.frombuffer(raw, np.uint8).reshape(-1, 10, 9, 16, 10).mean(axis=(2, 4))
    shown = signature.lumas[signature.luma_of(np.arange(signature.n_frames))].astype(np.int64)
    assert np.abs(shown - frames).max() < 12  # gray here is of the range that video has
    assert np.corrcoef(shown.ravel(), frames.ravel())[0, 1] > 0.999
    codec = ("-c:v", "libx264", "-crf", "28")
    still = make_video(ffmpeg, tmp_path / "s.mkv", *codec, source="smptebars=s=160x90:r=25:d=12")
    assert len(sign(still).lumas) <= 3
    picture = make_video(ffmpeg, tmp_path / "p.png", "-frames:v", "1")
    assert len(sign(picture).lumas) == 0


def test_sampled_frames_keep_their_times_and_descriptors(ffmpeg: str, tmp_path: Path) -> None:
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-sc_threshold", "0", "-bf", "2")
    path = make_video(ffmpeg, tmp_path / "v.mp4", *codec, source="testsrc2=s=160x90:r=25:d=2")
    every_frame = sign(path)
    for sampled, numbers in (
        (sign(path, every=7), range(0, 50, 7)),
        (sign(path, keys_only=True), range(0, 50, 10)),
        (sign(path, keys_only=True, every=2), range(0, 50, 20)),
    ):
        assert sampled.times_ms.tolist() == [40 * number for number in numbers]
        assert sampled.duration_ms == every_frame.duration_ms == 2000
        assert not sampled.partial
        got = sampled.layouts[sampled.kept_of(np.arange(sampled.n_frames))]
        want = every_frame.layouts[every_frame.kept_of(np.array(numbers))]
        np.testing.assert_array_equal(got, want)


def test_sampling_that_cannot_be_is_refused(ffmpeg: str, tmp_path: Path) -> None:
    path = make_video(ffmpeg, tmp_path / "v.mp4")
    with pytest.raises(InvalidArgument, match="every is 0; at least 1 is allowed"):
        sign(path, every=0)
    with pytest.raises(InvalidArgument, match="backend decord decodes all frames"):
        sign(path, backend="decord", keys_only=True)
