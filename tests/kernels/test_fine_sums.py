from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mitate.kernels.blocks import cell_sums_numpy
from mitate.kernels.borders import Rect
from mitate.kernels.fine_sums import PlaneSums

CELLS, BLOCKS = 80, 8


def sums_of(
    plane: np.ndarray, part: Rect, cells: int = CELLS
) -> tuple[np.ndarray, np.ndarray, PlaneSums]:
    fine, coarse = np.full((cells, cells), 7, np.uint32), np.full((BLOCKS, BLOCKS), 7, np.int64)
    sums = PlaneSums(plane, part, cells)
    sums.add(plane, fine, coarse)
    return fine, coarse, sums


def check(plane: np.ndarray, part: Rect) -> None:
    fine, coarse, _ = sums_of(plane, part)
    np.testing.assert_array_equal(fine, cell_sums_numpy(plane, *part, CELLS, CELLS))
    np.testing.assert_array_equal(coarse, cell_sums_numpy(plane, *part, BLOCKS, BLOCKS))


# 1 and 3 columns for each cell times a power of two, and widths that no such number divides
@pytest.mark.parametrize("width", [80, 160, 240, 320, 480, 640, 960, 1280, 1920, 854, 427, 720])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_common_widths_have_the_sums_of_plain_numpy(
    width: int, dtype: type[np.uint8 | np.uint16]
) -> None:
    rng = np.random.default_rng(width)
    plane = rng.integers(0, np.iinfo(dtype).max + 1, (91, width + 32)).astype(dtype)
    check(plane, Rect(0, 0, width, 91))


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.integers(1, 400), st.integers(1, 200)),
    st.tuples(*[st.floats(0, 1)] * 4),
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(0, 2**32 - 1),
)
def test_any_part_of_any_plane_has_the_sums_of_plain_numpy(
    size: tuple[int, int], part: tuple[float, ...], dtype: type[np.uint8 | np.uint16], seed: int
) -> None:
    width, height = size
    left, right = sorted(round(width * share) for share in part[:2])
    top, bottom = sorted(round(height * share) for share in part[2:])
    plane = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (height, width + 3))
    check(plane.astype(dtype), Rect(left, top, right, bottom))


@pytest.mark.parametrize("lines", [257 * 80, 258 * 80])
def test_cells_of_many_white_lines_do_not_overflow(lines: int) -> None:
    check(np.full((lines, 80), 255, np.uint8), Rect(0, 0, 80, lines))


def test_sums_that_need_more_than_32_bits_are_told() -> None:
    wide = np.zeros((1, 80 * 65537), np.uint16)
    assert PlaneSums(wide, Rect(0, 0, 80 * 65537, 1), CELLS).fits_32_bits
    assert not PlaneSums(
        np.zeros((1, 80 * 65538), np.uint16), Rect(0, 0, 80 * 65538, 1), 80
    ).fits_32_bits
    assert not PlaneSums(
        np.zeros((2, 80 * 65537), np.uint16), Rect(0, 0, 80 * 65537, 2), 1
    ).fits_32_bits


def test_a_part_outside_the_plane_is_refused() -> None:
    with pytest.raises(ValueError, match="is not within a plane of 8x8 samples"):
        PlaneSums(np.zeros((8, 8), np.uint8), Rect(0, 0, 9, 8), CELLS)
    signed: Any = np.zeros((8, 8), np.int32)
    with pytest.raises(ValueError, match="uint8 and uint16 are allowed"):
        PlaneSums(signed, Rect(0, 0, 8, 8), CELLS)
