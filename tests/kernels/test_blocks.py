from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitate.kernels.blocks import cell_counts, cell_means, cell_sums, cell_sums_numpy, edges


@st.composite
def planes(draw: st.DrawFn) -> tuple[npt.NDArray[Any], tuple[int, int, int, int], int]:
    channels = draw(st.sampled_from([1, 2, 3, 4]))
    width, height = draw(st.integers(0, 70)), draw(st.integers(0, 70))
    stride = width * channels + draw(st.integers(0, 40))
    dtype, largest = draw(st.sampled_from([("u1", 255), ("u2", 65535)]))
    seed = draw(st.integers(0, 1000))
    plane = np.random.default_rng(seed).integers(0, largest + 1, (height, stride)).astype(dtype)
    left, right = sorted([draw(st.integers(0, width)), draw(st.integers(0, width))])
    top, bottom = sorted([draw(st.integers(0, height)), draw(st.integers(0, height))])
    return plane, (left, top, right, bottom), channels


@settings(deadline=None)
@given(planes(), st.integers(1, 33), st.integers(1, 33))
def test_compiled_and_numpy_sums_are_equal(
    case: tuple[npt.NDArray[Any], tuple[int, int, int, int], int], rows: int, cols: int
) -> None:
    plane, rect, channels = case
    compiled = cell_sums(plane, *rect, rows, cols, channels)
    assert np.array_equal(compiled, cell_sums_numpy(plane, *rect, rows, cols, channels))
    inside = plane[rect[1] : rect[3], rect[0] * channels : rect[2] * channels]
    assert compiled.sum() == inside.sum(dtype=np.int64)


@settings(deadline=None)
@given(planes())
def test_a_rectangle_has_the_sums_of_the_picture_cropped_to_it(
    case: tuple[npt.NDArray[Any], tuple[int, int, int, int], int],
) -> None:
    plane, (left, top, right, bottom), channels = case
    cropped = np.ascontiguousarray(plane[top:bottom, left * channels : right * channels])
    whole = (0, 0, right - left, bottom - top)
    assert np.array_equal(
        cell_sums(plane, left, top, right, bottom, 8, 8, channels),
        cell_sums(cropped, *whole, 8, 8, channels),
    )


@given(st.integers(0, 5000), st.integers(1, 64))
def test_sample_x_belongs_to_cell_floor_of_x_times_cells_by_length(length: int, cells: int) -> None:
    sides = np.diff(edges(length, cells))
    owner = np.arange(length) * cells // max(length, 1)
    assert np.array_equal(sides, np.bincount(owner, minlength=cells))


@settings(deadline=None)
@given(planes())
def test_sums_of_fine_cells_add_up_to_sums_of_coarse_cells(
    case: tuple[npt.NDArray[Any], tuple[int, int, int, int], int],
) -> None:
    plane, rect, channels = case
    fine = cell_sums(plane, *rect, 32, 32, channels).reshape(8, 4, 8, 4, channels).sum(axis=(1, 3))
    assert np.array_equal(fine, cell_sums(plane, *rect, 8, 8, channels).reshape(8, 8, channels))


def test_large_sums_do_not_overflow() -> None:
    plane = np.full((140_000, 3), 65535, np.uint16)
    assert cell_sums(plane, 0, 0, 3, 140_000, 1, 1)[0, 0] == 3 * 140_000 * 65535


def test_read_only_buffers_are_summed() -> None:
    plane = np.frombuffer(bytes(range(64)), np.uint8).reshape(8, 8)
    assert np.array_equal(cell_sums(plane, 0, 0, 8, 8, 8, 8), plane)


def test_cells_without_samples_have_no_mean() -> None:
    plane = np.full((3, 2), 7, np.uint8)
    means = cell_means(cell_sums(plane, 0, 0, 2, 3, 8, 8), cell_counts(2, 3, 8, 8))
    assert np.count_nonzero(~np.isnan(means)) == 6
    assert (means[~np.isnan(means)] == 7.0).all()


@pytest.mark.parametrize(
    ("plane", "rect", "text"),
    [
        (np.zeros((4, 4), np.float32), (0, 0, 4, 4), "float32; uint8 and uint16"),
        (np.zeros((4, 4), ">u2"), (0, 0, 4, 4), "uint8 and uint16"),
        (np.zeros((4, 8), np.uint8)[:, :4], (0, 0, 4, 4), "C-contiguous"),
        (np.zeros((4, 4, 3), np.uint8), (0, 0, 4, 4), "2-D"),
        (np.zeros((4, 4), np.uint8), (0, 0, 5, 4), r"\(0, 0, 5, 4\) is not within .* 4x4"),
        (np.zeros((4, 4), np.uint8), (3, 0, 2, 4), "not within"),
    ],
)
def test_planes_that_cannot_be_summed_are_refused(
    plane: npt.NDArray[Any], rect: tuple[int, int, int, int], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        cell_sums(plane, *rect, 8, 8)


def test_an_empty_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="grid of 0 x 8 x 1"):
        cell_sums(np.zeros((4, 4), np.uint8), 0, 0, 4, 4, 0, 8)
