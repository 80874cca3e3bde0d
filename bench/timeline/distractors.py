"""Videos of scenes that are right for no query, as signatures without pictures in between.

A scene is a pan over small parts of real frames, recoloured, blended, mirrored. Block means of any
part come from sums over the frame, so a million descriptors take minutes. No scene shows more than
60 % of either side of a frame, less than any query of the bench does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.quality.distractors import Pool
from mitate.kernels.borders import Rect
from mitate.kernels.layout import describe, mirror_means
from mitate.kernels.quality import quality
from mitate.kernels.runs import run_starts
from mitate.kernels.signature import (
    DESCRIPTOR_VERSION,
    LUMA_COLS,
    LUMA_ROWS,
    THUMB_COLS,
    THUMB_ROWS,
    Signature,
)
from mitate.kernels.thumbnails import luma_of_means, luma_starts
from mitate.kernels.vector import derive
from mitate.kernels.windows import WINDOWS

EPISODE_FRAMES = 10_000
STEP_MS = 125
SCENE_FRAMES = (8, 40)
LARGEST_PART = 0.6
_CELLS = 80  # of the grid in which windows are given

Boxes = NDArray[np.float64]  # (n, 4) left, top, right, bottom in shares of the picture
Means = NDArray[np.float64]  # (n, rows, cols, 3)
Shape = tuple[int, int]  # rows and columns of cells
_BLOCKS: Shape = (8, 8)


@dataclass(frozen=True, slots=True)
class Summed:
    """A picture as sums from its top left corner."""

    sums: NDArray[np.float64]  # (h + 1, w + 1, 3)

    @staticmethod
    def of(picture: NDArray[np.uint8]) -> Summed:
        """Sum up a picture, (h, w, 3)."""
        sums = np.zeros((picture.shape[0] + 1, picture.shape[1] + 1, 3))
        sums[1:, 1:] = picture.astype(np.float64).cumsum(0).cumsum(1)
        return Summed(sums)

    def means(self, boxes: Boxes, shape: Shape = _BLOCKS) -> Means:
        """Return the means of cells of parts of the picture."""
        height, width = (n - 1 for n in self.sums.shape[:2])
        down, across = (np.linspace(0, 1, n + 1) for n in shape)
        xs = (boxes[:, :1] + (boxes[:, 2:3] - boxes[:, :1]) * across) * width
        ys = (boxes[:, 1:2] + (boxes[:, 3:4] - boxes[:, 1:2]) * down) * height
        corners = self._at(ys[:, :, None], xs[:, None, :])
        blocks = np.diff(np.diff(corners, axis=1), axis=2)
        areas = np.diff(ys, axis=1)[:, :, None] * np.diff(xs, axis=1)[:, None, :]
        return np.asarray(blocks / areas[..., None])

    def _at(self, ys: NDArray[np.float64], xs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum up to points between pixels."""
        y0 = np.minimum(ys.astype(np.int64), self.sums.shape[0] - 2)
        x0 = np.minimum(xs.astype(np.int64), self.sums.shape[1] - 2)
        dy, dx = (ys - y0)[..., None], (xs - x0)[..., None]
        top = self.sums[y0, x0] * (1 - dx) + self.sums[y0, x0 + 1] * dx
        bottom = self.sums[y0 + 1, x0] * (1 - dx) + self.sums[y0 + 1, x0 + 1] * dx
        return np.asarray(top * (1 - dy) + bottom * dy)


def pictures(pool: Pool) -> list[Summed]:
    """Return what scenes are made from."""
    return [Summed.of(picture) for _, found in sorted(pool.pictures.items()) for picture in found]


def episode(made_from: list[Summed], number: int, seed: int, n: int = EPISODE_FRAMES) -> Signature:
    """Return a video of n frames, each with a descriptor of its own."""
    rng = np.random.default_rng((seed, 4, number))
    scenes: list[_Scene] = []
    firsts = [0]
    while firsts[-1] < n:
        scenes.append(_scene(made_from, rng))
        firsts.append(firsts[-1] + len(scenes[-1].layouts))
    layouts, mirrored, qualities = (
        np.concatenate(column)[:n] for column in list(zip(*scenes, strict=True))[:3]
    )
    run_first = np.concatenate(
        [at + one.run_first for at, one in zip(firsts, scenes, strict=False)]
    )
    windows, thumbnails = (
        np.concatenate([getattr(scene, name) for scene in scenes])[run_first < n]
        for name in ("windows", "thumbnails")
    )
    run_first = run_first[run_first < n].astype(np.uint32)
    lumas = np.concatenate([scene.lumas for scene in scenes])[:n]
    shown = luma_starts(lumas)
    return Signature(
        "video",
        DESCRIPTOR_VERSION,
        "distractor",
        640,
        360,
        Rect(0, 0, 640, 360),
        n * STEP_MS,
        np.arange(n, dtype=np.int64) * STEP_MS,
        np.arange(n, dtype=np.uint32),
        layouts,
        mirrored,
        qualities,
        run_first=run_first,
        windows=windows,
        thumbnails=thumbnails,
        luma_first=shown.astype(np.uint32),
        lumas=lumas[shown],
    )


class _Scene(NamedTuple):
    """Frames of one scene and the runs they form."""

    layouts: NDArray[np.uint8]
    mirrored: NDArray[np.uint8]
    quality: NDArray[np.uint8]
    run_first: NDArray[np.int64]
    windows: NDArray[np.uint8]  # of the first frame of each run
    thumbnails: NDArray[np.uint8]  # likewise
    lumas: NDArray[np.uint8]  # of every frame


def _scene(made_from: list[Summed], rng: np.random.Generator) -> _Scene:
    n = int(rng.integers(*SCENE_FRAMES))
    layers = [_Layer(made_from, rng, n) for _ in range(int(rng.integers(1, 3)))]
    weight = float(rng.uniform(0.3, 0.7)) if len(layers) == 2 else 1.0

    def means(part: Boxes, frames: NDArray[np.int64], shape: Shape = _BLOCKS) -> Means:
        mixed = layers[0].means(part, frames, shape) * weight
        if len(layers) == 2:
            mixed += layers[1].means(part, frames, shape) * (1 - weight)
        return np.clip(mixed, 0, 255)

    all_of_it = np.array([[0.0, 0.0, 1.0, 1.0]])
    whole = means(all_of_it, np.arange(n))
    layouts = describe(whole)
    starts = run_starts(derive(layouts))
    parts = np.array([window.rect for window in WINDOWS], np.float64) / _CELLS
    windows = describe(means(np.tile(parts, (len(starts), 1)), np.repeat(starts, len(parts))))
    small = luma_of_means(means(all_of_it, starts, (THUMB_ROWS, THUMB_COLS)))
    lumas = luma_of_means(means(all_of_it, np.arange(n), (LUMA_ROWS, LUMA_COLS)))
    return _Scene(
        layouts,
        describe(mirror_means(whole)),
        quality(whole),
        starts,
        windows.reshape(len(starts), len(parts), -1),
        np.rint(small).astype(np.uint8),
        np.rint(lumas).astype(np.uint8),
    )


class _Layer:
    """A pan over a part of one picture, in other colours."""

    def __init__(self, made_from: list[Summed], rng: np.random.Generator, n: int) -> None:
        self._summed = made_from[int(rng.integers(len(made_from)))]
        size = rng.uniform(0.3, LARGEST_PART, 2)
        begin, end = rng.uniform(0, 1 - size, (2, 2))
        way = np.linspace(0, 1, n)[:, None] * rng.uniform(0.1, 1)
        corner = begin + (end - begin) * way
        self._boxes = np.hstack([corner, corner + size])
        self._matrix = np.eye(3) + rng.normal(0, 0.25, (3, 3))
        self._gain, self._middle = rng.uniform(0.5, 1.4), rng.uniform(80, 170)
        self._mirrored = rng.random() < 0.5

    def means(self, part: Boxes, frames: NDArray[np.int64], shape: Shape) -> Means:
        """Return the means of cells of a part of each of some frames, or of a part for each."""
        boxes = self._boxes[frames]
        sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        if self._mirrored:
            part = np.stack([1 - part[:, 2], part[:, 1], 1 - part[:, 0], part[:, 3]], axis=1)
        corner = np.tile(boxes[:, :2], 2)
        means = (self._summed.means(corner + sizes * part, shape) - 128) @ self._matrix.T
        means = means * self._gain + self._middle
        return means[:, :, ::-1] if self._mirrored else means
