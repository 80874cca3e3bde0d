"""Altered distractors are other videos with the same runs; growth is a slope."""

from __future__ import annotations

import os

import numpy as np
import pytest

from bench import processes
from bench.timeline.cost import Sources, altered, growth
from bench.timeline.distractors import Summed, episode
from mitate.kernels.layout import describe, mirror_means
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive


@pytest.fixture(scope="module")
def distractor() -> Signature:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (3, 9, 16, 3)).astype(np.uint8)
    pictures = small.repeat(10, axis=1).repeat(10, axis=2)
    return episode([Summed.of(picture) for picture in pictures], 0, 1, 200)


def distances(signature: Signature) -> list[int]:
    vectors = derive(signature.layouts).astype(np.int64)
    steps: list[int] = ((vectors[1:] - vectors[:-1]) ** 2).sum(axis=1).tolist()
    return steps


def test_nothing_is_altered_by_number_0(distractor: Signature) -> None:
    same = altered(distractor, 0)
    for name in ("layouts", "mirrored", "windows", "thumbnails"):
        assert (getattr(same, name) == getattr(distractor, name)).all()


def test_every_number_gives_other_frames_as_near_to_one_another(distractor: Signature) -> None:
    seen = {altered(distractor, number).layouts.tobytes() for number in range(32)}
    assert len(seen) == 32
    for number in (1, 2, 4, 8, 16, 31):
        assert distances(altered(distractor, number)) == pytest.approx(distances(distractor), abs=0)


def test_a_mirrored_video_is_described_as_its_mirrored_pictures_are() -> None:
    means = np.random.default_rng(1).uniform(0, 255, (50, 8, 8, 3))
    plain, mirrored = describe(means), describe(mirror_means(means))
    video = episode([Summed.of(np.zeros((90, 160, 3), np.uint8))], 0, 1, 50)
    fields = {name: getattr(video, name) for name in video.__dataclass_fields__}
    turned = altered(Signature(**{**fields, "layouts": plain}), 2).layouts
    assert np.abs(turned.astype(int) - mirrored).max() <= 1  # a bin is not quite symmetrical
    assert (turned == mirrored).mean() > 0.95


def test_sources_are_cut_where_a_count_is_reached(distractor: Signature) -> None:
    sources = Sources([distractor], [distractor] * 2).cut_at([150, 500])
    parts = [next(sources) for _ in range(6)]
    assert [one.n_kept for one in parts] == [150, 50, 200, 100, 100, 200]
    assert (parts[4].layouts == distractor.layouts[100:]).all()
    assert (parts[5].layouts == altered(distractor, 1).layouts).all()


def test_growth_is_the_slope_of_logarithms() -> None:
    rows = [{"descriptors": n, "beyond_cpu_s": 3 * n**0.5} for n in (100, 1000, 10_000)]
    assert growth(rows) == pytest.approx({"exponent": 0.5, "exponent_at_last": 0.5})
    assert growth(rows[:2]) == {}


def test_a_process_tells_its_memory_and_time() -> None:
    pid = os.getpid()
    assert pid in processes.family(pid)
    before_s, kept = processes.cpu_s(pid), np.ones(40_000_000 // 8)
    while processes.cpu_s(pid) - before_s < 0.05:
        kept += 1
    assert processes.peak_mib(pid) >= processes.rss_mib(pid) * 0.9 > 38
    del kept
    processes.forget_peak(pid)
    assert processes.peak_mib(pid) == pytest.approx(processes.rss_mib(pid), rel=0.1)
