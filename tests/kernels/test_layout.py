from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pictures import means_of, scene
from PIL import Image

from mitate.kernels.layout import (
    LARGEST,
    coefficients,
    dequantise_ac,
    describe,
    mirror_layouts,
    mirror_means,
    quantise,
    restore,
)

ODD_FREQUENCY = [1, 4, 6, 8, 11, 13, 15, 17, 19, 22, 25, 28, 31]


def golden_layouts(golden: Path, column: str) -> dict[str, npt.NDArray[np.uint8]]:
    with (golden / "descriptors.tsv").open(newline="") as file:
        return {
            row["png"]: np.array(row[column].split(","), np.uint8)
            for row in csv.DictReader(file, delimiter="\t")
        }


def all_means(golden: Path) -> dict[str, npt.NDArray[np.float64]]:
    files = sorted((golden / "png").glob("*.png"))
    return {file.name: means_of(Image.open(file)) for file in files}


def test_every_golden_picture_has_the_mean_first_descriptor(golden: Path) -> None:
    wanted = golden_layouts(golden, "mean_first_33")
    got = {name: describe(means)[0] for name, means in all_means(golden).items()}
    assert len(got) == 36
    assert [name for name in wanted if not np.array_equal(got[name], wanted[name])] == []


def test_golden_pictures_are_within_one_of_lire(golden: Path) -> None:
    wanted = golden_layouts(golden, "lire_33")
    for name, means in all_means(golden).items():
        difference = describe(means)[0].astype(int) - wanted[name]
        assert np.abs(difference).max() <= 1, name


def test_a_batch_has_the_descriptors_of_its_pictures() -> None:
    means = np.concatenate([means_of(scene(seed)) for seed in range(20)])
    assert np.array_equal(describe(means), np.concatenate([describe(m[None]) for m in means]))


def test_no_pictures_have_no_descriptors() -> None:
    assert describe(np.empty((0, 8, 8, 3))).shape == (0, 33)


def test_means_of_another_grid_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 4, 4, 3\).*\(n, 8, 8, 3\)"):
        describe(np.zeros((1, 4, 4, 3)))


def test_black_and_white_have_the_published_descriptors() -> None:
    levels = np.array([0.0, 255.0])
    layouts = describe(np.broadcast_to(levels[:, None, None, None], (2, 8, 8, 3)))
    assert layouts[:, 0].tolist() == [2, 61]
    assert (layouts[:, [21, 27]] == 32).all()
    assert (np.delete(layouts, [0, 21, 27], axis=1) == 16).all()


def test_any_means_give_values_within_the_ranges() -> None:
    rng = np.random.default_rng(1)
    extremes = rng.choice([0.0, 255.0], (2000, 8, 8, 3))
    assert (describe(extremes) <= LARGEST).all()


def test_mirrored_pictures_have_the_descriptor_of_mirrored_means() -> None:
    for seed in range(5):
        picture = scene(seed)
        turned = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert np.array_equal(describe(means_of(turned)), describe(mirror_means(means_of(picture))))


def test_mirroring_twice_changes_nothing() -> None:
    means = np.concatenate([means_of(scene(seed)) for seed in range(5)])
    layouts = describe(means)
    assert np.array_equal(mirror_means(mirror_means(means)), means)
    assert np.array_equal(mirror_layouts(mirror_layouts(layouts)), layouts)


def test_mirroring_a_descriptor_is_right_to_within_one_in_odd_frequencies() -> None:
    means = np.concatenate([means_of(scene(seed)) for seed in range(30)])
    wanted, got = describe(mirror_means(means)), mirror_layouts(describe(means))
    difference = np.abs(wanted.astype(int) - got)
    assert difference.max() <= 1
    assert np.delete(difference, ODD_FREQUENCY, axis=1).max() == 0


def test_dequantised_coefficients_quantise_to_the_same_codes() -> None:
    codes = np.repeat(np.arange(32, dtype=np.uint8)[:, None], 33, axis=1)
    spectrum = np.zeros((32, 33), np.int64)
    ac = np.delete(np.arange(33), [0, 21, 27])
    spectrum[:, ac] = dequantise_ac(codes)
    assert np.array_equal(quantise(spectrum)[:, ac], codes[:, ac])


def test_the_transform_is_the_orthonormal_cosine_transform() -> None:
    rng = np.random.default_rng(2)
    grey = np.repeat(rng.integers(0, 256, (50, 8, 8, 1)).astype(np.float64), 3, axis=3)
    level = grey[..., 0]
    luma = np.trunc(219.0 * ((0.299 * level + 0.587 * level + 0.114 * level) / 256.0) + 16.5)
    frequency, sample = np.mgrid[:8, :8]
    basis = np.cos((2 * sample + 1) * frequency * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    spectrum = basis @ luma @ basis.T
    got = coefficients(grey)
    assert np.abs(got[:, [0, 1, 2]] - spectrum[:, [0, 0, 1], [0, 1, 0]]).max() <= 0.51


def test_restored_blocks_have_nearly_the_descriptor_they_come_from() -> None:
    means = np.stack([means_of(scene(seed))[0] for seed in range(20)])
    layouts = describe(means)
    again = describe(restore(layouts).astype(np.float64))
    assert np.abs(again.astype(int) - layouts).mean() < 0.5
    luma, restored = means.mean(axis=-1).ravel(), restore(layouts).mean(axis=-1).ravel()
    assert np.corrcoef(luma, restored)[0, 1] > 0.8


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (90, 120, 160), (150, 90, 110)])
def test_a_flat_picture_is_restored_in_its_colour(colour: tuple[int, int, int]) -> None:
    restored = restore(describe(np.full((1, 8, 8, 3), colour, np.float64)))
    assert np.abs(restored.astype(int) - colour).max() < 12
