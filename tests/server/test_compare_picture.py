"""A comparison drawn: whatever is known of the sides, of any shape and name."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from comparing import Comparing, comparing, film, scene, signed
from PIL import Image

from mitate.kernels.sign import sign
from mitate.server.compare_panels import QUERY, REFERENCE, WIDTH, blocks_panel, side_panel
from mitate.server.compare_picture import draw
from mitate.server.comparison import Comparison
from mitate.server.drawing import BACK, MARGIN


@pytest.fixture(scope="module")
def compare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparing]:
    path = film(tmp_path_factory.mktemp("films") / "film.webp", [10, 11])
    with comparing([sign(path)]) as compare:
        yield compare


@pytest.fixture
def pair(compare: Comparing, tmp_path: Path) -> Comparison:
    path = tmp_path / "a.png"
    scene(10).crop((10, 10, 300, 170)).save(path)
    return compare(path, path)


def opened(comparison: Comparison) -> Image.Image:
    image = Image.open(io.BytesIO(draw(comparison)))
    assert image.format == "PNG"
    assert image.width == WIDTH + 2 * MARGIN
    pixels = np.asarray(image)
    frame = [pixels[:8], pixels[-8:], pixels[:, :8], pixels[:, -8:]]
    assert all((part == BACK).all() for part in frame)
    return image


def n_of(image: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(image.convert("RGB")) == colour).all(axis=2).sum())


def test_pictures_of_both_sides_and_their_parts_are_drawn(
    compare: Comparing, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    scene(11).save(path)
    found = compare(path, path)
    for side, colour in ((found.query, QUERY), (found.reference, REFERENCE)):
        panel = side_panel(side, found)
        shown = np.asarray(panel.crop((0, 30, panel.width, 30 + 328))).astype(int)
        expected = np.asarray(scene(11).resize((panel.width, 330))).astype(int)[:328]
        assert np.median(np.abs(shown - expected)) < 60
        assert n_of(panel, colour) > 1000
    assert opened(found).height > 1000


def test_stored_and_signature_sides_show_what_is_known(compare: Comparing, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    scene(11).save(path)
    stored = compare(path, 1)
    assert stored.reference.pixels is None and stored.reference.thumbnail is not None
    assert n_of(side_panel(stored.reference, stored), REFERENCE) > 1000
    opened(stored)
    whole = sign(path)
    bare = signed(tmp_path / "bare.msig", whole.part(0, 1))
    alone = compare(bare, bare)
    assert alone.query.thumbnail is None
    opened(alone)


@pytest.mark.parametrize("size", [(1600, 20), (20, 1600), (1, 1), (33, 31), (3000, 2000)])
def test_any_shape_is_drawn(compare: Comparing, tmp_path: Path, size: tuple[int, int]) -> None:
    path, other = tmp_path / "a.png", tmp_path / "b.png"
    scene(10).resize(size).save(path)
    scene(11).save(other)
    opened(compare(path, other))
    opened(compare(other, path))
    opened(compare(path, 1))


@pytest.mark.parametrize("name", ["見立て 第３話.png", "x" * 250, "‮א ב\u0301 \x07?.png", ""])
def test_any_name_is_drawn_on_one_line(pair: Comparison, name: str) -> None:
    named = replace(pair, query=replace(pair.query, name=name))
    assert opened(named).size == opened(pair).size


def test_long_texts_and_many_numbers_make_it_higher_not_wider(pair: Comparison) -> None:
    stages = tuple(
        replace(stage, text=stage.text * 20, measures=stage.measures * 5) for stage in pair.stages
    )
    longer = opened(replace(pair, stages=stages, summary=pair.summary * 30))
    assert longer.height > opened(pair).height + 500


def test_the_same_comparison_is_drawn_the_same(pair: Comparison) -> None:
    assert draw(pair) == draw(pair)


@pytest.mark.parametrize("size", [(1, 1), (1, 300)])
def test_the_size_of_a_picture_is_known_however_small(
    compare: Comparing, tmp_path: Path, size: tuple[int, int]
) -> None:
    path, other = tmp_path / "a.png", tmp_path / "b.png"
    scene(10).resize(size).save(path)
    scene(11).save(other)
    found = compare(path, other)
    borders = next(stage for stage in found.stages if stage.name == "borders")
    assert borders.text.startswith(f"A has {size[0]}×{size[1]} pixels")
    opened(found)


def test_blocks_have_the_shape_of_what_they_stand_for(compare: Comparing, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    scene(11, 200, 200).save(path)
    bare = signed(tmp_path / "a.msig", sign(path))
    panel = np.asarray(blocks_panel(compare(bare, path)))
    drawn = (panel != panel[-1, -1]).any(axis=2)
    left, right = drawn[30:, : panel.shape[1] // 2], drawn[30:, panel.shape[1] // 2 :]
    assert left.any(axis=0).sum() == right.any(axis=0).sum()
    assert left.any(axis=1).sum() == right.any(axis=1).sum()
