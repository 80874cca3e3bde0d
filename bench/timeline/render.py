"""From a plan to a video file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from PIL import Image, ImageEnhance, ImageOps

from bench.quality import edit_overlays as overlays
from bench.quality import transforms
from bench.quality.pictures import Pixels, fitted, resized
from bench.timeline.plan import Ask, Look, Shot, Survey

SIZE = (640, 360)
_GOP = 12  # frames, of the copies that shots are cut from


def copy_clip(path: Path, to: Path) -> None:
    """Write a copy of at most 640x360 whose frame n is shown at n ms."""
    with av.open(str(path)) as source, av.open(str(to), "w", format="matroska") as target:
        stream = target.add_stream("libx264", rate=Fraction(1000), options=_copied())
        assert isinstance(stream, VideoStream)
        stream.time_base = Fraction(1, 1000)
        source.streams.video[0].thread_type = "AUTO"
        for number, frame in enumerate(source.decode(video=0)):
            if number == 0:
                width, height = fitted(frame.width, frame.height, SIZE)
                stream.width, stream.height = width - width % 2, height - height % 2
                stream.pix_fmt = "yuv420p"
            small = frame.reformat(stream.width, stream.height, "yuv420p", interpolation="AREA")
            small.pts, small.time_base = number, Fraction(1, 1000)
            target.mux(stream.encode(small))
        target.mux(stream.encode(None))


def _copied() -> dict[str, str]:
    return {"crf": "8", "preset": "superfast", "g": str(_GOP), "bf": "0"}


def frames_of(path: Path, numbers: Sequence[int]) -> dict[int, Image.Image]:
    """Return chosen frames of a copy."""
    wanted, found = set(numbers), {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        container.seek(round(min(wanted) / 1000 / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            assert frame.time is not None
            number = round(frame.time * 1000)
            if number in wanted:
                found[number] = Image.fromarray(frame.to_ndarray(format="rgb24"))
            if number >= max(wanted):
                break
    return found


def render(ask: Ask, copies: Sequence[Path], surveys: Sequence[Survey], to: Path) -> None:
    """Write a query as an H.264 file."""
    with av.open(str(to), "w", format="matroska") as container:
        options = {"crf": str(ask.crf), "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=ask.rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(_pictures(ask, copies, surveys)):
            if number == 0:
                height, width = (n - n % 2 for n in picture.shape[:2])
                stream.width, stream.height = width, height
            part = np.ascontiguousarray(picture[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        container.mux(stream.encode(None))


def _pictures(ask: Ask, copies: Sequence[Path], surveys: Sequence[Survey]) -> Iterator[Pixels]:
    """Yield every frame of a query."""
    handed: list[Pixels] = []  # of the shot before, that fade into this
    size: tuple[int, ...] = ()
    for place, shot in enumerate(ask.shots):
        following = ask.shots[place + 1] if place + 1 < len(ask.shots) else None
        after = following.fade_frames // 2 if following else 0
        before = shot.fade_frames // 2
        frames = range(shot.first - before, shot.stop + after)
        shown = list(_shown(ask, shot, frames, copies[shot.clip], surveys[shot.clip]))
        size = size or shown[0].shape
        pictures = [resized(picture, size[1], size[0]) for picture in shown]
        for n, old in enumerate(handed):
            share = (n + 0.5) / len(handed)
            pictures[n] = _blend(old, pictures[n], share)
        cut = len(pictures) - (following.fade_frames if following else 0)
        yield from pictures[:cut]
        handed = pictures[cut:]
    yield from handed


def _blend(one: Pixels, other: Pixels, share: float) -> Pixels:
    mixed = Image.blend(Image.fromarray(one), Image.fromarray(other), share)
    return np.asarray(mixed)


def _shown(ask: Ask, shot: Shot, frames: range, copy: Path, survey: Survey) -> Iterator[Pixels]:
    """Yield the frames of a shot, edited."""
    begin_ms = ask.ms(shot.first)
    shown = [
        survey.frame_at(shot.from_ms + shot.speed * (ask.ms(number) - begin_ms))
        for number in frames
    ]
    decoded = frames_of(copy, shown)
    canvas = _Canvas(ask, shot.look)
    for number, source in zip(frames, shown, strict=True):
        picture = decoded[min(decoded, key=lambda n: abs(n - source))]
        if shot.mirrored:
            picture = ImageOps.mirror(picture)
        part = min(max((number - shot.first) / max(1, shot.stop - shot.first), 0.0), 1.0)
        since_ms = ask.ms(number) - begin_ms
        yield canvas.paint(picture, part, since_ms)


class _Canvas:
    """Paints the frames of one shot."""

    def __init__(self, ask: Ask, look: Look) -> None:
        self._look = look
        self._plain = ask.kind in ("clip", "negative")
        self._logo = ask.logo
        self._number = ask.number
        levels = 255 * (np.arange(256) / 255) ** look.gamma
        table = np.clip(np.rint((levels - 128) * look.gain + 128), 0, 255).astype(int).tolist()
        self._table = table * 3

    def paint(self, picture: Image.Image, part: float, since_ms: float) -> Pixels:
        """Return a frame, `part` of the way through the shot."""
        look = self._look
        if self._plain:
            return self._edited(np.asarray(picture))
        framed = self._framed(picture, look.zoom[0] + (look.zoom[1] - look.zoom[0]) * part)
        if (look.gamma, look.gain) != (1.0, 1.0):
            framed = framed.point(self._table)
        if look.saturation != 1.0:
            framed = ImageEnhance.Color(framed).enhance(look.saturation)
        pixels = np.asarray(framed)
        if look.subtitle is not None:
            pixels = overlays.subtitles(pixels, np.random.default_rng(look.subtitle), 1)
        if self._logo is not None:
            pixels = overlays.logo(pixels, np.random.default_rng(self._logo), 0.02)
        if look.from_black_ms and since_ms < look.from_black_ms:
            pixels = _blend(np.zeros_like(pixels), pixels, max(0.0, since_ms / look.from_black_ms))
        return pixels

    def _edited(self, pixels: Pixels) -> Pixels:
        if self._look.cell is None:
            return pixels
        return transforms.recipe(self._look.cell).apply([pixels], self._number)

    def _framed(self, picture: Image.Image, zoom: float) -> Image.Image:
        """Cut the zoomed part and bring it to the size of the AMV."""
        wide, high = picture.width / zoom, picture.height / zoom
        left = (picture.width - wide) * self._look.centre[0]
        top = (picture.height - high) * self._look.centre[1]
        box = (left, top, left + wide, top + high)
        if not self._look.bars:
            return picture.resize(SIZE, Image.Resampling.BILINEAR, box)
        scale = min(SIZE[0] / picture.width, SIZE[1] / picture.height)
        size = round(picture.width * scale), round(picture.height * scale)
        inner = picture.resize(size, Image.Resampling.BILINEAR, box)
        framed = Image.new("RGB", SIZE)
        framed.paste(inner, ((SIZE[0] - size[0]) // 2, (SIZE[1] - size[1]) // 2))
        return framed
