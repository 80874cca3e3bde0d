"""Pictures from other files of an episode: encodes, sizes and transfers that nobody here made.

The file that a picture is from is not searched; the file that stands for its episode is. Which
files hold the same content is taken from the manifest. It states no offsets, so the straight line
between the times of both files is fitted to what their frames look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.quality.figures import CLAIMS, RATES, Judged
from bench.quality.method import Answer
from bench.quality.metrics import Bools, Outcomes, mean_by, recall
from bench.quality.protocol import NEAR_MS, Ask, Sizes, Survey
from bench.quality.same import is_flat, likeness, same
from bench.quality.titles import Media
from bench.quality.transforms import cells

FAMILY = "other encode"
LEAST_LIKENESS = 0.85  # mean correlation of luma over the frames that two files share
_LEAST_SHARED_MS = 2000
_LEAST_SAMPLES = 10
_SAMPLES = 100  # frames of a file by which the line is found
_STEP_MS = 100  # between the offsets tried
_RATIOS = (1.0, 0.995, 1.005, 0.99, 1.01)  # of speed, as film and video rates differ


class Line(NamedTuple):
    """When a clip shows what another file shows; backwards where the slope is negative."""

    slope: float
    offset_ms: float

    def at(self, time_ms: NDArray[np.int64] | int) -> Any:
        """Return the clip's time for a time of the file."""
        return self.slope * time_ms + self.offset_ms


def fitted(file: Survey, clip: Survey) -> Line | None:
    """Return the line by which most frames look alike, or None where they do not."""
    step = max(1, len(file.times_ms) // _SAMPLES)
    shown = np.array([n for n in range(0, len(file.times_ms), step) if not is_flat(file.thumbs[n])])
    if len(shown) < _LEAST_SAMPLES:
        return None
    times_ms, end_ms = file.times_ms[shown], int(clip.times_ms[-1])
    alike = likeness(file.thumbs[shown], clip.thumbs)
    best, found = LEAST_LIKENESS, None
    for slope in (sign * ratio for sign in (1, -1) for ratio in _RATIOS):
        moved = slope * times_ms
        for offset_ms in np.arange(-moved.max(), end_ms - moved.min() + 1, _STEP_MS):
            at = moved + offset_ms
            inside = np.flatnonzero((at >= 0) & (at <= end_ms))
            if len(inside) < _LEAST_SAMPLES or np.ptp(times_ms[inside]) < _LEAST_SHARED_MS:
                continue
            rows = np.searchsorted(clip.times_ms, at[inside], side="right") - 1
            mean = float(alike[inside, rows.clip(0)].mean())
            if mean > best:
                best, found = mean, Line(float(slope), float(offset_ms))
    return found


class Encodes:
    """Draws pictures of other files and judges the answers."""

    def __init__(self, media: Media, surveys: Sequence[Survey], sizes: Sizes, seed: int) -> None:
        """Take all clips with `surveys` of them and then of the others, in their order."""
        self.files = media.with_others().clips
        self._surveys, self._sizes, self._seed = surveys, sizes, seed
        self._n_clips = len(media.clips)
        owner = {path: clip.number for clip in media.clips for path in clip.others}
        lines = {
            file.number: (owner[file.path], fitted(surveys[file.number], surveys[owner[file.path]]))
            for file in self.files[self._n_clips :]
        }
        self.lines = {n: (clip, line) for n, (clip, line) in lines.items() if line is not None}
        self.unlike = [self.files[n].path.name for n in lines if n not in self.lines]

    def asks(self) -> list[Ask]:
        """Return as many queries of each title; a seed always gives the same."""
        asks = []
        for place, title in enumerate(sorted({self.files[n].title for n in self.lines})):
            rng = np.random.default_rng((self._seed, 6, place))
            shown = {n: self._shown(n) for n in self.lines if self.files[n].title == title}
            numbers = [n for n, frames in shown.items() if len(frames)]
            for _ in range(self._sizes.encodes if numbers else 0):
                number = numbers[int(rng.integers(len(numbers)))]
                frame = int(rng.choice(shown[number]))
                asks.append(Ask("positive", number, frame, cells()[0], int(rng.integers(1 << 31))))
        return asks

    def left_out(self, ask: Ask) -> frozenset[int]:
        """Return no clip: a file that is asked with is none of those that are searched."""
        return frozenset()

    def title(self, ask: Ask) -> str:
        """Return the title that a query is from."""
        return self.files[ask.clip].title

    def right(self, ask: Ask, answer: Answer) -> bool:
        """Tell whether an answer names the same moment of the clip, or one that shows the same."""
        if not 0 <= answer.number < self._n_clips:
            return False
        clip, line = self.lines[ask.clip]
        asked, found = self._surveys[ask.clip], self._surveys[answer.number]
        first_ms, last_ms = answer.from_ms - NEAR_MS, answer.to_ms + NEAR_MS
        true_ms = line.at(int(asked.times_ms[ask.frame]))
        if answer.number == clip and first_ms <= true_ms <= last_ms:
            return True
        near = (found.times_ms >= first_ms) & (found.times_ms <= last_ms)
        return bool(same(found.thumbs[near], asked.thumbs[ask.frame]).any())

    def figures(
        self, judged: Judged, asks: Sequence[Ask], answers: Sequence[Answer]
    ) -> dict[str, Any]:
        """Return rows like those of edits, a title each; thresholds are those of all negatives."""
        right: Bools = np.array([self.right(*pair) for pair in zip(asks, answers, strict=True)])
        scores = np.array([answer.score for answer in answers])
        names = list(dict.fromkeys([*judged.names, *map(self.title, asks)]))
        titles = np.array([names.index(self.title(ask)) for ask in asks])
        mine = Outcomes(scores, right, np.zeros(len(asks), np.bool_), titles)
        every = judged.outcomes().and_also(mine)
        recalls = {name: recall(every, rate)[-len(asks) :] for name, rate in RATES.items()}
        means = {name: mean_by(values, titles, len(names)) for name, values in recalls.items()}
        counts = np.bincount(titles, minlength=len(names))
        claimed = np.array([answer.verdict in CLAIMS for answer in answers])
        return {
            "verdicts": round(100 * float((claimed & right).mean()), 2),
            "cells": [
                {"family": FAMILY, "strength": names[n], "n": int(counts[n])}
                | {name: round(100 * float(values[n]), 2) for name, values in means.items()}
                for n in np.unique(titles)
            ],
        }

    def _shown(self, number: int) -> NDArray[np.int64]:
        """Return the frames of a file that are not flat and whose moment the clip holds."""
        clip, line = self.lines[number]
        survey, at = self._surveys[number], line.at(self._surveys[number].times_ms)
        inside = (at >= 0) & (at <= self._surveys[clip].times_ms[-1])
        inside &= survey.times_ms < self._sizes.first_ms
        flat = np.array([is_flat(thumb) for thumb in survey.thumbs])
        return np.flatnonzero(inside & ~flat)
