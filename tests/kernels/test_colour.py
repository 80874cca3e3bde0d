from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mitate.kernels.colour import Colour, Matrix, default_matrix, native_scale, rgb_means

Floats = npt.NDArray[np.float64]

# Studio-range Y, Cb, Cr of full red, green, blue (ITU-R BT.601, BT.709 and BT.2020, 8 bits).
PRIMARIES: dict[Matrix, list[list[float]]] = {
    "bt601": [[81.481, 90.203, 240.0], [144.553, 53.797, 34.214], [40.966, 240.0, 109.786]],
    "bt709": [[62.559, 102.336, 240.0], [172.629, 41.664, 26.170], [31.812, 240.0, 117.730]],
    "bt2020": [[73.531, 96.722, 240.0], [164.482, 47.278, 25.009], [28.987, 240.0, 118.991]],
}


def converted(samples: list[float], colour: Colour) -> list[float]:
    return list(rgb_means(np.array(samples, np.float64), colour).round(2).tolist())


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
@pytest.mark.parametrize("depth", [8, 10, 12])
def test_studio_primaries_become_full_primaries(matrix: Matrix, depth: int) -> None:
    samples = np.array(PRIMARIES[matrix]) * 2 ** (depth - 8)
    rgb = rgb_means(samples, Colour("yuv", matrix, full_range=False, depth=depth))
    assert np.abs(rgb - 255.0 * np.eye(3)).max() < 0.01


@pytest.mark.parametrize(
    ("samples", "colour", "rgb"),
    [
        ([16, 128, 128], Colour("yuv", "bt709", full_range=False), [0, 0, 0]),
        ([235, 128, 128], Colour("yuv", "bt709", full_range=False), [255, 255, 255]),
        ([0, 128, 128], Colour("yuv", "bt601"), [0, 0, 0]),
        ([255, 128, 128], Colour("yuv", "bt601"), [255, 255, 255]),
        ([1023, 512, 512], Colour("yuv", "bt601", depth=10), [255, 255, 255]),
        ([254, 128, 128], Colour("yuv", "bt709", full_range=False), [255, 255, 255]),
        ([4, 128, 128], Colour("yuv", "bt709", full_range=False), [0, 0, 0]),
        ([1.5, 2.25, 255], Colour("rgb"), [1.5, 2.25, 255]),
        ([65535, 0, 257], Colour("rgb", depth=16), [255, 0, 1]),
        ([77], Colour("grey"), [77, 77, 77]),
        ([16, 0, 0], Colour("grey", full_range=False), [0, 0, 0]),
    ],
)
def test_levels_become_full_range_rgb(
    samples: list[float], colour: Colour, rgb: list[float]
) -> None:
    assert converted(samples, colour) == rgb


def test_rgb_of_eight_bits_is_left_as_it_is() -> None:
    means = np.random.default_rng(0).random((3, 8, 8, 3)) * 255.0
    assert np.array_equal(rgb_means(means, Colour("rgb")), means)


def test_blocks_without_samples_stay_empty() -> None:
    assert np.isnan(rgb_means(np.full((8, 8, 3), np.nan), Colour("yuv"))).all()


def test_videos_that_name_no_matrix_have_that_of_their_size() -> None:
    assert (default_matrix(719), default_matrix(720)) == ("bt601", "bt709")


def by_operations(means: Floats, colour: Colour) -> Floats:
    """The conversion, one NumPy operation after the other."""
    scale = native_scale(colour)
    luma = (means[..., 0] - scale.luma_offset) * scale.luma_scale
    cb, cr = ((means[..., i] - scale.chroma_offset) * scale.chroma_scale for i in (1, 2))
    red = luma + scale.red_cr * cr
    blue = luma + scale.blue_cb * cb
    green = (luma - scale.k_red * red - scale.k_blue * blue) / scale.k_green
    return np.stack((red, green, blue), axis=-1).clip(0.0, 255.0)


@given(
    arrays(np.float64, (3, 4, 3), elements=st.floats(0, 4095) | st.just(np.nan)),
    st.sampled_from(["bt601", "bt709", "bt2020"]),
    st.booleans(),
    st.sampled_from([8, 10, 12]),
)
def test_every_operation_rounds_once_and_nothing_is_contracted(
    means: Floats, matrix: Matrix, full_range: bool, depth: int
) -> None:
    colour = Colour("yuv", matrix, full_range, depth)
    for given_means in (means, means.transpose(1, 0, 2)):
        expected = by_operations(given_means, colour)
        assert np.array_equal(rgb_means(given_means, colour), expected, equal_nan=True)
