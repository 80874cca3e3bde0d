"""What is asked: AMVs and clips as lists of shots, drawn at random, with the truth about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.quality.same import is_flat
from bench.quality.transforms import Cell
from bench.timeline.spans import Span

Rng = np.random.Generator
Times = NDArray[np.int64]
Kind = Literal["amv", "unseen", "clip", "negative"]

VERSION = "2"
PLAIN = Cell("none", "-")
SHOT_S = (0.3, 3.0)
SPEEDS = (0.5, 0.75, 0.8, 25 / 24, 1.25, 1.5, 2.0)
RATES = (Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30))
CRFS = (20, 23, 26, 28)
FILLER_SHARE = 0.2  # of an AMV's shots from titles that are not indexed
FADE_MS = (200, 500)
STILL_LEVELS = 2.0  # shots must change by so many levels of 255 from first to last frame


@dataclass(frozen=True, slots=True)
class Look:
    """What an editor did to the picture of a shot."""

    zoom: tuple[float, float] = (1.0, 1.0)  # at its start and end
    centre: tuple[float, float] = (0.5, 0.5)  # of the zoomed part, 0..1 of what it can reach
    bars: bool = False  # kept in shape between black bars rather than stretched
    gamma: float = 1.0
    gain: float = 1.0
    saturation: float = 1.0
    subtitle: int | None = None  # seed of its words
    from_black_ms: int = 0
    cell: Cell | None = None  # an edit of the protocol for pictures


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames first..stop-1 of a query, shown from a clip."""

    clip: int
    first: int
    stop: int
    from_ms: float  # shown by frame `first`
    speed: float  # 0: a freeze
    mirrored: bool = False
    look: Look = field(default_factory=Look)
    fade_frames: int = 0  # by which the shot before is faded over into this, half before it begins


@dataclass(frozen=True, slots=True)
class Ask:
    """A queried video."""

    kind: Kind
    number: int
    shots: tuple[Shot, ...]
    left_out: frozenset[int]  # clips that are searched as if they were not indexed
    rate: Fraction = Fraction(24)
    crf: int = 23
    logo: int | None = None  # seed of one that lies over all of it
    cell: Cell = PLAIN  # what makes a clip hard

    def ms(self, frame: int) -> float:
        """Return when a frame is shown."""
        return float(1000 * frame / self.rate)

    def truth(self) -> list[Span]:
        """Return what is shown of indexed clips, in order."""
        return [self._span(shot) for shot in self.shots if shot.clip not in self.left_out]

    def _span(self, shot: Shot) -> Span:
        begin, end = self.ms(shot.first), self.ms(shot.stop)
        to_ms = shot.from_ms + shot.speed * (end - begin)
        return Span(self.number, shot.clip, begin, end, shot.from_ms, to_ms, shot.mirrored)


@dataclass(frozen=True, slots=True)
class Survey:
    """What every frame of a clip looks like."""

    times_ms: Times  # (n,)
    thumbs: NDArray[np.uint8]  # (n, 36, 64, 3)
    title: str
    shape: float  # width over height

    @property
    def long_ms(self) -> int:
        """When the last frame begins."""
        return int(self.times_ms[-1])

    def frame_at(self, time_ms: float) -> int:
        """Return the frame that is shown at a time."""
        return max(0, int(np.searchsorted(self.times_ms, time_ms + 0.5, side="right")) - 1)

    def shows_something(self, from_ms: float, to_ms: float) -> bool:
        """Tell whether frames between two times are not flat and change."""
        ends = [self.thumbs[self.frame_at(at)] for at in (from_ms, (from_ms + to_ms) / 2, to_ms)]
        first, middle, last = (one.astype(np.int16) for one in ends)
        change = max(np.abs(middle - first).mean(), np.abs(last - middle).mean())
        return change >= STILL_LEVELS and not any(is_flat(one) for one in ends)


class Planner:
    """Draws queries; a seed always gives the same."""

    def __init__(self, surveys: Sequence[Survey | None], seed: int) -> None:
        self._surveys = {number: one for number, one in enumerate(surveys) if one is not None}
        self._seed = seed
        titles = {survey.title for survey in self._surveys.values()}
        self.clips = {
            title: [n for n, survey in self._surveys.items() if survey.title == title]
            for title in sorted(titles)
        }
        long_ms = [sum(self._surveys[n].long_ms for n in self.clips[t]) for t in self.clips]
        self._weights = dict(zip(self.clips, np.sqrt(long_ms).tolist(), strict=True))

    def amv(self, number: int, seconds: float, unseen: bool = False) -> Ask:
        """Draw an AMV, partly or wholly of titles that are not indexed."""
        rng = np.random.default_rng((self._seed, 1, number, unseen))
        rate, crf = RATES[int(rng.integers(len(RATES)))], int(rng.choice(CRFS))
        hidden = self._drawn_titles(rng, 1.0 if unseen else FILLER_SHARE)
        shots: list[Shot] = []
        while not shots or shots[-1].stop < seconds * rate:
            filler = unseen or rng.random() < FILLER_SHARE
            begin = shots[-1].stop if shots else 0
            shots.append(
                self._amv_shot(rng, begin, rate, hidden if filler else self._shown(hidden))
            )
        logo = int(rng.integers(1 << 30)) if rng.random() < 0.1 else None
        kind: Kind = "unseen" if unseen else "amv"
        return Ask(kind, number, tuple(shots), self._of(hidden), rate, crf, logo)

    def _drawn_titles(self, rng: Rng, share: float) -> list[str]:
        """Draw titles that make up a share of the weight of all."""
        titles = [str(title) for title in rng.permutation(list(self.clips))]
        total = share * sum(self._weights.values())
        chosen: list[str] = []
        while titles and sum(self._weights[title] for title in chosen) < total:
            chosen.append(titles.pop())
        return chosen

    def _shown(self, hidden: Sequence[str]) -> list[str]:
        return [title for title in self.clips if title not in hidden]

    def _of(self, titles: Sequence[str]) -> frozenset[int]:
        return frozenset(n for title in titles for n in self.clips[title])

    def _amv_shot(self, rng: Rng, begin: int, rate: Fraction, titles: Sequence[str]) -> Shot:
        n_frames = round(float(rate) * np.exp(rng.uniform(*np.log(SHOT_S))))
        speed = float(rng.choice(SPEEDS)) if rng.random() < 0.3 else 1.0
        faded = begin > 0 and rng.random() < 0.15
        fade = round(float(rng.uniform(*FADE_MS) * rate / 1000)) if faded else 0
        fade = 2 * (min(fade, n_frames) // 2)
        place = self.place(rng, titles, n_frames / rate * 1000, speed, spare_ms=FADE_MS[1])
        shape = self._surveys[place[0]].shape
        return Shot(
            place[0],
            begin,
            begin + n_frames,
            place[1],
            speed,
            bool(rng.random() < 0.3),
            drawn_look(rng, shape, begin == 0),
            fade,
        )

    def place(
        self,
        rng: Rng,
        titles: Sequence[str],
        long_ms: float,
        speed: float,
        spare_ms: float = 0.0,
    ) -> tuple[int, float]:
        """Draw a clip and the time of it that is shown first; something must be seen to move."""
        weights = np.array([self._weights[title] for title in titles])
        needed = max(abs(speed) * (long_ms + 2 * spare_ms), 100.0)
        for _ in range(1000):
            title = str(rng.choice(titles, p=weights / weights.sum()))
            clip = int(rng.choice(self.clips[title]))
            survey = self._surveys[clip]
            if survey.long_ms <= needed:
                continue
            low = float(rng.uniform(0, survey.long_ms - needed)) + abs(speed) * spare_ms
            high = low + abs(speed) * long_ms
            if survey.shows_something(low, high):
                return clip, float(round(high if speed < 0 else low, 3))
        raise ValueError(f"no clip of {sorted(titles)} shows something for {needed:.0f} ms")


def drawn_look(rng: Rng, shape: float, first: bool) -> Look:
    """Draw what is done to the picture of a shot of an AMV."""
    look = Look(centre=(float(rng.random()), float(rng.random())))
    if rng.random() < 0.4:
        begin = float(np.exp(rng.uniform(0, np.log(1.3))))
        end = begin * float(np.exp(rng.uniform(-0.1, 0.1))) if rng.random() < 0.5 else begin
        look = replace(look, zoom=(begin, max(1.0, end)))
    if abs(shape - 16 / 9) > 0.05:
        look = replace(look, bars=bool(rng.random() < 0.4))
    if rng.random() < 0.4:
        gamma, gain = np.exp(rng.uniform(-0.3, 0.3, 2))
        saturation = float(rng.choice([0.0, *rng.uniform(0.4, 1.5, 4)]))
        look = replace(look, gamma=float(gamma), gain=float(gain), saturation=saturation)
    if rng.random() < 0.3:
        look = replace(look, subtitle=int(rng.integers(1 << 30)))
    if first or rng.random() < 0.05:
        look = replace(look, from_black_ms=300)
    return look
