"""Pictures that are right for no query, made from real clips and stills.

They are crops, mirrors, recolourings, blends and collages. Each chunk of them is made from one or
two titles only, so that whoever asks with a frame of a title can leave out what is made from it:
an altered copy of the very picture asked for is no distractor. A seed always gives the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from bench.quality.edit_tone import hue
from bench.quality.pictures import Pixels, fitted, frames, to_rgb, upright_size
from bench.quality.titles import Media

VERSION = "2"
SIZE = (160, 90)  # width and height
CHUNK = 1000  # pictures
STILLS = "stills"  # stands for a title
_BASE_SIZE = (256, 256)
_BASES_PER_CLIP = 40


class Chunk(NamedTuple):
    """Distractors made from some titles."""

    number: int
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """The pictures that distractors are made from, by title."""

    pictures: dict[str, list[Pixels]]

    @staticmethod
    def of(media: Media, n_frames: Sequence[int]) -> Pool:
        """Take frames spread over every clip, whose lengths are given, and all stills."""
        pictures: dict[str, list[Pixels]] = {STILLS: []}
        for clip, length in zip(media.clips, n_frames, strict=True):
            pictures.setdefault(clip.title, []).extend(_spread(clip.path, length))
        for path in media.stills:
            pictures[STILLS].extend(_spread(path, 1))
        return Pool({title: found for title, found in pictures.items() if found})


def chunks(pool: Pool, count: int, seed: int) -> list[Chunk]:
    """Return the chunks that hold `count` distractors."""
    titles = sorted(pool.pictures)
    drawn = []
    for number in range(-(-count // CHUNK)):
        rng = np.random.default_rng((seed, 1, number))
        chosen = rng.choice(titles, min(len(titles), int(rng.integers(1, 3))), replace=False)
        drawn.append(Chunk(number, tuple(sorted(str(title) for title in chosen))))
    return drawn


def make(pool: Pool, chunk: Chunk, seed: int) -> NDArray[np.uint8]:
    """Return the pictures of a chunk, (n, 90, 160, 3)."""
    return np.stack([make_one(pool, chunk, seed, number) for number in range(CHUNK)])


def make_one(pool: Pool, chunk: Chunk, seed: int, number: int) -> Pixels:
    """Return one picture of a chunk."""
    rng = np.random.default_rng((seed, 2, chunk.number, number))
    bases = [picture for title in chunk.titles for picture in pool.pictures[title]]
    return _picture(bases, rng)


def write_video(pictures: NDArray[np.uint8], path: Path) -> None:
    """Store pictures without loss as a video of one picture per second."""
    with av.open(str(path), "w", format="nut") as container:
        stream = container.add_stream("rawvideo", rate=Fraction(1))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = SIZE[0], SIZE[1], "rgb24"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _spread(path: Path, n_frames: int) -> Iterator[Pixels]:
    """Yield frames of a clip at even distances."""
    step = max(1, n_frames // _BASES_PER_CLIP)
    for frame in islice(frames(path), 0, None, step):
        yield to_rgb(frame.picture, *fitted(*upright_size(frame.picture), _BASE_SIZE))


def _picture(bases: Sequence[Pixels], rng: np.random.Generator) -> Pixels:
    """Draw one distractor."""
    picture = _part(bases, rng, SIZE)
    kind = rng.random()
    if kind < 0.3:
        share = rng.uniform(0.25, 0.75)
        picture = picture * share + _part(bases, rng, SIZE) * (1 - share)
    elif kind < 0.6:
        picture = _collage(bases, rng, picture)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _part(
    bases: Sequence[Pixels], rng: np.random.Generator, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return a crop of some picture, perhaps mirrored, in other colours."""
    base = Image.fromarray(bases[int(rng.integers(len(bases)))])
    width, height = rng.uniform(0.35, 1.0, 2) * base.size
    left, top = rng.uniform(0, 1, 2) * (base.width - width, base.height - height)
    box = (left, top, left + width, top + height)
    part = np.asarray(base.resize(size, Image.Resampling.BILINEAR, box))
    if rng.random() < 0.5:
        part = part[:, ::-1]
    if rng.random() < 0.6:
        part = hue(part, rng, rng.uniform(0, 180))
    gain, middle = rng.uniform(0.5, 1.4), rng.uniform(80, 170)
    return np.asarray((part.astype(np.float32) - 128) * gain + middle, np.float32)


def _collage(
    bases: Sequence[Pixels], rng: np.random.Generator, picture: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Put one to three other parts over a picture."""
    collage = picture.copy()
    for _ in range(int(rng.integers(1, 4))):
        w, h = (int(n * rng.uniform(0.25, 0.7)) for n in SIZE)
        x, y = rng.integers(0, SIZE[0] - w), rng.integers(0, SIZE[1] - h)
        collage[y : y + h, x : x + w] = _part(bases, rng, (w, h))
    return collage
