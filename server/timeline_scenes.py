"""What a drawn timeline shows: every segment and gap, with a frame of the video and its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from mitate.kernels.layout import restore
from mitate.kernels.signature import Signature
from mitate.kernels.thumbnails import luma_of_means
from mitate.server.records import Match, Timeline

SHORTEST_GAP_MS = 100  # between segments, that is shown as a scene of its own
MOST_SCENES = 300  # that are drawn
_STANDING = 0.01  # speeds so near to 0 have no one frame for a moment

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Pixels and the shape in which they are shown."""

    pixels: Pixels  # (h, w, 3) RGB
    aspect: float  # width over height


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A part of the video: a segment, or a gap in which nothing was recognised."""

    from_ms: int
    to_ms: int
    segment: Match | None = None
    query: Shown | None = None
    source: Shown | None = None

    @property
    def moment_ms(self) -> int:
        """The time of the video that is shown: of the best matching moment, or the middle."""
        one = self.segment
        if one is None or abs(one.speed) < _STANDING:
            return (self.from_ms + self.to_ms) // 2
        at_ms = self.from_ms + (one.at_ms - one.from_ms) / one.speed
        return round(min(max(at_ms, self.from_ms), max(self.from_ms, self.to_ms - 1)))


def scenes(timeline: Timeline) -> list[Scene]:
    """Return the segments and gaps of a timeline in order, without pictures."""
    found: list[Scene] = []
    reached_ms = 0
    for segment in timeline.segments:
        if segment.query_from_ms - reached_ms >= SHORTEST_GAP_MS:
            found.append(Scene(reached_ms, segment.query_from_ms))
        found.append(Scene(segment.query_from_ms, segment.query_to_ms, segment))
        reached_ms = max(reached_ms, segment.query_to_ms)
    if timeline.duration_ms - reached_ms >= SHORTEST_GAP_MS or not found:
        found.append(Scene(reached_ms, max(reached_ms, timeline.duration_ms)))
    return found


def with_pictures(
    some: Sequence[Scene], frames: Sequence[Shown], stored: Mapping[int, Signature]
) -> list[Scene]:
    """Return scenes with a frame each, and with what is stored of their sources."""
    return [
        replace(scene, query=frame, source=_source(scene, stored))
        for scene, frame in zip(some, frames, strict=True)
    ]


def _source(scene: Scene, stored: Mapping[int, Signature]) -> Shown | None:
    signature = None if scene.segment is None else stored.get(scene.segment.source_id)
    if scene.segment is None or signature is None:
        return None
    return stored_picture(signature, scene.segment.at_ms)


def frame_of(pixels: Pixels) -> Shown:
    """Return a decoded frame as it is."""
    return Shown(pixels, pixels.shape[1] / pixels.shape[0])


def stored_picture(signature: Signature, at_ms: int) -> Shown:
    """Return what a signature holds of the frame at a time.

    The thumbnail has no colours and the descriptor hardly any detail; together they have both.
    """
    frame = max(0, int(np.searchsorted(signature.times_ms, at_ms, side="right")) - 1)
    kept = int(signature.kept_of(frame))
    run = int(signature.run_of(kept))
    rect = signature.rect
    aspect = rect.width / rect.height
    if run < 0:
        return Shown(restore(signature.layouts[[kept]])[0], aspect)
    blocks = restore(signature.layouts[[int(signature.run_first[run])]])[0]
    return Shown(_coloured(signature.thumbnails[run], blocks), aspect)


def _coloured(luma: Pixels, blocks: Pixels) -> Pixels:
    """Return a thumbnail with the colours of coarse blocks, (h, w, 3)."""
    size = luma.shape[1], luma.shape[0]
    smooth = np.asarray(Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC), np.float64)
    grey = np.asarray(luma, np.float64) - luma_of_means(smooth)
    return np.asarray(np.clip(np.rint(smooth + grey[..., None]), 0, 255), np.uint8)
