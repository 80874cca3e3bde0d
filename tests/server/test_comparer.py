"""Comparing files and what is stored: which frame, which view, which verdict, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from comparing import SHOT_MS, Comparing, blocks, comparing, film, scene, signed
from PIL import Image, ImageOps

from mitate.kernels.errors import InvalidArgument, InvalidMedia, InvalidSignature, NotFound
from mitate.kernels.layout import restore
from mitate.kernels.sign import sign
from mitate.server.comparison import Comparison, Measure, Outcome, Subject

STAGES = ["quality", "borders", "views", "pair", "distance", "agreement", "evidence"]
SEEDS = ([10, 11, 12, 13], [20, 21, 22], [30, 31, 32, 33, 34])


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("films")
    return [film(folder / f"film{i}.webp", seeds) for i, seeds in enumerate(SEEDS)]


@pytest.fixture(scope="module")
def compare(films: list[Path]) -> Iterator[Comparing]:
    with comparing([sign(path) for path in films]) as compare:
        yield compare


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """The third scene of the first film, mirrored, cut and in black bars."""
    cut = ImageOps.mirror(scene(12).crop((16, 9, 304, 171)))
    path = tmp_path / "図 boxed.png"
    ImageOps.expand(cut, (0, 30)).save(path)
    return path


def plain(tmp_path: Path, seed: int) -> Path:
    path = tmp_path / f"scene {seed}.png"
    scene(seed).save(path)
    return path


def measure(found: Comparison, stage: str, name: str) -> Measure:
    (one,) = (one for one in found.stages if one.name == stage)
    return next(measure for measure in one.measures if measure.name == name)


def outcomes(found: Comparison) -> dict[str, str]:
    return {stage.name: str(stage.outcome) for stage in found.stages}


def test_a_cut_mirrored_boxed_picture_is_found_at_its_moment(
    compare: Comparing, picture: Path
) -> None:
    found = compare(picture, 1)
    assert found.verdict == "match"
    assert found.mirrored
    assert found.reference.at_ms == 2 * SHOT_MS
    assert found.probability is not None and found.probability > 0.9
    assert [stage.name for stage in found.stages] == STAGES
    assert Outcome.FAILED not in outcomes(found).values()
    assert found.query.inner == (0, 30, 288, 192)
    assert "30 top, 30 bottom" in found.stages[1].text
    assert found.query.part is not None and found.query.part.height < 200
    assert "mirrored" in found.summary and "0:02.0" in found.summary


def test_both_sides_have_the_blocks_of_what_they_show(compare: Comparing, picture: Path) -> None:
    found = compare(picture, 1)
    query, reference = (restore(side.layout[None])[0] for side in (found.query, found.reference))
    assert np.corrcoef(query.ravel(), reference.ravel())[0, 1] > 0.8
    part = Image.open(picture).crop(found.query.part)
    seen = blocks(ImageOps.mirror(part))
    assert np.corrcoef(query.ravel(), seen.ravel())[0, 1] > 0.7


def test_a_time_names_the_frame_that_is_compared(compare: Comparing, picture: Path) -> None:
    found = compare(picture, 1, at_b=3 * SHOT_MS + 500)
    assert found.reference.at_ms == 3 * SHOT_MS + 500
    assert found.verdict == "no_match"
    assert compare(picture, 1, at_b=2 * SHOT_MS + 999).verdict == "match"


def test_an_unrelated_pair_is_no_match_and_says_what_is_missing(
    compare: Comparing, picture: Path
) -> None:
    found = compare(picture, 3)
    assert found.verdict == "no_match"
    assert "failed" in outcomes(found).values()
    score = measure(found, "evidence", "score")
    evidence = measure(found, "evidence", "evidence")
    assert score.least is not None and score.value < score.least
    assert evidence.least is not None
    assert score.least - score.value == pytest.approx(evidence.least - evidence.value)
    assert "a better one is indexed: Title 1, 第1話 at 0:02.0" in found.stages[-1].text


def test_files_are_compared_without_being_stored(
    compare: Comparing, tmp_path: Path, films: list[Path]
) -> None:
    found = compare(plain(tmp_path, 21), films[1])
    assert (found.verdict, found.reference.kind, found.reference.at_ms) == ("match", "video", 1000)
    assert found.reference.pixels is not None and found.reference.stored is None
    assert np.array_equal(found.reference.pixels, np.asarray(scene(21)))


def test_two_pictures_compare(compare: Comparing, tmp_path: Path) -> None:
    same = compare(plain(tmp_path, 50), plain(tmp_path, 50))
    assert (same.verdict, same.distance, same.plain_distance) == ("match", 0, 0.0)
    assert measure(same, "agreement", "scale").value == pytest.approx(1, abs=0.05)
    other = compare(plain(tmp_path, 50), plain(tmp_path, 51))
    assert other.verdict == "no_match"
    assert other.reference.at_ms is None


def test_of_two_films_the_nearest_frames_are_compared(compare: Comparing, tmp_path: Path) -> None:
    other = film(tmp_path / "other.webp", [60, 61, 33, 62])
    found = compare(other, 3)
    assert (found.query.at_ms, found.reference.at_ms) == (2 * SHOT_MS, 3 * SHOT_MS)
    assert found.verdict == "match"
    assert compare.n_reports > 0


def test_what_is_stored_is_looked_in_whichever_comes_first(
    compare: Comparing, tmp_path: Path
) -> None:
    found = compare(2, plain(tmp_path, 21))
    assert (found.query.letter, found.reference.letter) == ("B", "A")
    assert (found.verdict, found.reference.at_ms) == ("match", SHOT_MS)
    assert found.summary.startswith("match: B shows A")


def test_a_signature_is_compared_by_its_descriptor_only(compare: Comparing, tmp_path: Path) -> None:
    path = signed(tmp_path / "a.msig", sign(plain(tmp_path, 21)))
    found = compare(path, 2)
    assert (found.verdict, found.reference.at_ms, found.probability) == ("match", SHOT_MS, None)
    assert outcomes(found)["agreement"] == outcomes(found)["evidence"] == "skipped"
    assert found.query.part is None and found.query.pixels is None
    assert compare(path, 3).verdict == "no_match"


def test_a_signature_as_reference_is_looked_at_closely(compare: Comparing, tmp_path: Path) -> None:
    path = signed(tmp_path / "b.msig", sign(film(tmp_path / "b.webp", [70, 71])))
    found = compare(plain(tmp_path, 71), path)
    assert (found.verdict, found.reference.at_ms) == ("match", SHOT_MS)
    assert outcomes(found)["agreement"] == "passed"


def test_a_signature_without_thumbnails_skips_the_close_look(
    compare: Comparing, tmp_path: Path
) -> None:
    whole = sign(film(tmp_path / "c.webp", [70, 71]))
    path = signed(tmp_path / "c.msig", whole.part(0, whole.n_frames))
    found = compare(plain(tmp_path, 71), path)
    assert outcomes(found)["agreement"] == "skipped"
    assert found.reference.at_ms == SHOT_MS


def test_two_episodes_compare_by_their_nearest_moment(compare: Comparing) -> None:
    found = compare(1, 3)
    assert found.verdict == "no_match"
    assert found.query.stored is not None and found.reference.stored is not None
    assert compare(1, 1).distance == 0


def test_a_source_is_compared_by_its_id(compare: Comparing, tmp_path: Path) -> None:
    path = plain(tmp_path, 21)
    found = compare.subjects(Subject("A", path, path.name), Subject("B", source_id=2, at_ms=1100))
    assert found.verdict == "match"
    assert found.reference.stored is not None and found.reference.stored.source_id == 2


def test_a_black_picture_is_uninformative(compare: Comparing, tmp_path: Path) -> None:
    path = tmp_path / "black.png"
    Image.new("RGB", (320, 180)).save(path)
    found = compare(path, 1)
    assert (found.verdict, outcomes(found)["quality"]) == ("uninformative", "failed")
    assert measure(found, "views", "views").value == 0
    assert found.summary.startswith("uninformative: A shows too little")


def test_comparing_works_where_nothing_is_stored(tmp_path: Path) -> None:
    with comparing([]) as compare:
        assert compare(plain(tmp_path, 1), plain(tmp_path, 1)).verdict == "match"
        assert compare(plain(tmp_path, 1), plain(tmp_path, 2)).verdict == "no_match"
        path = signed(tmp_path / "a.msig", sign(plain(tmp_path, 1)))
        assert compare(path, plain(tmp_path, 1)).verdict == "match"


@pytest.mark.parametrize(
    "a, b, error, text",
    [
        (77, "scene", NotFound, "A: there is no episode 77"),
        (99, "scene", NotFound, "A: episode 99 has no sources"),
        ("text", 1, InvalidMedia, "A: "),
        ("scene", "damaged", InvalidSignature, "B: the signature file is damaged"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_named(
    compare: Comparing,
    tmp_path: Path,
    a: str | int,
    b: str | int,
    error: type[Exception],
    text: str,
) -> None:
    (tmp_path / "text").write_bytes(b"no media")
    whole = signed(tmp_path / "whole", sign(plain(tmp_path, 1)))
    (tmp_path / "damaged").write_bytes(whole.read_bytes()[:-3])
    plain(tmp_path, 1).rename(tmp_path / "scene")
    one, other = (tmp_path / name if isinstance(name, str) else name for name in (a, b))
    with pytest.raises(error, match=text):
        compare(one, other)


@pytest.mark.parametrize("at_a, at_b", [(1000, None), (None, 4001)])
def test_times_that_are_not_there_are_refused(
    compare: Comparing, tmp_path: Path, at_a: int | None, at_b: int | None
) -> None:
    with pytest.raises(
        InvalidArgument, match=r"it is a picture|no frame at 4\.001 s; it ends at 4"
    ):
        compare(plain(tmp_path, 1), 1, at_a, at_b)


def test_a_source_that_is_not_there_is_refused(compare: Comparing, tmp_path: Path) -> None:
    path = plain(tmp_path, 1)
    with pytest.raises(NotFound, match="B: there is no source 12"):
        compare.subjects(Subject("A", path, path.name), Subject("B", source_id=12))
