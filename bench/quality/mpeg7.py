"""The frame signature of MPEG-7 video signatures, by FFmpeg's `signature` filter.

It has 380 ternary elements, each the sign of a difference of mean luma; the distance of two is the
sum of their differences, 0..760. The filter is fed luma of 128x128, of which its 32x32 grid of
cells takes 4x4 samples each. FFmpeg takes frames within 116 for the same.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.quality.binary import nearest
from bench.quality.method import Answer, Reference, Rows, Searcher, Video, code_version
from bench.quality.pictures import Pixels

MATCH_DISTANCE = 116
ALIKE_DISTANCE = 24  # of frames of one moment
N_ELEMENTS = 380
_SIDE = 128

# The file, in bits: a header, the coarse segments, one flag, then the frames.
_N_FRAMES_AT = 32 + 1 + 4 * 16 + 32
_N_SEGMENTS_AT = _N_FRAMES_AT + 32 + 16 + 1 + 32 + 32
_HEADER_BITS = _N_SEGMENTS_AT + 32
_SEGMENT_BITS = 32 + 32 + 1 + 32 + 32 + 5 * 243
_BEFORE_ELEMENTS = 1 + 32 + 8 + 5 * 8  # flag, time, confidence, five words
_FRAME_BITS = _BEFORE_ELEMENTS + 76 * 8


def installed() -> bool:
    """Tell whether the program ffmpeg is there."""
    return which("ffmpeg") is not None


class Mpeg7:
    """The MPEG-7 frame signature of whole pictures."""

    name = "MPEG-7"
    version = code_version("bench/quality/mpeg7.py")
    reference_version = version

    def reference(self, video: Video) -> Reference:
        """Describe every frame."""
        times_ms: list[int] = []

        def lumas() -> Iterator[bytes]:
            for time_ms, picture in video.small():
                times_ms.append(time_ms)
                yield luma(picture)

        codes = two_bits(elements(lumas()))
        return Reference(np.array(times_ms, np.int64), codes)

    def query(self, picture: Pixels) -> bytes:
        """Return the luma of a picture; all queries are described together when they are asked."""
        return luma(picture)

    def searcher(self, references: Sequence[tuple[int, Reference]]) -> Searcher:
        """Index numbered videos."""
        return _Searcher(Rows(references))


class _Searcher:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.n_descriptors = len(rows.codes)

    def answer(self, queries: Sequence[bytes], left_out: Collection[int]) -> list[Answer]:
        codes = two_bits(elements(queries))
        found, distances = nearest(self._rows, self._rows.without(left_out), codes)
        return [
            Answer(
                int(self._rows.numbers[row]),
                *self._rows.range_ms(int(row), ALIKE_DISTANCE),
                -int(distance),
                "match" if distance <= MATCH_DISTANCE else "no_match",
                None,
            )
            for row, distance in zip(found, distances, strict=True)
        ]


def luma(picture: Pixels) -> bytes:
    """Return the luma of a picture, 128x128 bytes."""
    grey = Image.fromarray(picture).convert("L")
    return grey.resize((_SIDE, _SIDE), Image.Resampling.BOX).tobytes()


def elements(lumas: Iterable[bytes]) -> NDArray[np.uint8]:
    """Return the elements 0, 1 or 2 of each picture, (n, 380)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.sig"
        command: list[Any] = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray"]
        command += ["-s", f"{_SIDE}x{_SIDE}", "-r", "25", "-i", "-", "-vf"]
        command += [f"signature=format=binary:filename={path}", "-f", "null", "-"]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            for data in lumas:
                process.stdin.write(data)
            process.stdin.close()
            if process.wait():
                raise RuntimeError(f"ffmpeg ended with {process.returncode}")
        return parse(path.read_bytes())


def parse(data: bytes) -> NDArray[np.uint8]:
    """Return the elements that a signature file holds, (n, 380)."""
    n_frames, n_segments = (_number(data, at) for at in (_N_FRAMES_AT, _N_SEGMENTS_AT))
    start = _HEADER_BITS + n_segments * _SEGMENT_BITS + 1
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=start + n_frames * _FRAME_BITS)
    frames_bits = bits[start:].reshape(n_frames, _FRAME_BITS)[:, _BEFORE_ELEMENTS:]
    packed = np.packbits(frames_bits, axis=1).astype(np.int64)
    digits = packed[:, :, None] // np.array([81, 27, 9, 3, 1]) % 3
    return np.asarray(digits.reshape(n_frames, N_ELEMENTS), np.uint8)


def two_bits(ternary: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return codes whose Hamming distance is the sum of the elements' differences, (n, 95)."""
    return np.packbits(np.hstack([ternary > 0, ternary > 1]), axis=1)


def _number(data: bytes, first_bit: int) -> int:
    """Return the 32-bit number that starts at a bit."""
    first, shift = divmod(first_bit, 8)
    return (int.from_bytes(data[first : first + 5]) >> (8 - shift)) & 0xFFFFFFFF
