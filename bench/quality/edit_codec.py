"""Edits by a video codec: a short run of frames encoded and its last frame decoded again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.stream import VideoStream

from bench.quality.pictures import Pixels

_OPTIONS = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "b": "0"},
}


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder of FFmpeg and its constant rate factor."""

    name: str
    crf: int

    def last(self, run: Sequence[Pixels]) -> Pixels:
        """Return the last picture of a run as a video shows it."""
        data = self._encoded(run)
        with av.open(io.BytesIO(data), "r") as container:
            *_, frame = container.decode(video=0)
            return np.asarray(frame.to_ndarray(format="rgb24"))

    def _encoded(self, run: Sequence[Pixels]) -> bytes:
        file = io.BytesIO()
        height, width = (n - n % 2 for n in run[-1].shape[:2])
        with av.open(file, "w", format="matroska") as container:
            options = {"crf": str(self.crf), **_OPTIONS[self.name]}
            stream = container.add_stream(self.name, rate=Fraction(24), options=options)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for picture in run:
                part = np.ascontiguousarray(picture[:height, :width])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
            container.mux(stream.encode(None))
        return file.getvalue()
