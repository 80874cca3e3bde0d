"""From evidence to probability and to the threshold for an accepted rate of false alarms.

The figures are fitted by `python -m bench calibrate` on edited frames of titles that are and are
not indexed, and ship as calibration.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mitate.kernels.errors import CorruptData

NAME = "calibration.json"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What evidence is worth."""

    version: str
    n_titles: int  # independent titles it rests on
    slope: float
    offset: float
    background: float  # usual score of the best unrelated candidates
    tail_rate: float  # share of unrelated queries whose evidence passes `tail_start`
    tail_start: float
    tail_scale: float  # evidence in which that share falls by e

    def probability(self, evidence: float) -> float:
        """Return the probability that the best candidate is right, 0..1."""
        return 1 / (1 + math.exp(-min(max(self.slope * evidence + self.offset, -30.0), 30.0)))

    def threshold(self, false_alarm_rate: float) -> float:
        """Return the evidence that this share of unrelated queries passes."""
        return self.tail_start + self.tail_scale * math.log(self.tail_rate / false_alarm_rate)


@cache
def default_calibration() -> Calibration:
    """Return the calibration that ships with the program."""
    return parse(json.loads(files("mitate.server").joinpath(NAME).read_text("utf-8")))


def parse(values: Mapping[str, object]) -> Calibration:
    """Return the calibration in a JSON object; raises CorruptData when something is missing."""
    try:
        return Calibration(**{name: values[name] for name in Calibration.__slots__})  # type: ignore[arg-type]
    except KeyError as error:
        raise CorruptData(f"calibration without {error}") from error
