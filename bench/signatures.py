"""Signatures made from descriptors, for benches that need no pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.borders import Rect
from mitate.kernels.signature import DESCRIPTOR_VERSION, Signature
from mitate.server.placement import Placement
from mitate.server.store import Store

FRAME_MS = 42
_WIDTH, _HEIGHT, _QUALITY = 640, 360, 100


def video_of(layouts: NDArray[np.uint8]) -> Signature:  # (n, 33)
    """Return a video without runs that shows each descriptor for one frame."""
    n = len(layouts)
    return Signature(
        kind="video",
        descriptor_version=DESCRIPTOR_VERSION,
        preprocessing_version="planes/1",
        width=_WIDTH,
        height=_HEIGHT,
        rect=Rect(0, 0, _WIDTH, _HEIGHT),
        duration_ms=n * FRAME_MS,
        times_ms=np.arange(n, dtype=np.int64) * FRAME_MS,
        kept_first=np.arange(n, dtype=np.uint32),
        layouts=layouts,
        mirrored=layouts,
        quality=np.full(n, _QUALITY, np.uint8),
    )


def store_videos(folder: Path, videos: Iterable[NDArray[np.uint8]]) -> None:
    """Store each array of descriptors in a data directory, as an episode of its own."""
    store = Store(folder)
    for i, layouts in enumerate(videos):
        digest = hashlib.sha256(str(i).encode()).hexdigest()
        store.commit_source(video_of(layouts), digest, f"{i}.mkv", Placement())
    store.close()
