"""Decoding with PyAV (FFmpeg): any video, native planes, one pass.

Packets that cannot be decoded are counted and skipped. A file counts as partial when reading it
failed, or when its streams end before the length that its header declares.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self, TypeAlias

import av.container
import av.packet
import av.stream
import av.video.frame
import av.video.stream

from mitate.kernels.decode import Limits, MediaInfo, Picture, check_pixels, check_progress
from mitate.kernels.errors import InvalidMedia
from mitate.kernels.frame_times import MICROSECONDS, FrameTimes
from mitate.kernels.pyav_open import ERRORS, duration_ms, open_video
from mitate.kernels.pyav_planes import PlaneReader

PREPROCESSING_VERSION = "planes/1"

Packet: TypeAlias = "av.packet.Packet[av.stream.Stream]"

# Containers whose header states how long the file is, so that a missing end can be seen.
_DECLARE_LENGTH = frozenset({"mov", "mp4", "matroska", "webm", "avi", "flv", "asf"})
_MISSING_END_US = 500_000
_MAX_READ_ERRORS = 16  # in a row
_FEW_SAMPLES = 3
_PACKETS_PER_SAMPLE = 300
_FRAMES_FROM_START = 240


class PyavDecoder:
    """One video file, decoded in software."""

    def __init__(self, path: str | os.PathLike[str], limits: Limits, threads: int = 1) -> None:
        self._path = path
        self._limits = limits
        self._threads = threads
        self._container, self._stream = open_video(path, limits, threads)
        self.partial = False
        self.n_errors = 0
        self.end_ms = 0
        self._ends: dict[int, int] = {}  # stream -> end of its last packet, ticks
        try:
            self.info = self._read_info()
        except BaseException:
            self.close()
            raise

    def frames(self) -> Iterator[Picture]:
        """Yield every frame in the order shown; raises InvalidMedia when over a limit."""
        reader, times = PlaneReader(), self._times()
        n_frames = 0
        for frame in self._decoded():
            time_ms = times.next_ms(frame.pts, frame.dts, frame.duration)
            n_frames += 1
            check_progress(n_frames, time_ms, self._limits)
            check_pixels(frame.width, frame.height, self._limits.max_pixels)
            yield _picture(frame, reader, time_ms)
        if not n_frames:
            raise InvalidMedia(
                f"no frame of its {self.info.codec} video could be decoded ({self.n_errors} errors)"
            )
        self.end_ms = times.end_ms
        self.partial = self.partial or self._end_is_missing()

    def sample(self, count: int) -> Iterator[Picture]:
        """Yield up to `count` different frames spread over the file, cheaply."""
        n_samples = 0
        for picture in self._sample_keys(count):
            n_samples += 1
            yield picture
        if n_samples < _FEW_SAMPLES:
            yield from self._sample_from_start(count)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_info(self) -> MediaInfo:
        stream = self._stream
        context = stream.codec_context
        length_ms = duration_ms(self._container, stream)
        check_progress(0, length_ms, self._limits)
        return MediaInfo(
            kind="video",
            container=self._container.format.name,
            codec=context.codec.name,
            profile=stream.profile or "",
            pixel_format=context.pix_fmt or "",
            width=context.width,
            height=context.height,
            duration_ms=length_ms,
            fps=float(stream.average_rate or stream.guessed_rate or 0),
            backend="pyav",
            preprocessing_version=PREPROCESSING_VERSION,
        )

    def _times(self) -> FrameTimes:
        stream = self._stream
        rate = stream.average_rate or stream.guessed_rate
        return FrameTimes(stream.time_base or Fraction(1, 1000), rate, self._container.start_time)

    def _decoded(self) -> Iterator[av.video.frame.VideoFrame]:
        index = self._stream.index
        for packet in self._packets():
            ticks = packet.pts if packet.pts is not None else packet.dts
            if ticks is not None:
                end = ticks + (packet.duration or 0)
                self._ends[packet.stream_index] = max(self._ends.get(packet.stream_index, end), end)
            if packet.stream_index == index:
                yield from self._decode(packet)
        if self.partial:
            yield from self._decode(None)

    def _decode(self, packet: Packet | None) -> list[av.video.frame.VideoFrame]:
        try:
            return self._stream.decode(packet)
        except ERRORS:
            self.n_errors += 1
            return []

    def _packets(self) -> Iterator[Packet]:
        failures = 0
        while failures < _MAX_READ_ERRORS:
            try:
                for packet in self._container.demux():
                    failures = 0
                    yield packet
                return
            except ERRORS:
                failures += 1
                self.n_errors += 1
        self.partial = True

    def _end_is_missing(self) -> bool:
        container = self._container
        declared = _DECLARE_LENGTH.intersection(container.format.name.split(","))
        if not declared or not container.duration:
            return False
        ends_us = [
            ticks * base * MICROSECONDS
            for index, ticks in self._ends.items()
            if (base := container.streams[index].time_base) is not None
        ]
        read_us = max(ends_us) - (container.start_time or 0)
        return container.duration - read_us > _MISSING_END_US

    def _sample_keys(self, count: int) -> Iterator[Picture]:
        container, stream = open_video(self._path, self._limits, threads=1)
        with container:
            stream.codec_context.skip_frame = "NONKEY"
            reader, seen = PlaneReader(), set[int | None]()
            length_us = container.duration or 0
            for number in range(count if length_us else 0):
                at_us = length_us * (2 * number + 1) // (2 * count) + (container.start_time or 0)
                frame = _key_frame_at(container, stream, at_us)
                if frame is not None and frame.pts not in seen:
                    seen.add(frame.pts)
                    yield _picture(frame, reader, time_ms=at_us * 1000 // MICROSECONDS)

    def _sample_from_start(self, count: int) -> Iterator[Picture]:
        every = max(1, _FRAMES_FROM_START // count)
        with PyavDecoder(self._path, self._limits) as decoder:
            for number, picture in enumerate(decoder.frames()):
                if number >= _FRAMES_FROM_START:
                    break
                if number % every == 0:
                    yield picture


def _key_frame_at(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, at_us: int
) -> av.video.frame.VideoFrame | None:
    """Return the first frame decoded after a seek, None when there is none nearby."""
    try:
        container.seek(at_us)
        for number, packet in enumerate(container.demux(stream)):
            frames = stream.decode(packet) if packet.is_keyframe or packet.size == 0 else []
            if frames:
                return frames[0]
            if number >= _PACKETS_PER_SAMPLE:
                return None
    except ERRORS:
        return None
    return None


def _picture(frame: av.video.frame.VideoFrame, reader: PlaneReader, time_ms: int) -> Picture:
    planes, colour = reader.read(frame)
    return Picture(
        planes=planes,
        colour=colour,
        width=frame.width,
        height=frame.height,
        time_ms=time_ms,
        rotation=round(frame.rotation / 90) % 4 * 90,
        key=bool(frame.key_frame),
        corrupt=bool(frame.is_corrupt),
    )
