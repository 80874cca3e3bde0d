"""A picture of the timelines: a group of bars for each figure, a bar for each method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.quality.figure import bars

_TITLE = "AMVs taken apart, percent"
_OURS = "mitate"


def write(path: Path, found: dict[str, Any]) -> None:
    """Draw the figures that lie between 0 and 1, mitate last."""
    timelines = found["timelines"]
    methods = sorted(timelines, key=lambda name: name == _OURS)
    bars(path, _TITLE, methods, rows([timelines[name] for name in methods]))


def rows(timelines: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the figures of all methods in percent by name."""
    names = {
        "F1": "f1",
        "F1 at the best threshold": "best_f1",
        "micro-AP": "micro_ap",
        "precision": "precision",
        "recall": "recall",
    }
    drawn = {label: [100 * one[key] for one in timelines] for label, key in names.items()}
    for label, key in {
        "shots over 0.7 s found": "over 700 ms",
        "shots of 0.3 to 0.7 s found": "300-700 ms",
    }.items():
        drawn[label] = [100 * (one["shot_recall"][key]["recall"] or 0) for one in timelines]
    return drawn
