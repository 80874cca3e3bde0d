"""Signatures drawn from a number, for tests of what stores them."""

from __future__ import annotations

import hashlib

import numpy as np

from mitate.kernels.borders import Rect
from mitate.kernels.signature import DESCRIPTOR_VERSION, Signature


def content(seed: int) -> str:
    """SHA-256 of the imagined media file."""
    return hashlib.sha256(str(seed).encode()).hexdigest()


def make_signature(seed: int, n_frames: int = 40) -> Signature:
    """Return a video of 25 frames per second whose every second frame repeats the one before."""
    random = np.random.default_rng(seed)
    n_kept = (n_frames + 1) // 2
    return Signature(
        kind="video",
        descriptor_version=DESCRIPTOR_VERSION,
        preprocessing_version="planes/1",
        width=640,
        height=360,
        rect=Rect(0, 0, 640, 360),
        duration_ms=n_frames * 40,
        times_ms=np.arange(n_frames, dtype=np.int64) * 40,
        kept_first=np.arange(n_kept, dtype=np.uint32) * 2,
        layouts=random.integers(0, 32, (n_kept, 33), np.uint8),
        mirrored=random.integers(0, 32, (n_kept, 33), np.uint8),
        quality=random.integers(0, 256, n_kept, np.uint8),
        partial=False,
    )


def equal(a: Signature, b: Signature) -> bool:
    """Tell whether two signatures hold the same times and descriptors."""
    names = ("times_ms", "kept_first", "layouts", "mirrored", "quality")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)
