from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pictures import means_of, scene

from mitate.kernels.distance import squared_l2
from mitate.kernels.layout import LARGEST, dequantise_ac, describe, mirror_layouts
from mitate.kernels.vector import MAX_DISTANCE, N_DIMS, derive, similarity, similarity_of

layouts = arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(33)), elements=st.integers(0, 63))


def scenes(count: int) -> npt.NDArray[np.float64]:
    return np.concatenate([means_of(scene(seed)) for seed in range(count)])


def vectors(means: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    return derive(describe(np.clip(means, 0.0, 255.0)))


def nearest_other(all_vectors: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    distances = squared_l2(all_vectors[:, None], all_vectors)
    np.fill_diagonal(distances, MAX_DISTANCE)
    nearest: npt.NDArray[np.int32] = distances.min(axis=1)
    return nearest


@given(layouts)
def test_vectors_are_int8_and_no_two_are_farther_apart_than_the_maximum(
    found: npt.NDArray[np.uint8],
) -> None:
    got = derive(np.minimum(found, LARGEST))
    assert got.dtype == np.int8
    assert got.shape == (len(found), N_DIMS)
    assert (got[:, 30:] == 0).all()
    assert squared_l2(got[:, None], -got).max() <= MAX_DISTANCE


def test_brightness_contrast_and_saturation_move_a_vector_little() -> None:
    means = scenes(30)
    grey = means.mean(axis=-1, keepdims=True)
    plain = vectors(means)
    for changed in (means + 15.0, means * 0.8, means * 0.8 + 25.0, grey + (means - grey) * 0.7):
        moved = squared_l2(plain, vectors(changed))
        assert (moved < nearest_other(plain) / 5).mean() > 0.95


def test_dc_values_do_not_matter() -> None:
    found = describe(scenes(5))
    other = found.copy()
    other[:, [0, 21, 27]] = 5
    assert np.array_equal(derive(found), derive(other))


def test_a_mirrored_descriptor_has_the_vector_with_odd_frequencies_negated() -> None:
    found = describe(scenes(5))
    plain, mirrored = derive(found), derive(mirror_layouts(found))
    assert np.array_equal(np.abs(plain), np.abs(mirrored))
    assert np.array_equal(
        np.abs(dequantise_ac(found)), np.abs(dequantise_ac(mirror_layouts(found)))
    )
    # The first two coefficients of each channel: one period across, and one down.
    for across in (0, 20, 25):
        assert np.array_equal(mirrored[:, across], -plain[:, across])
        assert np.array_equal(mirrored[:, across + 1], plain[:, across + 1])


def test_the_rule_gives_these_numbers() -> None:
    found = np.array([[32, *range(1, 21), 32, 0, 31, 16, 15, 20, 32, 8, 24, 16, 16, 16]], np.uint8)
    luma = [-64, -54, -44, -37, -32, -27, -22, -18, -16, -14, -11, -9, -6, -4, -1, 1, 4, 6, 9, 11]
    assert derive(found).tolist() == [[*luma, -25, 25, 0, 0, 4, -6, 7, 0, 0, 0, 0, 0]]


def test_similarity_falls_from_one_to_zero() -> None:
    got = similarity(np.arange(0, MAX_DISTANCE, 50))
    assert got[0] == 1.0
    assert got[-1] == 0.0
    assert (np.diff(got) <= 0).all()


def test_the_similarity_of_one_distance_is_that_of_an_array() -> None:
    distances = np.array([0.0, 1.0, 5_000.0, 12_345.6, 30_000.0, 1e6])
    assert [similarity_of(float(one)) for one in distances] == similarity(distances).tolist()
