"""A comparison as a picture: both sides, what was compared, every stage with its numbers.

It is made of strips that are stacked, so nothing lies on anything else.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from mitate.server.compare_panels import (
    WIDTH,
    blocks_panel,
    coefficients_panel,
    looked_at,
    side_panel,
)
from mitate.server.comparison import Comparison, Outcome, Stage, number
from mitate.server.drawing import (
    BACK,
    FAINT,
    LINE,
    MARGIN,
    Colour,
    beside,
    page,
    paragraph,
    stacked,
    wrapped,
    write,
)
from mitate.server.records import Verdict

_VERDICT_COLOURS: dict[Verdict, Colour] = {
    Verdict.MATCH: (34, 132, 72),
    Verdict.AMBIGUOUS: (196, 134, 20),
    Verdict.NO_MATCH: (184, 52, 44),
    Verdict.UNINFORMATIVE: (112, 116, 122),
}
_OUTCOME_COLOURS: dict[Outcome, Colour] = {
    Outcome.PASSED: (34, 132, 72),
    Outcome.FAILED: (184, 52, 44),
    Outcome.TOLD: (150, 154, 160),
    Outcome.SKIPPED: (205, 206, 204),
}
_GAP = 18
_NAME_WIDTH = 120  # of a stage
_WORDS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.TOLD: "",
    Outcome.SKIPPED: "skipped",
}


def draw(comparison: Comparison) -> bytes:
    """Return a comparison as a PNG file."""
    sides = sorted((comparison.query, comparison.reference), key=lambda side: side.letter)
    strips = [
        _headline(comparison),
        beside([side_panel(side, comparison) for side in sides], MARGIN),
        looked_at(comparison),
        beside([blocks_panel(comparison), coefficients_panel(comparison)], MARGIN),
        *(_stage(stage) for stage in comparison.stages),
    ]
    return page(strips, _GAP)


def _headline(comparison: Comparison) -> Image.Image:
    colour = _VERDICT_COLOURS[comparison.verdict]
    text = comparison.summary
    if comparison.probability is not None:
        probability = f"{comparison.probability:.3f}"
        text += f"; probability {'below 0.001' if probability == '0.000' else probability}"
    words = paragraph(text, 22, WIDTH - MARGIN, colour)
    bar = Image.new("RGB", (MARGIN // 3, words.height), colour)
    return beside([bar, words], MARGIN - MARGIN // 3)


def _stage(stage: Stage) -> Image.Image:
    colour = _OUTCOME_COLOURS[stage.outcome]
    head = Image.new("RGB", (_NAME_WIDTH, 42 if _WORDS[stage.outcome] else 22), BACK)
    pen = ImageDraw.Draw(head)
    pen.rectangle((0, 4, 11, 15), fill=colour)
    write(pen, (20, 0), stage.name, 15)
    write(pen, (20, 20), _WORDS[stage.outcome], 13, colour)
    width = WIDTH - _NAME_WIDTH
    told = [paragraph(stage.text[0].upper() + stage.text[1:], 15, width)]
    if stage.measures:
        told.append(_measures(stage, width))
    row = beside([head, stacked(told, 3)], 0)
    ruled = Image.new("RGB", (WIDTH, row.height + 8), BACK)
    ImageDraw.Draw(ruled).line((0, 0, WIDTH, 0), fill=LINE)
    ruled.paste(row, (0, 8))
    return ruled


def _measures(stage: Stage, width: int) -> Image.Image:
    """Return the numbers in lines, none of them broken in two."""
    lines = [""]
    for measure in stage.measures:
        text = f"{measure.text}: {number(measure.value)}"
        text += f" ({measure.needed})" if measure.needed else ""
        joined = f"{lines[-1]} | {text}" if lines[-1] else text
        if len(wrapped(joined, 13, width)) == 1:
            lines[-1] = joined
        else:
            lines.append(text)
    return stacked([paragraph(line, 13, width, FAINT) for line in lines if line], 0)
