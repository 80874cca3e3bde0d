"""How probable it is that a segment of a timeline is right.

A logistic regression on what is known of a stretch; `python -m bench.timeline --calibrate` fits it
on edited videos, among titles that are and are not indexed, and writes segments.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mitate.kernels.errors import CorruptData
from mitate.server.stretches import Stretch, is_unusual

NAME = "segments.json"
FEATURES = ("evidence", "agreement", "frames", "parts", "speed", "mirrored")
_SMALLEST_EVIDENCE = 0.1
_LARGEST_LOGIT = 30.0


def features(stretch: Stretch) -> tuple[float, ...]:
    """Return what the probability of a stretch is made from, in the order of FEATURES."""
    return (
        math.log(max(stretch.score, _SMALLEST_EVIDENCE)),
        stretch.agreement,
        math.log(stretch.n_sampled),
        float(bool(stretch.line.windows)),
        float(is_unusual(stretch.line.speed)),
        float(stretch.line.mirrored),
    )


@dataclass(frozen=True, slots=True)
class SegmentCalibration:
    """What each feature of a stretch is worth."""

    weights: tuple[float, ...]  # in the order of FEATURES
    offset: float
    n_segments: int  # that it was fitted on

    def probability(self, stretch: Stretch) -> float:
        """Return the probability that a stretch is right, 0..1."""
        pairs = zip(self.weights, features(stretch), strict=True)
        logit = self.offset + sum(weight * value for weight, value in pairs)
        return 1 / (1 + math.exp(-min(max(logit, -_LARGEST_LOGIT), _LARGEST_LOGIT)))


@cache
def segment_calibration() -> SegmentCalibration:
    """Return the calibration that ships with the program."""
    return parse(json.loads(files("mitate.server").joinpath(NAME).read_text("utf-8")))


def parse(values: Mapping[str, object]) -> SegmentCalibration:
    """Return the calibration in a JSON object; raises CorruptData when something is missing."""
    weights, offset, n = (values.get(name) for name in ("weights", "offset", "n_segments"))
    if not isinstance(weights, Mapping) or set(weights) != set(FEATURES):
        raise CorruptData(f"{NAME} needs weights of {', '.join(FEATURES)}")
    if not isinstance(offset, int | float) or not isinstance(n, int):
        raise CorruptData(f"{NAME} needs the numbers offset and n_segments")
    return SegmentCalibration(tuple(float(weights[name]) for name in FEATURES), float(offset), n)
