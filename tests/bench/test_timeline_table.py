"""Tables and picture of the timeline bench say what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import report
from bench.timeline import figure
from bench.timeline.figures import of_clips, of_timelines, of_unseen
from bench.timeline.plan import Ask, Look, Shot, Survey
from bench.timeline.spans import Span
from bench.timeline.table import markdown, readme_lines

SHOTS = (
    Shot(0, 0, 24, 1000, 1.0),
    Shot(1, 24, 36, 5000, 2.0, mirrored=True, look=Look(zoom=(1.2, 1.2))),
)
ASK = Ask("amv", 0, SHOTS, frozenset())
SURVEYS = [
    Survey(np.arange(0, 9000, 40), np.zeros((225, 36, 64, 3), np.uint8), "a", 1.8) for _ in range(2)
]
COST = {
    "cpu_s": {"median": 9.0, "low": 8.0, "high": 9.5},
    "beyond_cpu_s": 8.0,
    "over_decoding": 9.0,
    "wall_s": 7.0,
    "index_mib": 800.0,
    "ready_mib": 1000.0,
    "added_mib": 410.0,
    "peak_mib": 1410.0,
}


def timelines(*claims: Span) -> dict[str, Any]:
    result = of_timelines([ASK], {0: list(claims)}, SURVEYS) | {"cpu_s_per_minute": 4.0}
    return result | {"unseen": of_unseen([ASK], {0: []})}


@pytest.fixture
def found() -> dict[str, Any]:
    long, short = ASK.truth()
    return {
        "machine": {"cpu": "a processor"},
        "seed": 1,
        "sizes": {"amvs": 1, "unseen": 1, "seconds": 1.5},
        "descriptors": 1_000_000,
        "parameters": {"hough": {"min_sim": 0.2}},
        "timelines": {"mitate": timelines(long, short), "DP": timelines(long)},
        "clips": of_clips([ASK], {0: ("match", [long])}, SURVEYS)
        | {"negatives": {"n": 500, "answered": 1, "at_most_95": 0.0095}},
        "pairs": {
            "summary": {"all": {"n": 2, "found": 1, "error_ms": 4.0}},
            "rows": [
                {"query": "a", "reference": "b", "verdict": "match", "found": True},
                {"query": "b", "reference": "a", "verdict": "no_match", "found": False},
            ],
        },
        "cost": {
            "seconds": 60.0,
            "decode_cpu_s": 1.0,
            "rows": [{"descriptors": n, **COST} for n in (100_000, 1_009_235)],
            "exponent": 0.1,
            "exponent_at_last": 0.2,
        },
    }


def test_shots_are_counted_by_what_was_done_to_them(found: dict[str, Any]) -> None:
    ours, other = (found["timelines"][name]["shot_recall_by_edit"] for name in ("mitate", "DP"))
    assert ours["mirrored"] == {"n": 1, "recall": 1.0}
    assert other["mirrored"] == other["at another speed"] == {"n": 1, "recall": 0.0}
    assert other["none of these"] == {"n": 1, "recall": 1.0}
    assert other["under a subtitle"] == {"n": 0, "recall": None}


def test_the_page_has_every_method_and_what_is_missed(found: dict[str, Any]) -> None:
    text = markdown(found)
    assert "|  | mitate | DP |" in text
    assert "| F1 | 1.000 |" in text
    assert "| shots found, 300-700 ms (n 1) | 1.000 | 0.000 |" in text
    assert "- b in a: no_match, another file or none is told" in text
    assert "- a in b" not in text
    assert "1 of 500 clips" in text
    assert "| 1,009,235 descriptors | 9.0 | 8.0 |" in text
    assert "\n\n\n" not in text


def test_a_page_of_timelines_alone_has_no_empty_parts(found: dict[str, Any]) -> None:
    text = markdown({name: found[name] for name in found if name not in ("clips", "pairs", "cost")})
    assert "descriptors |" not in text and "\n\n\n" not in text


def test_clips_that_are_not_asked_have_no_row(found: dict[str, Any]) -> None:
    asked = of_clips([], {}, SURVEYS) | {"negatives": found["clips"]["negatives"]}
    text = markdown({**found, "clips": asked})
    assert "1 of 500 clips" in text
    assert "| all | 0 |" not in text and "\n\n\n" not in text
    assert not any("clips of 3" in line for line in readme_lines({**found, "clips": asked}))


def test_the_readme_tells_the_cost_at_a_million(found: dict[str, Any]) -> None:
    lines = list(readme_lines(found))
    assert all(line.count(" | ") == 3 or line.endswith("| |") for line in lines)
    assert "F1 1.000" in lines[0] and "DP" in lines[0]
    assert "1,009,235" in lines[-1] and "8.0 s" in lines[-1] and "430 MB" in lines[-1]
    assert list(readme_lines({})) == []


def test_the_picture_has_a_bar_of_ours_for_every_row(tmp_path: Path, found: dict[str, Any]) -> None:
    figure.write(tmp_path / "some.png", found)
    image = np.asarray(Image.open(tmp_path / "some.png").convert("RGB"))
    ours = (image == (0x2F, 0x7D, 0x4F)).all(axis=2)[70:, 195]
    assert np.diff(ours.astype(int), prepend=0, append=0).clip(0).sum() == 7


def test_the_documents_have_the_figures_that_are_kept() -> None:
    path = report.RESULTS / "timeline.json"
    if path.is_file():
        page = (report.ROOT / "docs" / "timeline.md").read_text()
        assert markdown(json.loads(path.read_text())).strip() in page
