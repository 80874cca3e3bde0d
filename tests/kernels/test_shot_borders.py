"""What lies within the borders of single shots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from making import make_video, run

from mitate.kernels.layout import describe
from mitate.kernels.shot_borders import block_means, describe_inner, shot_edges
from mitate.kernels.sign import sign
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive

Floats = npt.NDArray[np.float64]
N_CELLS, FINER = 80, 10


def smooth(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A drawing without lines: a few waves."""
    y, x = np.mgrid[:height, :width]
    waves = [
        rng.uniform(20, 50) * np.sin(x * a / width + y * b / height + c)
        for a, b, c in rng.uniform(2, 9, (6, 3))
    ]
    grey = 150 + np.sum(waves, axis=0) / 2
    coloured: Floats = (grey[..., None] * rng.uniform(0.6, 1.2, 3)).clip(40, 255)
    return coloured


def cells_of(pixels: Floats) -> Floats:
    """Means of the cells of pictures, (n, 800, 800, 3)."""
    n = len(pixels)
    means: Floats = pixels.reshape(n, N_CELLS, FINER, N_CELLS, FINER, 3).mean(axis=(2, 4))
    return means


def framed(content: Floats, left: int, top: int, colour: float = 0.0) -> Floats:
    """A picture of 800x800 with the content in it, (1, 800, 800, 3)."""
    canvas = np.full((1, N_CELLS * FINER, N_CELLS * FINER, 3), colour)
    canvas[0, top : top + content.shape[0], left : left + content.shape[1]] = content
    return canvas


def layouts_of(cells: Floats) -> npt.NDArray[np.uint8]:
    return describe(cells.reshape(len(cells), 8, 10, 8, 10, 3).mean(axis=(2, 4)))


@pytest.mark.parametrize("left", [45, 73, 97, 100, 104, 131, 250])
@pytest.mark.parametrize("colour", [0.0, 255.0])
def test_bars_are_found_to_a_fraction_of_a_cell(left: int, colour: float) -> None:
    content = smooth(np.random.default_rng(left), 800, 800 - 2 * left) * 0.8
    cells = cells_of(framed(content, left, 0, colour))
    found = shot_edges(cells, layouts_of(cells))[0] * 800
    assert found == pytest.approx([left, 0, 800 - left, 800], abs=2)


def test_what_is_inside_is_described_as_if_it_stood_alone() -> None:
    rng = np.random.default_rng(4)
    content = smooth(rng, 560, 600)
    cells = cells_of(framed(content, 100, 120))
    inner = describe_inner(cells, layouts_of(cells))
    assert inner.frames.tolist() == [0]
    alone = content[None].reshape(1, 8, 70, 8, 75, 3).mean(axis=(2, 4))
    apart = derive(inner.layouts).astype(int) - derive(describe(alone)).astype(int)
    assert (apart**2).sum() < 40
    mirrored = derive(inner.mirrored).astype(int) - derive(describe(alone[:, :, ::-1])).astype(int)
    assert (mirrored**2).sum() < 40


def test_a_full_picture_has_no_border() -> None:
    cells = cells_of(smooth(np.random.default_rng(2), 800, 800)[None])
    assert shot_edges(cells, layouts_of(cells)).tolist() == [[0, 0, 1, 1]]


def test_a_dark_side_without_a_straight_edge_is_no_border() -> None:
    picture = smooth(np.random.default_rng(3), 800, 800)
    fade = np.clip((np.arange(800) - 100) / 500, 0, 1)[None, :, None]
    cells = cells_of((picture * fade)[None])
    assert shot_edges(cells, layouts_of(cells))[0, 0] == 0


def test_frames_of_a_shot_must_agree() -> None:
    rng = np.random.default_rng(5)
    dark = framed(smooth(rng, 800, 600), 100, 0)
    bright = dark.copy()
    bright[0, 200:600, :100] = 90.0  # something comes into the dark part
    cells = cells_of(np.concatenate([dark, bright]))
    found = shot_edges(cells, np.repeat(layouts_of(cells)[:1], 2, axis=0))
    assert found[:, 0].tolist() == [0, 0]
    assert found[0, 2] == pytest.approx(0.875, abs=0.003)


def test_a_logo_on_one_bar_leaves_it_a_bar() -> None:
    picture = framed(smooth(np.random.default_rng(6), 800, 600), 100, 0)
    picture[0, 40:200, 730:790] = 230.0
    found = shot_edges(cells_of(picture), layouts_of(cells_of(picture)))[0] * 800
    assert found == pytest.approx([100, 0, 700, 800], abs=3)


def test_a_covered_side_is_no_bar_without_its_like_on_the_other() -> None:
    picture = smooth(np.random.default_rng(6), 800, 800)[None]
    picture[0, :500, :100] = 0.0
    cells = cells_of(picture)
    assert shot_edges(cells, layouts_of(cells)).tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("dark", [1.0, 0.02])  # the other shot; a dark one has plain outer lines
def test_a_shot_between_bars_may_fade_into_one_without(dark: float) -> None:
    rng = np.random.default_rng(8)
    barred = framed(smooth(rng, 800, 600), 100, 0)
    full = smooth(rng, 800, 800)[None] * dark
    shares = np.concatenate([np.zeros(20), np.linspace(0.1, 0.9, 5), np.ones(15)])
    cells = cells_of(barred) + shares[:, None, None, None] * cells_of(full - barred)
    same = np.repeat(layouts_of(cells)[:1], len(cells), axis=0)  # no frame jumps
    found = shot_edges(cells, same)
    assert found[0, 0] == pytest.approx(0.125, abs=0.003)
    assert (found[:10, 0] > 0.12).all()
    assert dark < 1 or (found[-8:, 0] == 0).all()


def test_a_caption_across_the_bars_leaves_them_bars() -> None:
    picture = framed(smooth(np.random.default_rng(6), 800, 600), 100, 0)
    picture[0, 730:770, 60:740] = 250.0
    cells = cells_of(picture)
    found = shot_edges(cells, layouts_of(cells))[0] * 800
    assert found == pytest.approx([100, 0, 700, 800], abs=3)


def written(words: Floats, moved: list[int]) -> Floats:
    """Cells of a shot that moves below a white band of 160 with words on it."""
    content = smooth(np.random.default_rng(8), 800, 800) * 0.7
    pixels = np.full((len(moved), 800, 800, 3), 255.0)
    for canvas, by in zip(pixels, moved, strict=True):
        canvas[160:] = np.roll(content, by, axis=1)[160:]
        canvas[40:80, 100:700] = canvas[100:120, 100:700] = words
    return cells_of(pixels)


def test_words_on_a_band_belong_to_it() -> None:
    words = np.random.default_rng(9).choice([0.0, 255.0], (600, 1))
    words = np.broadcast_to(words, (600, 3))
    cells = written(words[None], [0, 60, 120])
    for edges in shot_edges(cells, layouts_of(cells)):
        assert edges * 800 == pytest.approx([0, 160, 800, 800], abs=3)


def test_a_band_within_another_is_left_out_too() -> None:
    content = smooth(np.random.default_rng(4), 800, 500)
    grey = framed(content, 200, 0)
    grey[:, :, :100] = grey[:, :, 750:] = 16.0
    cells = cells_of(grey)
    assert shot_edges(cells, layouts_of(cells))[0] * 800 == pytest.approx([200, 0, 700, 800], abs=3)


def test_a_sky_that_grows_lighter_is_no_border() -> None:
    pixels = framed(smooth(np.random.default_rng(5), 500, 800) * 0.5, 0, 300)
    pixels[0, :300] = np.linspace(250, 180, 300)[:, None, None]
    cells = cells_of(pixels)
    assert shot_edges(cells, layouts_of(cells))[0].tolist() == [0, 0, 1, 1]


def test_whole_pictures_keep_their_means() -> None:
    cells = cells_of(smooth(np.random.default_rng(7), 800, 800)[None])
    means = block_means(cells, np.array([[0.0, 0.0, 1.0, 1.0]]))
    np.testing.assert_allclose(means, cells.reshape(1, 8, 10, 8, 10, 3).mean(axis=(2, 4)))


@pytest.fixture
def mixed(ffmpeg: str, tmp_path: Path) -> Signature:
    """A second between bars of 20 % each, then one that fills the frame."""
    codec = ("-c:v", "libx264", "-preset", "veryfast")
    bars = make_video(ffmpeg, tmp_path / "bars.mkv", *codec, source="testsrc2=s=192x180:r=25:d=1")
    full = make_video(
        ffmpeg, tmp_path / "full.mkv", "-t", "1", *codec, source="mandelbrot=s=320x180:r=25"
    )
    graph = "[0]pad=320:180:64:0[a];[1]trim=end=1[b];[a][b]concat"
    path = tmp_path / "mixed.mkv"
    run(ffmpeg, "-i", str(bars), "-i", str(full), "-filter_complex", graph, *codec, str(path))
    return sign(path)


def test_only_the_shot_between_bars_has_an_inner_picture(mixed: Signature, tmp_path: Path) -> None:
    times_ms = mixed.times_ms[mixed.kept_first[mixed.inner_kept]]
    assert len(times_ms) >= 20
    assert times_ms.max() < 1000
    alone = sign(tmp_path / "bars.mkv")
    of_alone = derive(alone.layouts)[alone.kept_of(np.arange(alone.n_frames))].astype(int)
    frames = mixed.kept_first[mixed.inner_kept]
    apart = ((derive(mixed.inner).astype(int) - of_alone[frames]) ** 2).sum(axis=1)
    assert np.median(apart) < 100


def test_a_part_of_a_signature_keeps_the_inner_pictures_of_its_frames(mixed: Signature) -> None:
    part = mixed.part(10, 40)
    whole = {
        int(mixed.kept_first[k]): row
        for k, row in zip(mixed.inner_kept, mixed.inner.tolist(), strict=True)
    }
    for kept, row in zip(part.inner_kept, part.inner.tolist(), strict=True):
        frame = int(part.kept_first[kept]) + 10
        assert whole[frame] == row
    assert 10 <= len(part.inner_kept) <= 15
