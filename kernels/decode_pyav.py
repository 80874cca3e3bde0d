"""Decoding with PyAV (FFmpeg): any video, native planes, one pass.

Packets that cannot be decoded are counted and skipped. A file counts as partial when reading it
failed, or when its streams end before the length that its header declares.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
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
from mitate.kernels.pyav_open import ERRORS, duration_ms, length_us, open_video
from mitate.kernels.pyav_planes import PlaneReader

PREPROCESSING_VERSION = "planes/1"

Packet: TypeAlias = "av.packet.Packet[av.stream.Stream]"

# Containers whose header states how long the file is, so that a missing end can be seen.
_DECLARE_LENGTH = frozenset({"mov", "mp4", "matroska", "webm", "flv", "asf"})
_MISSING_END_US = 500_000
_WHOLE_SHARE = 0.98  # of the packets that AVI declares
_MAX_READ_ERRORS = 16  # in a row
_PACKETS_AHEAD = 16
_LARGE_PACKET_BYTES = 1 << 20
_ENOUGH_KEYS = 16
_FRAMES_PER_SAMPLE = 12
_PACKETS_PER_KEY = 300


class PyavDecoder:
    """One video file, decoded in software."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        limits: Limits,
        threads: int = 1,
        *,
        keys_only: bool = False,
    ) -> None:
        self._keys_only = keys_only
        self._path = path
        self._limits = limits
        self._threads = threads
        self._container, self._stream = open_video(path, limits, threads)
        self.fallback: str | None = None
        self.partial = False
        self.n_errors = 0
        self.end_ms = 0
        self._n_packets = 0
        self._ends: dict[int, int] = {}  # stream -> end of its last packet, ticks
        try:
            self.info = self._read_info()
        except BaseException:
            self.close()
            raise

    def frames(self) -> Iterator[Picture]:
        """Yield every frame in the order shown; raises InvalidMedia when over a limit."""
        if self._keys_only:
            self._stream.codec_context.skip_frame = "NONKEY"
        reader, times = PlaneReader(), self._times()
        n_frames = 0
        for frame in self._decoded():
            time_ms = times.next_ms(frame.pts, frame.dts, frame.duration)
            n_frames += 1
            check_progress(n_frames, time_ms, self._limits)
            check_pixels(frame.width, frame.height, self._limits.max_pixels)
            yield self._picture(frame, reader, time_ms)
        if not n_frames:
            raise InvalidMedia(
                f"no frame of its {self.info.codec} video could be decoded ({self.n_errors} errors)"
            )
        self.end_ms = times.end_ms
        if self._keys_only:  # the video goes on after its last key frame
            self.end_ms = max(self.end_ms, times.ms_of(self._ends.get(self._stream.index, 0)))
        self.partial = self.partial or self._end_is_missing()

    def start_near(self, time_ms: int) -> bool:
        """Have `frames` start at a key frame before this time; False where times need the start."""
        start_us: int | None = self._container.start_time
        try:
            if start_us is not None:
                self._container.seek(start_us + time_ms * MICROSECONDS // 1000)
        except ERRORS:
            return False
        return start_us is not None

    def sample(self, count: int) -> Iterator[Picture]:
        """Yield up to `count` different frames spread over the file, one from its middle first.

        They are key frames. Where there are few of those, every twelfth frame from the start on
        follows.
        """
        n_samples = 0
        for picture in self._sample_keys(count):
            n_samples += 1
            yield picture
        if n_samples < min(count, _ENOUGH_KEYS):
            yield from self._sample_from_start(count - n_samples)

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

    def _picture(
        self, frame: av.video.frame.VideoFrame, reader: PlaneReader, time_ms: int
    ) -> Picture:
        return _picture(frame, reader, time_ms)

    def _times(self) -> FrameTimes:
        stream = self._stream
        rate = stream.average_rate or stream.guessed_rate
        return FrameTimes(stream.time_base or Fraction(1, 1000), rate, self._container.start_time)

    def _decoded(self) -> Iterator[av.video.frame.VideoFrame]:
        index = self._stream.index
        for packet in self._packets():
            # Packets that only flush a decoder have no number of their own.
            number = packet.stream.index
            ticks = packet.pts if packet.pts is not None else packet.dts
            if ticks is not None:
                end = ticks + (packet.duration or 0)
                self._ends[number] = max(self._ends.get(number, end), end)
            if number == index:
                self._n_packets += 1
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
        """Yield the packets of all streams.

        Some are read ahead: read one by one, each would find the processor's cache full of pixels.
        """
        failures = 0
        ahead: list[Packet] = []
        while failures < _MAX_READ_ERRORS:
            try:
                for packet in self._container.demux():
                    failures = 0
                    ahead.append(packet)
                    if len(ahead) == _PACKETS_AHEAD or packet.size > _LARGE_PACKET_BYTES:
                        yield from ahead
                        ahead.clear()
                yield from ahead
                return
            except IndexError:
                continue  # PyAV's answer to a packet of a stream that was not there at the start
            except ERRORS:
                failures += 1
                self.n_errors += 1
        yield from ahead
        self.partial = True

    def _end_is_missing(self) -> bool:
        container, stream = self._container, self._stream
        if "avi" in container.format.name.split(","):
            return self._n_packets < stream.frames * _WHOLE_SHARE - 1
        if not _DECLARE_LENGTH.intersection(container.format.name.split(",")):
            return False
        ends_us = [
            ticks * base * MICROSECONDS
            for index, ticks in self._ends.items()
            if (base := container.streams[index].time_base) is not None
        ]
        read_us = max(ends_us, default=0) - min(container.start_time or 0, 0)
        return (container.duration or 0) - read_us > _MISSING_END_US

    def _sample_keys(self, count: int) -> Iterator[Picture]:
        container, stream = open_video(self._path, self._limits, threads=1)
        with container:
            reader, seen = PlaneReader(), set[tuple[int | None, int | None]]()
            whole_us, start_us = length_us(container), container.start_time or 0
            for number in _middle_first(count) if whole_us else ():
                at_us = start_us + whole_us * (2 * number + 1) // (2 * count)
                frame = _key_frame_at(container, stream, at_us, seen)
                if frame is not None:
                    yield _picture(frame, reader, time_ms=(at_us - start_us) // 1000)

    def _sample_from_start(self, count: int) -> Iterator[Picture]:
        with PyavDecoder(self._path, self._limits) as decoder:
            yield from islice(decoder.frames(), 0, count * _FRAMES_PER_SAMPLE, _FRAMES_PER_SAMPLE)


def _middle_first(count: int) -> list[int]:
    """Return 0..count-1, spread out: the middle, then the quarters, and so on."""
    order: list[int] = []
    step = 1 << max(count - 1, 1).bit_length()
    while step > 1:
        order += range(step // 2, count, step)
        step //= 2
    return [*order, 0]


def _key_frame_at(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    at_us: int,
    seen: set[tuple[int | None, int | None]],  # place in the file and time of those found; grows
) -> av.video.frame.VideoFrame | None:
    """Return the key frame that a seek leads to, None when there is no new one nearby."""
    try:
        container.seek(at_us)
        packets = islice(container.demux(stream), _PACKETS_PER_KEY)
        key = next((packet for packet in packets if packet.is_keyframe), None)
        if key is None or (key.pos, key.pts) in seen:
            return None
        seen.add((key.pos, key.pts))
        # The second call takes out a frame that the decoder holds back; the next seek resets it.
        frames = stream.decode(key) or stream.decode(None)
    except (*ERRORS, IndexError):
        return None
    return frames[0] if frames else None


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
    )
