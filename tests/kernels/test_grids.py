from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from mitate.kernels.borders import Rect
from mitate.kernels.colour import Colour, rgb_means
from mitate.kernels.decode import Picture, Plane
from mitate.kernels.grids import Grids, scale_rect

YUV = Colour("yuv", "bt709", full_range=False)


def padded(samples: npt.NDArray[np.uint8], padding: int = 5) -> Plane:
    buffer = np.pad(samples, ((0, 0), (0, padding)), constant_values=99)
    return Plane(np.ascontiguousarray(buffer), samples.shape[1])


def yuv_picture(
    width: int, height: int, seed: int = 0, rotation: int = 0, step: int = 2
) -> Picture:
    rng = np.random.default_rng(seed)
    small = (-(-height // step), -(-width // step))
    shapes = [(height, width), small, small]
    planes = tuple(padded(rng.integers(0, 256, shape).astype(np.uint8)) for shape in shapes)
    return Picture(planes, YUV, width, height, 0, rotation)


def cell_means(samples: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    height, width = samples.shape
    rows, cols = np.arange(height) * 8 // height, np.arange(width) * 8 // width
    return np.array(
        [[samples[np.ix_(rows == r, cols == c)].mean() for c in range(8)] for r in range(8)]
    )


def plain_means(picture: Picture, rect: Rect) -> npt.NDArray[np.float64]:
    cells = []
    for plane in picture.planes:
        step = -(-picture.width // plane.width)
        part = plane.buffer[:, : plane.width]
        part = part[rect.top // step : -(-rect.bottom // step)]
        cells.append(cell_means(part[:, rect.left // step : -(-rect.right // step)]))
    return rgb_means(np.stack(cells, axis=2), picture.colour)


@pytest.mark.parametrize(("width", "height"), [(64, 48), (101, 57), (17, 23)])
def test_means_are_those_of_each_plane_on_its_own(width: int, height: int) -> None:
    picture, rect = yuv_picture(width, height), Rect(0, 0, width, height)
    grids = Grids(4)
    grids.add(picture, rect)
    np.testing.assert_allclose(grids.rgb_means()[0], plain_means(picture, rect))


def test_only_the_part_within_the_border_counts() -> None:
    picture, rect = yuv_picture(96, 80), Rect(16, 8, 80, 72)
    grids = Grids(1)
    grids.add(picture, rect)
    np.testing.assert_allclose(grids.rgb_means()[0], plain_means(picture, rect))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_the_grid_is_turned_and_not_the_picture(rotation: int) -> None:
    grids, rect = Grids(2), Rect(0, 0, 64, 48)
    grids.add(yuv_picture(64, 48), rect)
    grids.add(yuv_picture(64, 48, rotation=rotation), rect)
    upright, turned = grids.rgb_means()
    np.testing.assert_array_equal(turned, np.rot90(upright, rotation // 90))


def test_pictures_of_different_sizes_and_colours_share_a_chunk() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    packed = Picture((Plane(rgb.reshape(40, 120), 40, channels=3),), Colour("rgb"), 40, 40, 0)
    grey = Picture((padded(rgb[:, :, 0].copy()),), Colour("grey"), 40, 40, 0)
    pictures = [yuv_picture(64, 48), packed, yuv_picture(32, 24, step=1), grey, packed]
    together, alone = Grids(8), []
    for picture in pictures:
        rect, single = Rect(0, 0, picture.width, picture.height), Grids(1)
        together.add(picture, rect)
        single.add(picture, rect)
        alone.append(single.rgb_means()[0])
    assert len(together) == 5
    np.testing.assert_array_equal(together.rgb_means(), np.stack(alone))


def test_cleared_grids_start_anew() -> None:
    grids, rect = Grids(1), Rect(0, 0, 64, 48)
    for seed in range(3):
        picture = yuv_picture(64, 48, seed)
        grids.add(picture, rect)
        np.testing.assert_allclose(grids.rgb_means()[0], plain_means(picture, rect))
        grids.clear()
    assert len(grids) == 0


def test_cells_without_samples_have_no_mean() -> None:
    grids = Grids(1)
    grids.add(yuv_picture(5, 20, step=1), Rect(0, 0, 5, 20))
    assert np.isnan(grids.rgb_means()).any(axis=(0, 1, 3)).sum() == 3


def test_a_rect_follows_the_size_of_the_picture() -> None:
    picture = yuv_picture(320, 180)
    assert scale_rect(Rect(0, 20, 640, 340), 640, 360, picture) == Rect(0, 10, 320, 170)
    assert scale_rect(Rect(0, 20, 320, 160), 320, 180, picture) == Rect(0, 20, 320, 160)


def test_sums_of_more_than_32_bits_are_exact() -> None:
    white = np.full((1, 80 * 70000), 65535, np.uint16)
    wide = Picture((Plane(white, 80 * 70000),), Colour("grey", depth=16), 80 * 70000, 1, 0)
    grids = Grids(2)
    grids.add(yuv_picture(64, 48), Rect(0, 0, 64, 48))
    before = grids.rgb_means(Rect(8, 8, 72, 72))[0]
    grids.add(wide, Rect(0, 0, 80 * 70000, 1))
    np.testing.assert_array_equal(grids.rgb_means(Rect(8, 8, 72, 72))[0], before)
    np.testing.assert_array_equal(grids.rgb_means(Rect(0, 0, 80, 80), 1, 1)[1], 255.0)


@pytest.mark.parametrize("rotation", [0, 90])
def test_blocks_of_the_whole_are_sums_of_fine_cells(rotation: int) -> None:
    grids = Grids(1)
    grids.add(yuv_picture(101, 57, rotation=rotation), Rect(0, 0, 101, 57))
    whole = grids.rgb_means()[0]
    corner = grids.rgb_means(Rect(0, 0, 40, 40), 4, 4)[0]
    np.testing.assert_array_equal(whole[:4, :4], corner)
