"""The slow parts, each piece kept in the cache: surveys, copies, signatures of what is asked."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.quality.cache import Cache, key_of
from bench.quality.distractors import Pool
from bench.quality.method import code_version
from bench.quality.pictures import frames, thumb, to_rgb
from bench.quality.same import ALIKE_SHARE, Lookup
from bench.quality.titles import Media
from bench.timeline import distractors
from bench.timeline.plan import VERSION as PLAN_VERSION
from bench.timeline.plan import Ask, Survey
from bench.timeline.render import copy_clip, render
from mitate.kernels.sign import sign
from mitate.kernels.signature import Signature

_SAME_CONTENT = 0.3  # of a clip's frames that an earlier one shows too
_COMPARED = 40  # frames of a clip


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes what is not in the cache yet, with several processes."""

    cache: Cache
    media: Media
    seed: int
    jobs: int = 1

    def surveys(self) -> list[Survey]:
        """Return the survey of every clip."""
        self._each(self._survey, range(len(self.media.clips)), "clips surveyed")
        return [self._survey(number) for number in range(len(self.media.clips))]

    def references(self) -> dict[int, Signature]:
        """Return the signature of every clip."""
        self._each(self._reference, range(len(self.media.clips)), "clips signed")
        return {number: self._reference(number) for number in range(len(self.media.clips))}

    def pool(self, surveys: Sequence[Survey]) -> Pool:
        """Return the pictures that distractors are made from."""
        lengths = [len(survey.times_ms) for survey in surveys]
        return self.cache.of(lambda: Pool.of(self.media, lengths), "timeline", self._key("pool"))

    def distractors(self, surveys: Sequence[Survey], count: int) -> list[Signature]:
        """Return videos with `count` descriptors together."""
        if not count:
            return []
        size = min(count, distractors.EPISODE_FRAMES)
        made_from: list[distractors.Summed] = []

        def make(number: int) -> Signature:
            if not made_from:
                made_from.extend(distractors.pictures(self.pool(surveys)))
            return distractors.episode(made_from, number, self.seed, size)

        names = ("timeline", self._key("distractors", _SCENES, size))
        return [
            self.cache.of(partial(make, number), *names, f"{number:05d}")
            for number in range(-(-count // size))
        ]

    def signatures(self, asks: Sequence[Ask], surveys: Sequence[Survey]) -> list[Signature]:
        """Return the signature of every query as a video file of its own."""
        used = sorted({shot.clip for ask in asks for shot in ask.shots})
        self._each(self._copy, used, "clips copied")
        self._each(partial(self._signature, surveys), asks, "queries made")
        return [self._signature(surveys, ask) for ask in asks]

    def video(self, ask: Ask, surveys: Sequence[Survey]) -> Path:
        """Return a query as a video file."""
        key = key_of(PLAN_VERSION, _RENDER, self._files(), ask)
        path = self.cache.path("timeline", "videos", key).with_suffix(".mkv")
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            copies = [self._copy_path(number) for number in range(len(self.media.clips))]
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                made = Path(folder) / "query.mkv"
                render(ask, copies, surveys, made)
                made.replace(path)
        return path

    def _survey(self, number: int) -> Survey:
        make = partial(_survey, self.media.clips[number].path, self.media.clips[number].title)
        return self.cache.of(make, "timeline", "surveys", self._file(number))

    def _reference(self, number: int) -> Signature:
        path = self.media.clips[number].path
        return self.cache.of(
            partial(sign, path, threads=2), "timeline", f"clips-{_KERNELS}", self._file(number)
        )

    def _copy_path(self, number: int) -> Path:
        return self.cache.path("timeline", "copies", self._file(number)).with_suffix(".mkv")

    def _copy(self, number: int) -> None:
        path = self._copy_path(number)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                copy_clip(self.media.clips[number].path, Path(folder) / "copy.mkv")
                (Path(folder) / "copy.mkv").replace(path)

    def _signature(self, surveys: Sequence[Survey], ask: Ask) -> Signature:
        path = self.video(ask, surveys)
        return self.cache.of(partial(sign, path), "timeline", f"asks-{_KERNELS}", path.stem)

    def _file(self, number: int) -> str:
        path = self.media.clips[number].path
        return f"{path.stem}-{key_of(path.name, path.stat().st_size)}"

    def _files(self) -> list[str]:
        return [self._file(number) for number in range(len(self.media.clips))]

    def _key(self, name: str, *parts: Any) -> str:
        return f"{name}-{key_of(self._files(), self.seed, *parts)}"

    def _each(self, work: Callable[[Any], Any], items: Iterable[Any], what: str) -> None:
        listed = list(items)
        if self.jobs > 1:
            with ProcessPoolExecutor(self.jobs) as pool:
                _count(pool.map(partial(_forget, work), listed), len(listed), what)
        else:
            _count(map(work, listed), len(listed), what)


_SIGNED = ("blocks", "borders", "grids", "layout", "quality", "runs", "sign", "shot_borders")
_KERNELS = code_version(
    *(f"kernels/{name}.py" for name in (*_SIGNED, "thumbnails", "vector", "windows"))
)
_SCENES = code_version(
    *(f"kernels/{name}.py" for name in ("layout", "quality", "runs", "vector", "windows")),
    "bench/timeline/distractors.py",
)
_RENDER = code_version("bench/timeline/render.py", "bench/quality/edit_overlays.py")


def _forget(work: Callable[[Any], Any], item: Any) -> None:
    work(item)


def _count(done: Iterable[Any], total: int, what: str) -> None:
    for number, _ in enumerate(done, 1):
        if number % 25 == 0 or number == total:
            print(f"{number} of {total} {what}", file=sys.stderr, flush=True)


def _survey(path: Path, title: str) -> Survey:
    found, shape = [], 1.0
    for frame in frames(path):
        shape = frame.picture.width / frame.picture.height
        found.append((frame.time_ms, thumb(to_rgb(frame.picture, 128, 72))))
    times_ms, thumbs = zip(*found, strict=True)
    return Survey(np.array(times_ms, np.int64), np.stack(thumbs), title, shape)


def repeated(surveys: Sequence[Survey]) -> set[int]:
    """Return the clips much of which an earlier clip shows as well."""
    found: set[int] = set()
    for number, survey in enumerate(surveys):
        earlier = [one for n, one in enumerate(surveys[:number]) if n not in found]
        same_title = [one for one in earlier if one.title == survey.title]
        if not same_title:
            continue
        lookup = Lookup(np.concatenate([one.thumbs for one in same_title]))
        some = survey.thumbs[:: max(1, len(survey.thumbs) // _COMPARED)]
        alike = [lookup.closest(one)[1] <= ALIKE_SHARE for one in some]
        if np.mean(alike) >= _SAME_CONTENT:
            found.add(number)
    return found
