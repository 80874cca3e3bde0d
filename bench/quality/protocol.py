"""What is asked: positives and negatives at random times, and what is left out of each search.

All clips are indexed once. A query whose answer must be "no" is asked as if what it is from were
not: the whole title (`unrelated`), or the episode alone (`series`: same characters, other episode).
Where something else that is searched shares most of the picture, the same set and nearly the same
drawing, the query is counted apart (`shared`): an answer that it is ambiguous is not wrong there.
Distractors made from the query's own title are always left out. So every title takes both parts,
and an exact search answers as if it had never seen what is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.quality.method import Answer
from bench.quality.pictures import Pixels, thumb
from bench.quality.same import ALIKE_SHARE, SHARED_SHARE, Lookup, is_flat, same
from bench.quality.titles import Clip, Media
from bench.quality.transforms import Cell, cells

Kind = Literal["positive", "unrelated", "series", "shared", "flat"]
SERIES_SHARE = 0.3  # of the negatives, where a title has several episodes
PER_FRAME = 8  # negatives made from one frame
NEAR_MS = 1000  # an answer so near to the true time is right


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is asked."""

    per_cell: int  # positives per family and strength
    negatives: int
    flats: int
    distractors: int
    first_ms: int  # queries are taken from so much of each clip
    encodes: int = 0  # pictures of other files, per title
    clips: int = 0  # of a few seconds, per edit; and as many of titles left out


QUICK = Sizes(
    per_cell=6,
    negatives=800,
    flats=60,
    distractors=20_000,
    first_ms=15_000,
    encodes=4,
    clips=1,
)
FULL = Sizes(
    per_cell=20,
    negatives=10_000,
    flats=300,
    distractors=1_000_000,
    first_ms=3_600_000,
    encodes=30,
    clips=4,
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What every frame of a clip looks like."""

    times_ms: NDArray[np.int64]  # (n,)
    thumbs: NDArray[np.uint8]  # (n, 36, 64, 3)


@dataclass(frozen=True, slots=True)
class Ask:
    """One query."""

    kind: Kind
    clip: int  # -1: a drawn flat picture
    frame: int
    cell: Cell
    seed: int


class Protocol:
    """Draws the queries and judges the answers."""

    def __init__(self, media: Media, surveys: Sequence[Survey], sizes: Sizes, seed: int) -> None:
        self.media = media
        self._surveys = surveys
        self._sizes = sizes
        self._seed = seed
        self._flat = [np.array([is_flat(t) for t in s.thumbs]) for s in surveys]
        lengths = [len(survey.times_ms) for survey in surveys]
        self._clip_of = np.repeat(np.arange(len(lengths)), lengths)
        self._lookup = Lookup(np.concatenate([survey.thumbs for survey in surveys]))
        self.n_alike_dropped = 0

    def asks(self) -> list[Ask]:
        """Return all queries; a seed always gives the same."""
        self.n_alike_dropped = 0
        return [*self._positives(), *self._negatives(), *self._flats()]

    def left_out(self, ask: Ask) -> frozenset[int]:
        """Return the clips that are not searched for a query."""
        if ask.kind in ("positive", "flat"):
            return frozenset()
        clip = self.media.clips[ask.clip]
        if ask.kind == "unrelated":
            return frozenset(other.number for other in self.media.same_title(clip))
        return frozenset([clip.number])

    def title(self, ask: Ask) -> str:
        """Return the title that a query is from."""
        return "" if ask.clip < 0 else self.media.clips[ask.clip].title

    def right(self, ask: Ask, answer: Answer) -> bool:
        """Tell whether an answer to a positive names its moment, or one that shows the same.

        It does when the frame asked for, or one that shows the same picture (a held or repeated
        drawing, the scene in another file), is at most a second outside of the range answered.
        """
        if not 0 <= answer.number < len(self._surveys):
            return False
        asked, found = self._surveys[ask.clip], self._surveys[answer.number]
        true_ms = int(asked.times_ms[ask.frame])
        first_ms, last_ms = answer.from_ms - NEAR_MS, answer.to_ms + NEAR_MS
        if answer.number == ask.clip and first_ms <= true_ms <= last_ms:
            return True
        near = (found.times_ms >= first_ms) & (found.times_ms <= last_ms)
        return bool(same(found.thumbs[near], asked.thumbs[ask.frame]).any())

    def frame_at(self, clip: int, time_ms: int) -> int:
        """Return the number of the frame of a clip that is nearest to a time."""
        return int(np.abs(self._surveys[clip].times_ms - time_ms).argmin())

    def name(self, number: int) -> str:
        """Return what people call a clip, a chunk of distractors, or nothing."""
        clips = self.media.clips
        if not 0 <= number < len(clips):
            return "a distractor" if number > 0 else "nothing"
        return clips[number].path.stem[-24:]

    def _positives(self) -> list[Ask]:
        asks = []
        for number, cell in enumerate(cells()):
            rng = np.random.default_rng((self._seed, 3, number))
            for _ in range(self._sizes.per_cell):
                clip, frame = self._draw(rng, lambda flat: not flat)
                asks.append(Ask("positive", clip.number, frame, cell, _seed(rng)))
        return asks

    def _negatives(self) -> list[Ask]:
        rng = np.random.default_rng((self._seed, 4))
        asks: list[Ask] = []
        while len(asks) < self._sizes.negatives:
            clip, frame = self._draw(rng, lambda flat: not flat)
            several = len(self.media.same_title(clip)) > 1
            kind: Kind = "series" if several and rng.random() < SERIES_SHARE else "unrelated"
            share = self._closest(Ask(kind, clip.number, frame, cells()[0], 0))
            if share <= ALIKE_SHARE:
                self.n_alike_dropped += 1
                continue
            if share <= SHARED_SHARE:
                kind = "shared"
            asks += [
                Ask(kind, clip.number, frame, _cell(rng), _seed(rng)) for _ in range(PER_FRAME)
            ]
        return asks[: self._sizes.negatives]

    def _flats(self) -> list[Ask]:
        """Take flat frames of clips, where there are any, and drawn ones."""
        rng = np.random.default_rng((self._seed, 5))
        asks = []
        some = any(flat.any() for flat in self._flat)
        for number in range(self._sizes.flats):
            if some and number % 2:
                clip, frame = self._draw(rng, lambda flat: flat)
                asks.append(Ask("flat", clip.number, frame, cells()[0], _seed(rng)))
            else:
                asks.append(Ask("flat", -1, 0, cells()[0], _seed(rng)))
        return asks

    def _draw(self, rng: np.random.Generator, wanted: Callable[[bool], bool]) -> tuple[Clip, int]:
        """Draw a random time among all clips until the frame then shown is as wanted."""
        spans = [min(int(s.times_ms[-1]) + 1, self._sizes.first_ms) for s in self._surveys]
        ends = np.cumsum(spans)
        for _ in range(100_000):
            at = int(rng.integers(ends[-1]))
            number = int(np.searchsorted(ends, at, side="right"))
            time_ms = at - int(ends[number]) + spans[number]
            frame = int(np.abs(self._surveys[number].times_ms - time_ms).argmin())
            if wanted(bool(self._flat[number][frame])):
                return self.media.clips[number], frame
        raise ValueError("no frame of the kind asked for in these clips")

    def _closest(self, ask: Ask) -> float:
        """Return how much the frame most alike among those searched differs from a query's."""
        searched = ~np.isin(self._clip_of, list(self.left_out(ask)))
        thumb = self._surveys[ask.clip].thumbs[ask.frame]
        return self._lookup.closest(thumb, searched)[1]


class Looks:
    """Tells which pictures hold nothing to recognise once they are edited."""

    name = "looks"
    version = "1"

    def query(self, picture: Pixels) -> bool:
        """Tell whether a picture is flat."""
        return is_flat(thumb(picture))


def as_edited(asks: Sequence[Ask], flat: Sequence[bool]) -> list[Ask]:
    """Return the queries; of those that came out flat nothing is to be found."""
    return [
        replace(ask, kind="flat") if its and ask.kind != "flat" else ask
        for ask, its in zip(asks, flat, strict=True)
    ]


def flat_picture(seed: int) -> Pixels:
    """Draw black, white, one colour, a gentle gradient, or one of them with noise."""
    rng = np.random.default_rng(seed)
    colour = [np.zeros(3), np.full(3, 255), rng.uniform(0, 255, 3)][int(rng.integers(3))]
    slope = np.linspace(-1, 1, 360)[:, None, None] * rng.choice([0.0, 4.0])
    picture = np.broadcast_to(colour + slope, (360, 640, 3))
    noise = rng.standard_normal(picture.shape) * rng.choice([0.0, 2.0, 5.0])
    pixels: Pixels = np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)
    return pixels


def chunks_of(titles: Sequence[Collection[str]], title: str, first: int) -> frozenset[int]:
    """Return the numbers, counted from `first`, of the chunks that hold a title."""
    return frozenset(first + n for n, made_from in enumerate(titles) if title in made_from)


def _cell(rng: np.random.Generator) -> Cell:
    return cells()[int(rng.integers(len(cells())))]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 31))
