"""Makes signatures and media for tests."""

from __future__ import annotations

import numpy as np

from mitate.kernels.borders import Rect
from mitate.kernels.signature import DESCRIPTOR_VERSION, Signature


def make_signature(n_frames: int = 10, every: int = 3, seed: int = 0) -> Signature:
    rng = np.random.default_rng(seed)
    kept_first = np.arange(0, n_frames, every, dtype=np.uint32)
    shape = (len(kept_first), 33)
    return Signature(
        kind="video",
        descriptor_version=DESCRIPTOR_VERSION,
        preprocessing_version="planes/1",
        width=640,
        height=360,
        rect=Rect(0, 44, 640, 316),
        duration_ms=n_frames * 40,
        times_ms=np.arange(n_frames, dtype=np.int64) * 40,
        kept_first=kept_first,
        layouts=rng.integers(0, 32, shape).astype(np.uint8),
        mirrored=rng.integers(0, 32, shape).astype(np.uint8),
        quality=rng.integers(0, 256, len(kept_first)).astype(np.uint8),
    )
