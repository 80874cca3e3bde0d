from __future__ import annotations

from pathlib import Path

import pytest

from bench.fuzz import drawn, fuzz
from bench.mutants import mutants

N_FILES = 40


def test_mutants_are_repeatable_and_differ_from_what_they_were() -> None:
    seeds = [("a.mp4", bytes(range(256)) * 40), ("b.mkv", b"other" * 500)]
    first = list(mutants(seeds, 200, seed=3))
    assert first == list(mutants(seeds, 200, seed=3))
    assert first != list(mutants(seeds, 200, seed=4))
    unchanged = sum(content in (seeds[0][1], seeds[1][1]) for _, content in first)
    assert unchanged < 20
    assert {name.rpartition(".")[2] for name, _ in first} == {"mp4", "mkv"}


@pytest.mark.slow
def test_damaged_files_are_answered_or_refused_and_leave_nothing(
    tmp_path: Path, ffmpeg: str
) -> None:
    outcomes = fuzz(list(drawn(tmp_path)), N_FILES, 7, tmp_path)
    assert outcomes.wrong == []
    assert outcomes.counts.total() == N_FILES
    assert outcomes.counts["INVALID_MEDIA"] > 0
