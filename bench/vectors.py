"""Descriptors like those of real videos, as many as a bench wants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.sign import sign

CLIPS = ("pennychip_*.mp4", "blupi_*.mkv", "bbb_180_10s.webm", "vdf_dog.1.mp4", "nasa_13013.mp4")


def real_layouts(media: Path) -> NDArray[np.uint8]:
    """Return the descriptors of some real clips, shape (n, 33)."""
    paths = sorted(path for pattern in CLIPS for path in media.glob(pattern))
    if not paths:
        raise SystemExit(f"no clips in {media}; give --media FOLDER")
    return np.concatenate([sign(path).layouts for path in paths])


def like_real(
    layouts: NDArray[np.uint8],  # (m, 33)
    count: int,
    seed: int,
) -> NDArray[np.uint8]:
    """Return `count` descriptors: the given ones in order, each pass blended with another frame.

    A pass adds to every frame a share of one other frame's difference from grey, as a film with the
    same cuts and other pictures would have it, so that runs of similar frames stay runs.
    """
    draws = np.random.default_rng(seed)
    passes = []
    for first in range(0, count, len(layouts)):
        n = min(len(layouts), count - first)
        other = layouts[draws.integers(0, len(layouts), 1 + n // 48)].repeat(48, axis=0)[:n]
        share = draws.uniform(0.3, 0.9) if first else 0.0
        blend = layouts[:n] * (1 - share) + np.roll(other, 7, axis=0) * share
        passes.append(np.rint(blend).astype(np.uint8))
    return np.concatenate(passes)
