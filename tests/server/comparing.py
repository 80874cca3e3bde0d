"""A comparer over a small library, with pictures and films drawn by code."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mitate.kernels import signature_file
from mitate.kernels.decode import Limits
from mitate.kernels.errors import NotFound
from mitate.kernels.sign import sign
from mitate.kernels.signature import Signature
from mitate.kernels.stills import Still, still
from mitate.server.catalog import Catalog
from mitate.server.comparer import Comparer
from mitate.server.comparison import Comparison, Subject
from mitate.server.engine import Engine
from mitate.server.index import make_index
from mitate.server.library import Library, NewSource
from mitate.server.records import Names
from mitate.server.tickets import Ticket
from mitate.server.workers import WorkerPool

SHOT_MS = 1000


def scene(seed: int, width: int = 320, height: int = 180) -> Image.Image:
    """Return a drawn picture of shapes, different for every seed."""
    rng = np.random.default_rng(seed)
    base = rng.integers(60, 200, (5, 8, 3)).astype(np.uint8)
    image = Image.fromarray(base).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w = int(rng.integers(width // 20, width // 4))
        h = int(rng.integers(height // 20, height // 4))
        draw.ellipse((x - w, y - h, x + w, y + h), fill=tuple(rng.integers(40, 230, 3).tolist()))
    return image


def film(path: Path, seeds: Iterable[int]) -> Path:
    """Write a film as an animated picture; every scene is shown for SHOT_MS."""
    first, *rest = (scene(seed) for seed in seeds)
    first.save(path, save_all=True, append_images=rest, duration=SHOT_MS, lossless=True)
    return path


def signed(path: Path, signature: Signature) -> Path:
    """Write a signature file."""
    with path.open("wb") as file:
        signature_file.write(signature, file)
    return path


class DirectPool:
    """Decodes here and now."""

    def sign(self, path: Path, progress: Any, cancelled: Any, limits: Limits) -> Signature:
        progress(1, 0, 0)
        return sign(path, limits=limits)

    def still(
        self, path: Path, at_ms: int | None, progress: Any, cancelled: Any, limits: Limits
    ) -> Still:
        return still(path, at_ms, limits=limits)


class SmallCatalog:
    """Source i is episode i of title i; episode 99 is empty."""

    def __init__(self, n_sources: int) -> None:
        self.n_sources = n_sources

    def names(self, source_ids: Iterable[int]) -> dict[int, Names]:
        return {i: Names(f"Title {i}", i, "第1話", i, i) for i in source_ids}

    def get_episode(self, episode_id: int) -> None:
        if episode_id != 99 and not 1 <= episode_id <= self.n_sources:
            raise NotFound(f"there is no episode {episode_id}")


class Comparing:
    """Compares; A and B are paths, signatures' paths, or ids of episodes."""

    def __init__(self, engine: Engine, n_sources: int) -> None:
        pool, catalog = cast(WorkerPool, DirectPool()), cast(Catalog, SmallCatalog(n_sources))
        self.comparer = Comparer(engine, pool, catalog, Limits(max_duration_s=3600), 0.001)
        self.n_reports = 0

    def _report(self, *numbers: int) -> None:
        self.n_reports += 1

    def subjects(self, a: Subject, b: Subject) -> Comparison:
        return self.comparer.compare(a, b, self._report, threading.Event(), Ticket())

    def __call__(
        self, a: Path | int, b: Path | int, at_a: int | None = None, at_b: int | None = None
    ) -> Comparison:
        return self.subjects(subject("A", a, at_a), subject("B", b, at_b))


def subject(letter: str, what: Path | int, at_ms: int | None) -> Subject:
    if isinstance(what, int):
        return Subject(letter, episode_id=what, at_ms=at_ms)
    return Subject(letter, what, what.name, at_ms=at_ms)


@contextmanager
def comparing(signatures: list[Signature]) -> Iterator[Comparing]:
    """Yield a comparer over a library of these films, episodes 1 and on."""
    library = Library(lambda: make_index("numpy"))
    engine = Engine(library, 100_000)
    sources = [NewSource(i + 1, i + 1, i + 1, one) for i, one in enumerate(signatures)]
    engine.change(lambda library: library.add(*sources)).result()
    try:
        yield Comparing(engine, len(sources))
    finally:
        engine.close()


def blocks(image: Image.Image) -> NDArray[np.float64]:
    """Return a picture in 8x8 cells of mean colour."""
    return np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BOX), np.float64)
