"""Every family of edits at its strengths, and the recipes that put edits together.

Crops, windows, boxes and overlays lie at places drawn at random, never on a grid. A recipe and a
seed always give the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bench.quality import edit_frames as frames
from bench.quality import edit_geometry as geometry
from bench.quality import edit_overlays as overlays
from bench.quality import edit_tone as tone
from bench.quality.edit_codec import Codec
from bench.quality.pictures import Pixels

VERSION = "1"
STRENGTHS = ("mild", "medium", "heavy")

Step = Callable[[Pixels, np.random.Generator], Pixels]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Edits of one picture, in order; then perhaps a codec over the run that leads to it."""

    steps: tuple[Step, ...] = ()
    codec: Codec | None = None

    def apply(
        self,
        run: Sequence[Pixels],  # frames that end with the one asked for
        seed: int,
    ) -> Pixels:
        """Return the edited picture."""
        if self.codec is None:
            return self._edited(run[-1], seed)
        return self.codec.last([self._edited(picture, seed) for picture in run])

    def _edited(self, picture: Pixels, seed: int) -> Pixels:
        rng = np.random.default_rng(seed)
        for step in (*self.steps, frames.bounded):
            picture = step(picture, rng)
        return picture


class Cell(NamedTuple):
    """A family at a strength: one cell of the table."""

    family: str
    strength: str


def _strengths(edit: Callable[..., Pixels], *arguments: Any) -> tuple[Recipe, ...]:
    """Return an edit at its strengths; a tuple holds several arguments."""
    given = (a if isinstance(a, tuple) else (a,) for a in arguments)
    return tuple(Recipe((_with(edit, *values),)) for values in given)


def _with(edit: Callable[..., Pixels], *arguments: Any) -> Step:
    def step(picture: Pixels, rng: np.random.Generator) -> Pixels:
        return edit(picture, rng, *arguments)

    return step


def _codecs(name: str, *crfs: int) -> tuple[Recipe, ...]:
    return tuple(Recipe(codec=Codec(name, crf)) for crf in crfs)


def _chain(*steps: Step, codec: Codec | None = None) -> Recipe:
    return Recipe(steps, codec)


def _then_jpeg(recipes: Sequence[Recipe], quality: int = 85) -> tuple[Recipe, ...]:
    """Save edited pictures as JPEG, as shared screenshots are."""
    return tuple(Recipe((*r.steps, _with(tone.jpeg, quality)), r.codec) for r in recipes)


FAMILIES: dict[str, tuple[Recipe, ...]] = {
    "none": (Recipe(),),
    "resize": (*_strengths(tone.shrink, 0.5, 0.25), *_strengths(tone.shrink_to, 96)),
    "jpeg": _strengths(tone.jpeg, 90, 50, 20),
    "h264": _codecs("libx264", 23, 32, 40),
    "hevc": _codecs("libx265", 28, 36),
    "vp9": _codecs("libvpx-vp9", 36, 50),
    "crop": _strengths(geometry.crop, 0.05, 0.10, 0.20),
    "corner": _strengths(geometry.corner, 0.05, 0.10, 0.20),
    "window": _strengths(geometry.window, (0.85, 0.95), (0.75, 0.85), (0.62, 0.75)),
    "letterbox": _then_jpeg(_strengths(frames.letterbox, 0.05, 0.125, 0.25)),
    "pillarbox": _then_jpeg(_strengths(frames.pillarbox, 0.05, 0.125, 0.25)),
    "border": _then_jpeg(_strengths(frames.border, 0.025, 0.05, 0.10)),
    "blurred fill": _then_jpeg(_strengths(frames.blurred_fill, 4 / 3, 1.0, 9 / 16)),
    "aspect": _strengths(geometry.squeeze, 0.85, 0.75, 0.5),
    "subtitles": _strengths(overlays.subtitles, 1, 2, 3),
    "logo": _strengths(overlays.logo, 0.02, 0.05, 0.10),
    "sticker": _strengths(overlays.sticker, 0.15, 0.3, 0.5),
    "meme band": _strengths(frames.meme_band, 0.15, 0.25, 0.40),
    "text": _strengths(overlays.big_text, 0.1, 0.2, 0.3),
    "pixelated part": _strengths(overlays.mosaic_region, 0.10, 0.25, 0.50),
    "pixelated": _strengths(tone.mosaic, 0.5, 0.2, 0.1),
    "blur": _strengths(tone.blur, 1, 3, 10),
    "noise": _strengths(tone.noise, 6, 12, 25),
    "brightness": _strengths(tone.brightness, 9, 18, 36),
    "contrast": _strengths(tone.contrast, (0.8, 1.2), (0.6, 1.4), (0.4, 1.8)),
    "gamma": _strengths(tone.gamma, (0.8, 1.25), (0.6, 1.6), (0.45, 2.2)),
    "hue": _strengths(tone.hue, 10, 20, 36),
    "saturation": _strengths(tone.saturation, 0.6, 0.3),
    "greyscale": _strengths(tone.saturation, 0.0),
    "tint": _strengths(tone.tint, 0.1, 0.2, 0.35),
    "mirror": (Recipe((geometry.mirror,)),),
    "upside down": (Recipe((geometry.upside_down,)),),
    "quarter turn": (Recipe((geometry.quarter_turn,)),),
    "rotation": _strengths(geometry.rotate, 2, 4, 15),
    "perspective": _strengths(geometry.perspective, 10, 25, 50),
    "picture in picture": _strengths(frames.picture_in_picture, 0.8, 0.7, 0.5),
    "stacked": (Recipe((frames.stacked,)),),
    "player": _then_jpeg(_strengths(frames.player, 1, 2, 3)),
}

_SUBTITLE = _with(overlays.subtitles, 1)
COMBINATIONS: dict[str, Recipe] = {
    "zoom + subtitle + CRF 32": _chain(
        _with(geometry.zoom, 1.2), _SUBTITLE, codec=Codec("libx264", 32)
    ),
    "mirror + hue 20": _chain(geometry.mirror, _with(tone.hue, 20)),
    "mirror + tint": _chain(geometry.mirror, _with(tone.tint, 0.2)),
    "9:16 fill + sticker + CRF 36": _chain(
        _with(frames.blurred_fill, 9 / 16),
        _with(overlays.sticker, 0.15),
        codec=Codec("libx264", 36),
    ),
    "window + mirror + subtitle": _chain(
        _with(geometry.window, 0.75, 0.95), geometry.mirror, _SUBTITLE
    ),
    "letterbox + logo": _chain(_with(overlays.logo, 0.03), _with(frames.letterbox, 0.08)),
    "rotation 3 + crop 8 %": _chain(_with(geometry.rotate, 3), _with(geometry.crop, 0.08)),
    "player + crop": _chain(_with(frames.player, 2), _with(geometry.crop, 0.04)),
    "greyscale + crop + JPEG 50": _chain(
        _with(tone.saturation, 0.0), _with(geometry.crop, 0.06), _with(tone.jpeg, 50)
    ),
}
COMBINED = "combined"

# Shown upside down or on its side a picture is no protocol of its own; it stays out of the mean.
NOT_IN_MEAN = frozenset({"upside down", "quarter turn"})


def cells() -> tuple[Cell, ...]:
    """Return every cell in the order of the table."""
    plain = [
        Cell(family, strength)
        for family, recipes in FAMILIES.items()
        for strength in _names(len(recipes))
    ]
    return (*plain, *(Cell(COMBINED, name) for name in COMBINATIONS))


def recipe(cell: Cell) -> Recipe:
    """Return what a cell does to a picture."""
    if cell.family == COMBINED:
        return COMBINATIONS[cell.strength]
    recipes = FAMILIES[cell.family]
    return recipes[_names(len(recipes)).index(cell.strength)]


def _names(count: int) -> tuple[str, ...]:
    return ("-",) if count == 1 else STRENGTHS[:count]
