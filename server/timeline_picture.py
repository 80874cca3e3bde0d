"""A timeline as a picture: a bar of the whole video, then every segment and gap in order.

Each segment has a frame of the video on the left and what is stored of the source on the right.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from mitate.server.comparison import clock
from mitate.server.drawing import (
    BACK,
    FAINT,
    Colour,
    beside,
    page,
    paragraph,
    shortened,
    stacked,
    text_width,
    write,
)
from mitate.server.records import Match, Timeline
from mitate.server.timeline_cards import CARD_WIDTH, EMPTY, card, hatched, place
from mitate.server.timeline_scenes import MOST_SCENES, Scene

GAP = 26
_BAR_HEIGHT, _SCALE_HEIGHT = 46, 20
# Columns for so many scenes at least.
_COLUMNS = ((0, 3), (25, 4), (121, 6))
_STEPS_MS = (500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000)
_TICK_WIDTH = 90  # pixels between two times on the scale, at least
_MOST_NAMES = 40


def draw(timeline: Timeline, some: Sequence[Scene], name: str) -> bytes:
    """Return a timeline as a PNG file; `some` are its scenes, or the first of them."""
    columns = max(n for least, n in _COLUMNS if len(some) >= least)
    width = columns * CARD_WIDTH + (columns - 1) * GAP
    colours = _colours(timeline.segments)
    cards = [
        card(scene, number, EMPTY if scene.segment is None else colours[scene.segment.episode_id])
        for number, scene in _numbered(some)
    ]
    rows = [cards[i : i + columns] for i in range(0, len(cards), columns)]
    strips = [_headline(timeline, name, width), _bar(timeline, colours, width)]
    if timeline.segments:
        strips.append(_legend(timeline.segments, colours, width))
    strips += [beside(row, GAP) for row in rows]
    n_left = len(timeline.segments) - sum(scene.segment is not None for scene in some)
    if n_left:
        text = f"{n_left:,} more segments are not drawn; {MOST_SCENES} are, with the gaps"
        strips.append(paragraph(text, 15, width, FAINT))
    return page(strips, GAP)


def _numbered(some: Sequence[Scene]) -> list[tuple[int, Scene]]:
    """Return scenes with the numbers of segments; a gap has that of the segment before it."""
    found, number = [], 0
    for scene in some:
        number += scene.segment is not None
        found.append((number, scene))
    return found


def _colours(segments: Sequence[Match]) -> Mapping[int, Colour]:
    """Return a colour for each episode, in the order in which they come."""
    ids = list(dict.fromkeys(one.episode_id for one in segments))
    return {episode_id: _colour(place) for place, episode_id in enumerate(ids)}


def _colour(place: int) -> Colour:
    """Return colours of which neighbours differ much: a step of the golden angle each."""
    hue = (0.58 + 0.381966 * place) % 1.0
    parts = colorsys.hls_to_rgb(hue, 0.46 if place % 2 else 0.40, 0.58)
    red, green, blue = (round(255 * part) for part in parts)
    return red, green, blue


def _headline(timeline: Timeline, name: str, width: int) -> Image.Image:
    head = Image.new("RGB", (width, 34), BACK)
    write(ImageDraw.Draw(head), (0, 0), shortened(name, 24, width), 24)
    text = f"{_sentence(timeline)} Left the video, right what is stored of the source."
    return stacked([head, paragraph(text, 15, width, FAINT)], 2)


def _sentence(timeline: Timeline) -> str:
    length = clock(timeline.duration_ms)
    if not timeline.segments:
        return f"Nothing was recognised in {length}."
    told = timeline.believed
    n_episodes = len({one.episode_id for one in told})
    segments, episodes = (
        f"{n:,} {noun}" + ("s" if n != 1 else "")
        for n, noun in ((len(told), "segment"), (n_episodes, "episode"))
    )
    known = f"{clock(timeline.matched_ms)} of {length} recognised"
    n_uncertain = len(timeline.segments) - len(told)
    more = f"; {n_uncertain:,} more uncertain" if n_uncertain else ""
    return f"{segments} from {episodes}: {known}{more}."


def _bar(timeline: Timeline, colours: Mapping[int, Colour], width: int) -> Image.Image:
    """Return the whole video as a bar, with the numbers of segments and a scale of times."""
    image = Image.new("RGB", (width, _BAR_HEIGHT + _SCALE_HEIGHT), BACK)
    image.paste(hatched(width, _BAR_HEIGHT), (0, 0))
    pen = ImageDraw.Draw(image)
    scale = (width - 1) / max(1, timeline.duration_ms)
    for number, one in enumerate(timeline.segments, 1):
        left, right = round(one.query_from_ms * scale), round(one.query_to_ms * scale)
        right = max(left + 1, right - 1)  # a line stays free between neighbours
        pen.rectangle((left, 0, right - 1, _BAR_HEIGHT - 1), fill=colours[one.episode_id])
        pen.line((right, 0, right, _BAR_HEIGHT - 1), fill=BACK)
        wide = text_width(str(number), 14)
        if wide + 6 <= right - left:
            at = (left + right - wide) / 2, _BAR_HEIGHT / 2 - 10
            write(pen, at, str(number), 14, BACK)
    step_ms = next((one for one in _STEPS_MS if one * scale >= _TICK_WIDTH), 3_600_000)
    for ms in range(0, timeline.duration_ms + 1, step_ms):
        x = ms * scale
        pen.line((x, _BAR_HEIGHT, x, _BAR_HEIGHT + 5), fill=FAINT)
        if x + text_width(clock(ms), 12) <= width:
            write(pen, (x + 3, _BAR_HEIGHT + 3), clock(ms), 12, FAINT)
    return image


def _legend(segments: Sequence[Match], colours: Mapping[int, Colour], width: int) -> Image.Image:
    """Return the episodes, longest shown first, with their colours."""
    shown_ms: dict[int, int] = {}
    names: dict[int, str] = {}
    for one in segments:
        episode_id = one.episode_id
        shown_ms[episode_id] = shown_ms.get(episode_id, 0) + one.query_to_ms - one.query_from_ms
        names[episode_id] = place(one)
    ranked = sorted(shown_ms, key=lambda episode_id: -shown_ms[episode_id])
    entries = [
        _entry(f"{names[one]}  {clock(shown_ms[one])}", colours[one])
        for one in ranked[:_MOST_NAMES]
    ]
    if len(ranked) > _MOST_NAMES:
        entries.append(_entry(f"and {len(ranked) - _MOST_NAMES} more", EMPTY))
    columns = max(1, width // CARD_WIDTH)
    rows = [entries[i : i + columns] for i in range(0, len(entries), columns)]
    return stacked([beside(row, GAP) for row in rows], 4)


def _entry(text: str, colour: Colour) -> Image.Image:
    image = Image.new("RGB", (CARD_WIDTH, 20), BACK)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 3, 13, 16), fill=colour)
    write(pen, (22, 0), shortened(text, 14, CARD_WIDTH - 22), 14)
    return image
