"""Clips of 3 to 10 s: one edit of the picture or of time each, and negatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from bench.quality.transforms import Cell
from bench.timeline.plan import PLAIN, Ask, Look, Planner, Rng, Shot

CLIP_S = (3.0, 10.0)
NAMED_SPEEDS = (0.25, 0.5, 0.75, 24 / 23.976, 25 / 24, 1.25, 1.5, 2.0, 4.0)
FRAME_RATES = (5, 10, 15, 30, 60)
MEDIUM = (
    *("resize", "jpeg", "crop", "corner", "letterbox", "pillarbox", "border", "aspect"),
    *("subtitles", "logo", "sticker", "meme band", "text", "pixelated part", "blur", "noise"),
    *("brightness", "contrast", "gamma", "hue", "saturation", "tint", "rotation"),
)


def cells() -> list[Cell]:
    """Return every edit a clip can have, in the order of the table."""
    return [
        PLAIN,
        Cell("mirror", "-"),
        *(Cell(family, "medium") for family in MEDIUM),
        *(Cell("codec", f"CRF {crf}") for crf in (23, 32, 40)),
        *(Cell("speed", f"{speed:.4g}") for speed in NAMED_SPEEDS),
        *(Cell("rate", str(rate)) for rate in FRAME_RATES),
        *(Cell(name, "-") for name in ("reverse", "freeze", "insert", "cross-fade", "shuffle")),
    ]


def clip(planner: Planner, seed: int, number: int, cell: Cell) -> Ask:
    """Draw a clip with an edit."""
    rng = np.random.default_rng((seed, 2, number))
    return replace(_drawn(planner, rng, list(planner.clips), number, cell), cell=cell)


def negative(planner: Planner, seed: int, number: int, cell: Cell) -> Ask:
    """Draw a clip with an edit, of a title that is not searched."""
    rng = np.random.default_rng((seed, 3, number))
    titles = [str(rng.choice(list(planner.clips)))]
    ask = _drawn(planner, rng, titles, number, cell)
    left_out = frozenset(planner.clips[titles[0]])
    return replace(ask, kind="negative", left_out=left_out, cell=cell)


def _drawn(planner: Planner, rng: Rng, titles: Sequence[str], number: int, cell: Cell) -> Ask:
    """Draw a clip; where a title is too short for it, a shorter one, then another cell."""
    for longest in (CLIP_S[1], CLIP_S[0], 1.5):
        n_frames = round(24 * rng.uniform(min(CLIP_S[0], longest), longest))
        try:
            return _edited(planner, rng, titles, number, cell, n_frames)
        except ValueError:
            continue
    return _edited(planner, rng, titles, number, PLAIN, 24)


def _edited(
    planner: Planner, rng: Rng, titles: Sequence[str], number: int, cell: Cell, n_frames: int
) -> Ask:
    rate, speed = Fraction(24), 1.0
    if cell.family == "speed":
        speed = min(NAMED_SPEEDS, key=lambda one: abs(one - float(cell.strength)))
    if cell.family == "rate":
        rate = Fraction(int(cell.strength))
        n_frames = round(n_frames * rate / 24)
    if cell.family == "reverse":
        speed = -1.0
    look = Look(cell=cell if cell.family in MEDIUM else None)
    number_of, from_ms = planner.place(rng, titles, float(n_frames / rate * 1000), speed)
    shot = Shot(number_of, 0, n_frames, from_ms, speed, cell.family == "mirror", look)
    crf = int(cell.strength.split()[1]) if cell.family == "codec" else 23
    shots: tuple[Shot, ...] = (shot,)
    if cell.family in _IN_TIME:
        shots = _IN_TIME[cell.family](planner, rng, titles, shot, rate)
    return Ask("clip", number, shots, frozenset(), rate, crf)


def _frozen(
    planner: Planner, rng: Rng, titles: Sequence[str], shot: Shot, rate: Fraction
) -> tuple[Shot, ...]:
    """Stop for a second in the middle."""
    middle, pause = (shot.first + shot.stop) // 2, round(rate)
    at_ms = shot.from_ms + float(1000 * (middle - shot.first) / rate)
    return (
        replace(shot, stop=middle),
        replace(shot, first=middle, stop=middle + pause, from_ms=at_ms, speed=0.0),
        replace(shot, first=middle + pause, stop=shot.stop + pause, from_ms=at_ms),
    )


def _inserted(
    planner: Planner, rng: Rng, titles: Sequence[str], shot: Shot, rate: Fraction
) -> tuple[Shot, ...]:
    """Put 30 % of something else in the middle."""
    middle, pause = (shot.first + shot.stop) // 2, round(0.3 * (shot.stop - shot.first))
    at_ms = shot.from_ms + float(1000 * (middle - shot.first) / rate)
    other = planner.place(rng, titles, float(pause / rate * 1000), 1.0)
    return (
        replace(shot, stop=middle),
        Shot(other[0], middle, middle + pause, other[1], 1.0),
        replace(shot, first=middle + pause, stop=shot.stop + pause, from_ms=at_ms),
    )


def _cross_faded(
    planner: Planner, rng: Rng, titles: Sequence[str], shot: Shot, rate: Fraction
) -> tuple[Shot, ...]:
    """Fade into another clip half way."""
    middle = (shot.first + shot.stop) // 2
    long_ms = float((shot.stop - middle) / rate * 1000)
    other = planner.place(rng, titles, long_ms, 1.0, spare_ms=500)
    fade = 2 * round(rate / 4)
    return (
        replace(shot, stop=middle),
        Shot(other[0], middle, shot.stop, other[1], 1.0, fade_frames=fade),
    )


def _shuffled(
    planner: Planner, rng: Rng, titles: Sequence[str], shot: Shot, rate: Fraction
) -> tuple[Shot, ...]:
    """Cut into three and put them in another order."""
    cuts = np.linspace(shot.first, shot.stop, 4).astype(int).tolist()
    parts = list(pairwise(cuts))
    shots: list[Shot] = []
    for begin, end in (parts[2], parts[0], parts[1]):
        first = shots[-1].stop if shots else 0
        from_ms = shot.from_ms + float(1000 * (begin - shot.first) / rate)
        shots.append(replace(shot, first=first, stop=first + end - begin, from_ms=from_ms))
    return tuple(shots)


_IN_TIME = {
    "freeze": _frozen,
    "insert": _inserted,
    "cross-fade": _cross_faded,
    "shuffle": _shuffled,
}
