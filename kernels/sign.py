"""From a media file to its signature, in one pass and with bounded memory.

The border is found first, from a few frames spread over the file; then every frame is decoded and
what lies within the border is reduced to exact sums, described, and kept where it differs from the
frame before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Border, Rect, common_rect, find_border, measure
from mitate.kernels.chunks import Chunk, MediaHead, join
from mitate.kernels.decode import Decoder, Limits, MediaInfo, luma_of, open_media
from mitate.kernels.describe_gpu import DevicePicture
from mitate.kernels.describer import Describer, Describers, too_small_for_device
from mitate.kernels.errors import InvalidArgument
from mitate.kernels.grids import scale_rect
from mitate.kernels.runs import run_starts
from mitate.kernels.shot_borders import no_inner
from mitate.kernels.signature import Bytes, Signature, no_lumas
from mitate.kernels.thumbnails import luma_starts
from mitate.kernels.vector import derive

CHUNK_FRAMES = 256
BORDER_SAMPLES = 48
FEW_SAMPLES = 4

Progress = Callable[[int, int, int], None]  # frames done, time reached, duration (0: unknown), ms


class SignatureStream:
    """Signs a media item chunk by chunk. Iterate once; `duration_ms` and `partial` come last."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        backend: str = "auto",
        limits: Limits | None = None,
        threads: int = 1,
        every: int = 1,
        keys_only: bool = False,
    ) -> None:
        """Open a file; the arguments are those of `sign`."""
        if every < 1:
            raise InvalidArgument(f"every is {every}; at least 1 is allowed")
        self._every = every
        self.n_frames = 0
        self._n_kept = 0
        self._last: npt.NDArray[np.uint8] | None = None
        self._run: npt.NDArray[np.int8] | None = None  # vector of the run under way
        self._luma: Bytes | None = None  # the luma grid kept last
        open_with = partial(open_media, path, limits=limits, threads=threads, keys_only=keys_only)
        self._open(open_with(backend=backend))
        if isinstance(self._first, DevicePicture) and too_small_for_device(self.rect):
            self._decoder.close()
            self._open(open_with(backend="pyav"))

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the chunks in order; raises InvalidMedia when over a limit."""
        for describer, times_ms in self._described():
            yield self._chunk(np.array(times_ms, np.int64), describer)
            describer.clear()

    @property
    def info(self) -> MediaInfo:
        """What the file says about itself, and which decoder reads it."""
        return self._decoder.info

    @property
    def fallback(self) -> str | None:
        """Why the CPU decodes what was to be decoded by a GPU; None where it does not."""
        return self._decoder.fallback

    @property
    def duration_ms(self) -> int:
        """When the last frame ends; known after the last chunk."""
        return self._decoder.end_ms

    @property
    def partial(self) -> bool:
        """Whether the file ended or broke early; known after the last chunk."""
        return self._decoder.partial

    def head(self) -> MediaHead:
        """Return what is known beside the frames; complete after the last chunk."""
        return MediaHead(
            self.info.kind,
            self.info.preprocessing_version,
            self.width,
            self.height,
            self.rect,
            self.duration_ms,
            self.partial,
        )

    def close(self) -> None:
        """Let go of the file."""
        self._decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, decoder: Decoder) -> None:
        self._decoder = decoder
        try:
            self._pictures = decoder.frames()
            self._first = next(self._pictures)
            self.width, self.height = self._first.width, self._first.height
            self.rect = self._find_rect()
        except BaseException:
            decoder.close()
            raise

    def _find_rect(self) -> Rect:
        """Find the border that samples have in common; a few without any settle it."""
        if self.info.kind == "image":
            return find_border(luma_of(self._first))
        size = self.width, self.height
        known: list[Border] = []
        for picture in self._decoder.sample(BORDER_SAMPLES):
            border = measure(luma_of(picture))
            if border is not None and (picture.width, picture.height) == size:
                known.append(border)
            if len(known) == FEW_SAMPLES and not any(side.sharp for b in known for side in b):
                break
        return common_rect(known, *size)

    def _described(self) -> Iterator[tuple[Describer, list[int]]]:
        """Yield frames that one describer took, and their times."""
        describers, times_ms = Describers(CHUNK_FRAMES), list[int]()
        describer = describers.of(self._first)
        for picture in islice(chain([self._first], self._pictures), 0, None, self._every):
            # The hardware may give up on a video, and the CPU go on with it.
            taker = describers.of(picture)
            if times_ms and (taker is not describer or len(times_ms) == CHUNK_FRAMES):
                yield describer, times_ms
                times_ms = []
            describer = taker
            describer.add(picture, scale_rect(self.rect, self.width, self.height, picture))
            times_ms.append(picture.time_ms)
        if times_ms:
            yield describer, times_ms

    def _chunk(self, times_ms: npt.NDArray[np.int64], describer: Describer) -> Chunk:
        layouts, mirrored, quality = describer.frames()
        both = np.hstack((layouts, mirrored))
        previous = both[:1] ^ 1 if self._last is None else self._last
        new = np.flatnonzero((both != np.vstack((previous, both[:-1]))).any(axis=1))
        self._last = both[-1:]
        first_frame, first_kept = self.n_frames, self._n_kept
        self.n_frames += len(times_ms)
        self._n_kept += len(new)
        runs = self._runs(layouts[new])
        video = self.info.kind == "video"
        inner = describer.inner(new, layouts[new]) if video else no_inner()
        begun, lumas = self._lumas(describer) if video else (new[:0], no_lumas())
        return Chunk(
            times_ms,
            (new + first_frame).astype(np.uint32),
            layouts[new],
            mirrored[new],
            quality[new],
            (runs + first_kept).astype(np.uint32),
            describer.windows(new[runs]),
            describer.thumbnails(new[runs]),
            (inner.frames + first_kept).astype(np.uint32),
            inner.layouts,
            inner.mirrored,
            (begun + first_frame).astype(np.uint32),
            lumas,
        )

    def _runs(self, layouts: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        vectors = derive(layouts)
        starts = run_starts(vectors, self._run)
        if len(starts):
            self._run = vectors[starts[-1]]
        return starts

    def _lumas(self, describer: Describer) -> tuple[npt.NDArray[np.int64], Bytes]:
        """Return the frames whose luma grid is kept, and these grids."""
        lumas = describer.lumas()
        starts = luma_starts(lumas, self._luma)
        if len(starts):
            self._luma = lumas[starts[-1]]
        return starts, lumas[starts]


def sign(
    path: str | os.PathLike[str],
    *,
    backend: str = "auto",
    limits: Limits | None = None,
    threads: int = 1,
    every: int = 1,
    keys_only: bool = False,
    progress: Progress | None = None,
) -> Signature:
    """Return the signature of a video or picture.

    Args:
        path: a regular file.
        backend: see `open_media`.
        limits: what is refused.
        threads: decoding threads.
        every: of so many frames only the first is described; all are decoded.
        keys_only: only key frames are decoded and described; PyAV alone can.
        progress: called after each chunk of frames.

    Raises:
        NotFound: there is no such file.
        InvalidMedia: not decodable, no picture in it, or over a limit.
        InvalidArgument: an unknown backend, or one that is not installed.
    """
    stream = SignatureStream(
        path, backend=backend, limits=limits, threads=threads, every=every, keys_only=keys_only
    )
    with stream:
        return whole(stream, progress)


def whole(stream: SignatureStream, progress: Progress | None = None) -> Signature:
    """Return the signature of all that a stream yields; raises InvalidMedia."""
    chunks = []
    for chunk in stream:
        chunks.append(chunk)
        if progress is not None:
            progress(stream.n_frames, int(chunk.times_ms[-1]), stream.info.duration_ms)
    return join(stream.head(), chunks)
