from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.quality import mpeg7, tracemoe
from bench.quality.method import Method, Reference, Video

PICTURES = [
    np.random.default_rng(seed)
    .integers(0, 256, (6, 8, 3))
    .astype(np.uint8)
    .repeat(30, axis=0)
    .repeat(40, axis=1)
    for seed in range(6)
]


def indexed(method: Method, tmp_path: Path) -> Reference:
    video = Video(tmp_path, lambda: ((1000 * i, p) for i, p in enumerate(PICTURES)))
    return method.reference(video)


def test_hits_within_five_seconds_become_one_result_with_their_range() -> None:
    hits = [(1, 0), (1, 4000), (1, 8500), (1, 20_000), (2, 8000)]
    merged = tracemoe.merge(hits, [0.8, 0.9, 0.7, 0.6, 0.85])
    assert merged == [(1, 0, 8500, 0.9), (2, 8000, 8000, 0.85), (1, 20_000, 20_000, 0.6)]


def test_a_black_border_is_cut_where_a_video_frame_is_left() -> None:
    noise = np.random.default_rng(0).integers(100, 256, (180, 320, 3)).astype(np.uint8)
    boxed = np.pad(noise, ((40, 40), (0, 0), (0, 0)))
    assert abs(tracemoe.cut_border(boxed).shape[0] - 180) <= 6
    assert tracemoe.cut_border(noise) is noise


def test_a_white_border_is_left_alone() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (180, 320, 3)).astype(np.uint8)
    boxed = np.pad(noise, ((40, 40), (0, 0), (0, 0)), constant_values=255)
    assert tracemoe.cut_border(boxed) is boxed


def test_trace_moe_finds_the_frame_and_not_what_is_left_out(tmp_path: Path) -> None:
    method = tracemoe.TraceMoe()
    reference = indexed(method, tmp_path)
    searcher = method.searcher([(0, reference), (1, Reference(*reference))])
    (answer,) = searcher.answer([method.query(PICTURES[4])], left_out=[0])
    assert (answer.number, answer.verdict) == (1, "match")
    assert answer.from_ms <= 4000 <= answer.to_ms


needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")


@needs_ffmpeg
def test_mpeg7_elements_are_ternary_and_those_of_a_brighter_picture_hardly_differ() -> None:
    dark, bright = PICTURES[0] // 2, PICTURES[0] // 2 + 30
    elements = mpeg7.elements([mpeg7.luma(dark), mpeg7.luma(bright), mpeg7.luma(PICTURES[1])])
    assert elements.shape == (3, 380)
    assert set(np.unique(elements)) == {0, 1, 2}
    apart = np.abs(elements.astype(int) - elements[0]).sum(axis=1)
    assert apart[1] < mpeg7.MATCH_DISTANCE < apart[2]


def test_hamming_distance_of_two_bit_codes_is_the_sum_of_differences() -> None:
    ternary = np.random.default_rng(0).integers(0, 3, (2, 380)).astype(np.uint8)
    codes = mpeg7.two_bits(ternary)
    bits = np.unpackbits(codes[0] ^ codes[1]).sum()
    assert bits == np.abs(ternary[0].astype(int) - ternary[1]).sum()


@needs_ffmpeg
def test_mpeg7_finds_the_frame(tmp_path: Path) -> None:
    method = mpeg7.Mpeg7()
    searcher = method.searcher([(0, indexed(method, tmp_path))])
    (answer,) = searcher.answer([method.query(PICTURES[2])], left_out=[])
    assert (answer.from_ms, answer.verdict) == (2000, "match")


def test_pdq_finds_the_frame(tmp_path: Path) -> None:
    pytest.importorskip("pdqhash")
    from bench.quality.pdq import Pdq

    method = Pdq()
    searcher = method.searcher([(0, indexed(method, tmp_path))])
    (answer,) = searcher.answer([method.query(PICTURES[2])], left_out=[])
    assert (answer.number, answer.from_ms) == (0, 2000)
