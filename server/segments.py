"""How probable it is that a segment of a timeline, or the answer to a clip, is right.

A logistic regression on what is known of a stretch; `python -m bench.timeline --calibrate` fits it
on edited videos, among titles that are and are not indexed: segments.json for timelines, clips.json
for clips. Each holds one for stretches of which both sides have small pictures, one for all others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from mitate.kernels.errors import CorruptData
from mitate.server.stretches import Stretch, is_unusual

NAME, CLIPS = "segments.json", "clips.json"
FEATURES = ("evidence", "agreement", "frames", "parts", "speed", "mirrored")
LIKENESS = "likeness"
MORE: Mapping[str, tuple[str, ...]] = {NAME: (), CLIPS: ("share",)}  # features beside the stretch's
PLAIN, PICTURED = "without_pictures", "with_pictures"
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


def names_of(file: str, kind: str) -> tuple[str, ...]:
    """Return the features of a regression in their order."""
    return (*FEATURES, *MORE[file], *((LIKENESS,) if kind == PICTURED else ()))


class Regression(NamedTuple):
    """What each feature is worth."""

    weights: tuple[float, ...]
    offset: float

    def probability(self, values: tuple[float, ...]) -> float:
        """Return the probability for some features, 0..1."""
        pairs = zip(self.weights, values, strict=True)
        logit = self.offset + sum(weight * value for weight, value in pairs)
        return 1 / (1 + math.exp(-min(max(logit, -_LARGEST_LOGIT), _LARGEST_LOGIT)))


@dataclass(frozen=True, slots=True)
class SegmentCalibration:
    """What the features of a stretch are worth, with and without pictures."""

    plain: Regression
    pictured: Regression
    n_segments: int  # that it was fitted on

    def probability(self, stretch: Stretch, *more: float) -> float:
        """Return the probability that a stretch is right, 0..1.

        Of a clip one more feature counts: what share of its frames the stretch is.
        """
        values = (*features(stretch), *more)
        if stretch.likeness is None:
            return self.plain.probability(values)
        return self.pictured.probability((*values, stretch.likeness))


@cache
def segment_calibration() -> SegmentCalibration:
    """Return the calibration of timelines that ships with the program."""
    return _shipped(NAME)


@cache
def clip_calibration() -> SegmentCalibration:
    """Return the calibration of clips that ships with the program."""
    return _shipped(CLIPS)


def _shipped(name: str) -> SegmentCalibration:
    return parse(json.loads(files("mitate.server").joinpath(name).read_text("utf-8")), name)


def parse(values: Mapping[str, object], file: str = NAME) -> SegmentCalibration:
    """Return the calibration in a JSON object; raises CorruptData when something is missing."""
    n_segments = values.get("n_segments")
    if not isinstance(n_segments, int):
        raise CorruptData(f"{file} needs the number n_segments")
    plain, pictured = (_regression(values, kind, file) for kind in (PLAIN, PICTURED))
    return SegmentCalibration(plain, pictured, n_segments)


def _regression(values: Mapping[str, object], name: str, file: str) -> Regression:
    found = values.get(name)
    weights, offset = (
        (found.get("weights"), found.get("offset")) if isinstance(found, Mapping) else (None, None)
    )
    names = names_of(file, name)
    if not isinstance(weights, Mapping) or set(weights) != set(names):
        raise CorruptData(f"{file}: {name} needs weights of {', '.join(names)}")
    if not isinstance(offset, int | float):
        raise CorruptData(f"{file}: {name} needs the number offset")
    return Regression(tuple(float(weights[one]) for one in names), float(offset))
