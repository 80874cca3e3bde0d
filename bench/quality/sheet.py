"""A contact sheet of queries that fail: the query, the frame it is from, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.quality import distractors
from bench.quality.edit_overlays import font
from bench.quality.figures import Judged
from bench.quality.method import Answer
from bench.quality.metrics import given
from bench.quality.pictures import Pixels, fitted, resized, runs
from bench.quality.protocol import Protocol
from bench.quality.work import Workshop

_CELL = (256, 160)
_TEXT = 30
_COLUMNS = 2
MOST = 40


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the pictures on a sheet come from."""

    shop: Workshop
    protocol: Protocol
    chunks: Sequence[distractors.Chunk]
    pool: distractors.Pool

    def answered(self, answer: Answer) -> Pixels:
        """Return the picture that an answer names; black for none."""
        clips = self.protocol.media.clips
        if answer.number < 0:
            return np.zeros((90, 160, 3), np.uint8)
        if answer.number < len(clips):
            at = self.protocol.frame_at(answer.number, (answer.from_ms + answer.to_ms) // 2)
            ((_, run),) = runs(clips[answer.number].path, [at], before=0)
            return run[-1]
        chunk = self.chunks[answer.number - len(clips)]
        return distractors.make_one(self.pool, chunk, self.shop.seed, answer.from_ms // 1000)


def write(prefix: Path, made_from: Sources, judged: Judged) -> None:
    """Write one sheet of missed positives and one of negatives that were answered."""
    prefix.parent.mkdir(exist_ok=True)
    answered = np.zeros(len(judged.asks), np.bool_)
    answered[judged.scored] = given(judged.outcomes(), 0.01)
    positive = judged.kinds == "positive"
    failed = {
        "missed": positive & ~(answered & judged.right),
        "false-alarms": answered & np.isin(judged.kinds, ["unrelated", "series"]),
    }
    for name, which in failed.items():
        places = np.random.default_rng(0).permutation(np.flatnonzero(which))[:MOST]
        rows = [_row(made_from, judged, int(place)) for place in sorted(places)]
        if rows:
            _joined(rows).save(f"{prefix}{name}.jpg", quality=80)


def _row(made_from: Sources, judged: Judged, place: int) -> Image.Image:
    ask, answer = judged.asks[place], judged.answers[place]
    ((_, frame, query),) = made_from.shop.pictures(ask.clip, [ask])
    found, protocol = made_from.answered(answer), made_from.protocol
    word = "right" if judged.right[place] else answer.verdict
    texts = (
        f"{ask.cell.family} {ask.cell.strength}",
        f"{protocol.name(ask.clip)} ({ask.kind})",
        f"{word}: {protocol.name(answer.number)} {answer.score:.3g} {answer.note}",
    )
    return _cells((query, frame, found), texts)


def _cells(pictures: Sequence[Pixels], texts: Sequence[str]) -> Image.Image:
    row = Image.new("RGB", (_CELL[0] * len(pictures), _CELL[1] + _TEXT), "white")
    draw = ImageDraw.Draw(row)
    for number, (picture, text) in enumerate(zip(pictures, texts, strict=True)):
        size = fitted(picture.shape[1], picture.shape[0], (_CELL[0] - 6, _CELL[1] - 4))
        row.paste(Image.fromarray(resized(picture, *size)), (number * _CELL[0] + 3, 2))
        draw.text((number * _CELL[0] + 3, _CELL[1] + 4), text[:44], fill="black", font=font(11))
    return row


def _joined(rows: Sequence[Image.Image]) -> Image.Image:
    width, height = rows[0].size
    n_lines = -(-len(rows) // _COLUMNS)
    image = Image.new("RGB", ((width + 16) * _COLUMNS, height * n_lines), "white")
    for number, row in enumerate(rows):
        image.paste(row, ((number % _COLUMNS) * (width + 16), number // _COLUMNS * height))
    return image
