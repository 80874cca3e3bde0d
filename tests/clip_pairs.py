"""What is known about the real clips, and stills cut from them.

What is true about the clips is what the bench of timelines knows (`bench/timeline/pairs.py`).
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import av
from PIL import Image

from bench.timeline.pairs import Pair, known

RIGHT_MS = 500


class Moment(Protocol):
    """A range of a source and its best moment."""

    @property
    def from_ms(self) -> int: ...
    @property
    def to_ms(self) -> int: ...
    @property
    def at_ms(self) -> int: ...


def pairs() -> dict[str, dict[str, Pair]]:
    """Query to reference to pair."""
    found: dict[str, dict[str, Pair]] = defaultdict(dict)
    for pair in known():
        found[pair.query][pair.reference] = pair
    return dict(found)


def is_moment(
    found: Moment, found_in: str, name: str, time_ms: float, known: Mapping[str, Pair]
) -> bool:
    """Whether what was found is that moment of clip `name`, or of another encode of the same."""
    if found_in == name:
        true_ms = float(time_ms)
    elif found_in in known:
        true_ms = known[found_in].reference_ms(time_ms)
    else:
        return False
    return found.from_ms <= true_ms <= found.to_ms or abs(found.at_ms - true_ms) <= RIGHT_MS


def frame_at_or_after(path: Path, time_ms: float) -> tuple[float, Image.Image]:
    """The first frame that begins at that time or later, and its time, from the file's start."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        start_us = container.start_time or 0
        time_us = round(time_ms * 1000) + start_us
        for back_us in (0, 2_000_000, time_us):
            container.seek(max(0, time_us - back_us))
            for n, frame in enumerate(container.decode(container.streams.video[0])):
                assert frame.time is not None
                at_us = frame.time * 1e6
                if at_us > time_us and n == 0 and back_us < time_us:
                    break
                if at_us >= time_us - 1500:
                    return (at_us - start_us) / 1000, frame.to_image()
    raise AssertionError(f"{path.name}: no frame from {time_ms} ms on")


def jpeg_of_half_size(image: Image.Image) -> bytes:
    file = io.BytesIO()
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    half.save(file, "JPEG", quality=75)
    return file.getvalue()
