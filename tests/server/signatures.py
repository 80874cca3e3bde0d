"""Signatures made from random numbers, for tests that need no video."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mitate.kernels.borders import Rect
from mitate.kernels.runs import run_starts
from mitate.kernels.signature import (
    DESCRIPTOR_VERSION,
    LUMA_COLS,
    LUMA_ROWS,
    N_WINDOWS,
    THUMB_COLS,
    THUMB_ROWS,
    Signature,
)
from mitate.kernels.vector import derive


def random_layouts(rng: np.random.Generator, n: int) -> NDArray[np.uint8]:
    """Unrelated pictures."""
    layouts = np.clip(np.rint(rng.normal(16, 5, (n, 33))), 0, 31).astype(np.uint8)
    layouts[:, [0, 21, 27]] = rng.integers(10, 50, (n, 3))
    return layouts


def moving_layouts(
    rng: np.random.Generator, n: int, shot_frames: int = 36, held_frames: int = 2
) -> NDArray[np.uint8]:
    """Frames of a film: shots in which the picture drifts, each drawing held some frames."""
    layouts = np.empty((n, 33), np.uint8)
    for first in range(0, n, shot_frames):
        stop = min(first + shot_frames, n)
        start, end = random_layouts(rng, 2).astype(np.float64)
        drawing = (np.arange(stop - first) // held_frames) * held_frames
        share = 0.6 * (drawing / shot_frames)[:, None]
        layouts[first:stop] = np.rint(start + share * (end - start))
    return layouts


def mirror(layouts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Something else that is the same again when done twice."""
    mirrored = layouts.copy()
    mirrored[:, 1:21:2] = 31 - mirrored[:, 1:21:2]
    mirrored[:, 22:27:2] = 31 - mirrored[:, 22:27:2]
    mirrored[:, 28:33:2] = 31 - mirrored[:, 28:33:2]
    return mirrored


def signature(
    layouts: NDArray[np.uint8],  # (n, 33) of every frame
    fps: float = 24.0,
    quality: int = 200,
    times_ms: NDArray[np.int64] | None = None,
    mirrored: NDArray[np.uint8] | None = None,
) -> Signature:
    """Make the signature of a film with the given frames."""
    changed = np.ones(len(layouts), np.bool_)
    changed[1:] = (layouts[1:] != layouts[:-1]).any(axis=1)
    kept = np.flatnonzero(changed)
    if times_ms is None:
        times_ms = np.rint(np.arange(len(layouts)) * 1000 / fps).astype(np.int64)
    return Signature(
        kind="video" if len(layouts) > 1 else "image",
        descriptor_version=DESCRIPTOR_VERSION,
        preprocessing_version="planes/1",
        width=640,
        height=360,
        rect=Rect(0, 0, 640, 360),
        duration_ms=int(times_ms[-1] + round(1000 / fps)),
        times_ms=times_ms,
        kept_first=kept.astype(np.uint32),
        layouts=np.ascontiguousarray(layouts[kept]),
        mirrored=np.ascontiguousarray(mirror(layouts if mirrored is None else mirrored)[kept]),
        quality=np.full(len(kept), quality, np.uint8),
        partial=False,
    )


def pictured(whole: Signature) -> Signature:
    """Return a signature with runs, whose small pictures follow from the descriptors."""
    first = run_starts(derive(whole.layouts))
    looks = whole.layouts[first, 1:21].reshape(-1, 4, 5).astype(np.float32) * 8
    size = THUMB_COLS, THUMB_ROWS
    small = [Image.fromarray(look).resize(size, Image.Resampling.BICUBIC) for look in looks]
    return replace(
        whole,
        run_first=first.astype(np.uint32),
        windows=whole.layouts[first][:, None].repeat(N_WINDOWS, axis=1),
        thumbnails=np.stack([np.asarray(one) for one in small]).clip(0, 255).astype(np.uint8),
    )


def with_lumas(whole: Signature, every: int) -> Signature:
    """Return a signature with a luma grid of noise for `every` frames."""
    first = np.arange(0, whole.n_frames, every, dtype=np.uint32)
    noise = np.random.default_rng(0).integers(0, 256, (len(first), LUMA_ROWS, LUMA_COLS))
    return replace(whole, luma_first=first, lumas=noise.astype(np.uint8))
