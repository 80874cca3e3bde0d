"""The slow parts, each piece kept in the cache: surveys, distractors, references, queries."""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.quality import distractors, transforms
from bench.quality.cache import Cache, key_of
from bench.quality.method import Describer, Method, Reference, Video, code_version
from bench.quality.pictures import Pixels, frames, runs, small_frames, thumb, to_rgb
from bench.quality.protocol import Ask, Survey, flat_picture
from bench.quality.titles import Media

_EDITS = code_version(
    *(f"bench/quality/edit_{name}.py" for name in ("codec", "frames", "geometry")),
    *(f"bench/quality/edit_{name}.py" for name in ("overlays", "tone")),
    "bench/quality/transforms.py",
    "bench/quality/pictures.py",
)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes what is not in the cache yet, with several processes."""

    cache: Cache
    media: Media
    seed: int
    jobs: int = 1

    def surveys(self) -> list[Survey]:
        """Return the survey of every clip."""
        self._each(self._make_survey, range(len(self.media.clips)), "clips surveyed")
        return [self._survey(number) for number in range(len(self.media.clips))]

    def pool(self, n_frames: Sequence[int]) -> distractors.Pool:
        """Return the pictures that distractors are made from."""
        names = self._pool_names()
        if not self.cache.has(*names):
            self.cache.put(distractors.Pool.of(self.media, n_frames), *names)
        return _read_pool(self.cache.path(*names))

    def chunk_references(
        self, methods: Sequence[Method], pool: distractors.Pool, count: int
    ) -> tuple[list[distractors.Chunk], dict[str, list[Reference]]]:
        """Return the chunks of distractors, and what each method keeps of them."""
        chunks = distractors.chunks(pool, count, self.seed)
        folder = key_of(distractors.VERSION, self._files(), self.seed)
        make = partial(self._make_chunk, methods, folder)
        self._each(make, chunks, "thousand distractors described")
        return chunks, {
            method.name: [self.cache.get(*_chunk_names(folder, method, c)) for c in chunks]
            for method in methods
        }

    def clip_references(self, methods: Sequence[Method]) -> dict[str, list[Reference]]:
        """Return what each method keeps of every clip."""
        make = partial(self._make_reference, methods)
        self._each(make, range(len(self.media.clips)), "clips described")
        return {
            method.name: [
                self.cache.get("clips", _kept(method), self._file(number))
                for number in range(len(self.media.clips))
            ]
            for method in methods
        }

    def queries(self, methods: Sequence[Describer], asks: Sequence[Ask]) -> dict[str, list[Any]]:
        """Return how each method describes every query, in the order of `asks`."""
        by_clip: defaultdict[int, list[int]] = defaultdict(list)
        for place, ask in enumerate(asks):
            by_clip[ask.clip].append(place)
        groups = [(clip, [asks[place] for place in places]) for clip, places in by_clip.items()]
        self._each(partial(self._make_queries, methods), groups, "clips asked with")
        found: dict[str, list[Any]] = {method.name: [None] * len(asks) for method in methods}
        for (clip, mine), places in zip(groups, by_clip.values(), strict=True):
            for method in methods:
                made = self.cache.get(*self._query_names(method, clip, mine))
                for place, query in zip(places, made, strict=True):
                    found[method.name][place] = query
        return found

    def pictures(self, clip: int, asks: Sequence[Ask]) -> Iterator[tuple[int, Pixels, Pixels]]:
        """Yield the place among `asks`, the frame and the edited picture of each query."""
        if clip < 0:
            for place, ask in enumerate(asks):
                flat = flat_picture(ask.seed)
                yield place, flat, flat
            return
        places: defaultdict[int, list[int]] = defaultdict(list)
        for place, ask in enumerate(asks):
            places[ask.frame].append(place)
        for frame, run in runs(self.media.clips[clip].path, places):
            for place in places[frame]:
                ask = asks[place]
                yield place, run[-1], transforms.recipe(ask.cell).apply(run, ask.seed)

    def _make_survey(self, number: int) -> None:
        self._survey(number)

    def _survey(self, number: int) -> Survey:
        return self.cache.of(
            lambda: _survey(self.media.clips[number].path), "surveys", self._file(number)
        )

    def _make_chunk(
        self,
        methods: Sequence[Method],
        folder: str,
        chunk: distractors.Chunk,
    ) -> None:
        missing = [m for m in methods if not self.cache.has(*_chunk_names(folder, m, chunk))]
        if not missing:
            return
        pool = _read_pool(self.cache.path(*self._pool_names()))
        pictures = distractors.make(pool, chunk, self.seed)
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "distractors.nut"
            distractors.write_video(pictures, path)
            video = Video(path, lambda: ((1000 * i, p) for i, p in enumerate(pictures)))
            for method in missing:
                reference = method.reference(video)
                self.cache.put(reference, *_chunk_names(folder, method, chunk))

    def _make_reference(self, methods: Sequence[Method], number: int) -> None:
        path = self.media.clips[number].path
        video = Video(path, partial(small_frames, path))
        for method in methods:
            self.cache.of(
                partial(method.reference, video), "clips", _kept(method), self._file(number)
            )

    def _make_queries(self, methods: Sequence[Describer], group: tuple[int, list[Ask]]) -> None:
        clip, asks = group
        missing = [m for m in methods if not self.cache.has(*self._query_names(m, clip, asks))]
        if not missing:
            return
        made: dict[str, list[Any]] = {method.name: [None] * len(asks) for method in missing}
        for place, _, picture in self.pictures(clip, asks):
            for method in missing:
                made[method.name][place] = method.query(picture)
        for method in missing:
            self.cache.put(made[method.name], *self._query_names(method, clip, asks))

    def _query_names(self, method: Describer, clip: int, asks: Sequence[Ask]) -> tuple[str, ...]:
        file = "drawn" if clip < 0 else self._file(clip)
        return "queries", _of(method), f"{file}-{key_of(_EDITS, tuple(asks))}"

    def _pool_names(self) -> tuple[str, ...]:
        stills = [path.name for path in self.media.stills]
        return "pool", key_of(distractors.VERSION, self._files(), stills)

    def _file(self, number: int) -> str:
        path = self.media.clips[number].path
        return f"{path.stem}-{key_of(path.name, path.stat().st_size)}"

    def _files(self) -> list[str]:
        return [self._file(number) for number in range(len(self.media.clips))]

    def _each(self, work: Callable[[Any], None], items: Iterable[Any], what: str) -> None:
        """Do work on every item, saying now and then how far it is."""
        listed = list(items)
        if self.jobs > 1:
            with ProcessPoolExecutor(self.jobs) as pool:
                _count(pool.map(work, listed), len(listed), what)
        else:
            _count(map(work, listed), len(listed), what)


def _count(done: Iterable[None], total: int, what: str) -> None:
    for number, _ in enumerate(done, 1):
        if number % 25 == 0 or number == total:
            print(f"{number} of {total} {what}", file=sys.stderr, flush=True)


@lru_cache(maxsize=1)
def _read_pool(path: Path) -> distractors.Pool:
    """Read the pool once in each process."""
    with path.open("rb") as file:
        pool: distractors.Pool = pickle.load(file)
    return pool


def _survey(path: Path) -> Survey:
    found = [(frame.time_ms, thumb(to_rgb(frame.picture, 320, 180))) for frame in frames(path)]
    times_ms, thumbs = zip(*found, strict=True)
    return Survey(np.array(times_ms, np.int64), np.stack(thumbs))


def _of(method: Describer) -> str:
    return f"{method.name}-{method.version}"


def _kept(method: Method) -> str:
    return f"{method.name}-{method.reference_version}"


def _chunk_names(folder: str, method: Method, chunk: distractors.Chunk) -> tuple[str, ...]:
    return "distractors", folder, _kept(method), f"{chunk.number:06d}"
