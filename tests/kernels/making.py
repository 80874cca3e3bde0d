"""Makes signatures and media for tests."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mitate.kernels.borders import Rect
from mitate.kernels.signature import (
    DESCRIPTOR_VERSION,
    LUMA_COLS,
    LUMA_ROWS,
    N_COEFFICIENTS,
    N_WINDOWS,
    THUMB_COLS,
    THUMB_ROWS,
    Signature,
)


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


def with_runs(signature: Signature, every: int = 4, seed: int = 0) -> Signature:
    """Return a signature with runs of `every` kept descriptors."""
    rng = np.random.default_rng(seed)
    first = np.arange(0, signature.n_kept, every, dtype=np.uint32)
    shape = (len(first), N_WINDOWS, N_COEFFICIENTS)
    return replace(
        signature,
        run_first=first,
        windows=rng.integers(0, 32, shape).astype(np.uint8),
        thumbnails=rng.integers(0, 256, (len(first), THUMB_ROWS, THUMB_COLS)).astype(np.uint8),
    )


def with_lumas(signature: Signature, every: int = 3, seed: int = 0) -> Signature:
    """Return a signature with a luma grid for `every` frames."""
    rng = np.random.default_rng(seed)
    first = np.arange(0, signature.n_frames, every, dtype=np.uint32)
    lumas = rng.integers(0, 256, (len(first), LUMA_ROWS, LUMA_COLS)).astype(np.uint8)
    return replace(signature, luma_first=first, lumas=lumas)


def make_video(
    ffmpeg: str, path: Path, *codec: str, source: str = "testsrc2=s=160x90:r=25:d=1"
) -> Path:
    """Draw and encode a test picture."""
    run(ffmpeg, "-f", "lavfi", "-i", source, *codec, str(path))
    return path


def run(ffmpeg: str, *args: str) -> bytes:
    """Run ffmpeg, and return what it prints; skips the test where a codec is missing."""
    done = subprocess.run(
        [ffmpeg, "-v", "error", "-y", *args], capture_output=True, stdin=subprocess.DEVNULL
    )
    if done.returncode and b"Unknown encoder" in done.stderr:
        pytest.skip(done.stderr.decode())
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def cut(path: Path, target: Path, share: float = 0.6) -> Path:
    """Keep only the first part of a file."""
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def probe_times_ms(path: Path) -> list[float]:
    """Return the frame times that ffprobe tells, from the start of the file; NaN where unknown."""
    entries = "frame=best_effort_timestamp_time:format=start_time"
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", entries]
    done = subprocess.run([*command, "-of", "json", str(path)], capture_output=True, check=True)
    about = json.loads(done.stdout)
    start = float(about["format"].get("start_time", 0))
    stamps = [frame.get("best_effort_timestamp_time", "nan") for frame in about["frames"]]
    return [(float(stamp) - start) * 1000 for stamp in stamps]
