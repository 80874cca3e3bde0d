"""Pieces of a drawn report fit where they are put, whatever the text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mitate.server.drawing import (
    BACK,
    INK,
    beside,
    fitted,
    paragraph,
    picture,
    runs,
    shortened,
    stacked,
    text_width,
    wrapped,
    write,
)

TEXTS = st.text(st.characters(codec="utf-8"), max_size=80)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(60, 400))
def test_every_line_of_a_wrapped_text_fits(text: str, width: int) -> None:
    assert all(text_width(line, 15) <= width for line in wrapped(text, 15, width))


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_wrapping_loses_no_word(text: str) -> None:
    assert "".join(" ".join(wrapped(text, 15, 200)).split()) == "".join(text.split())


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(60, 400))
def test_a_shortened_text_fits_and_keeps_both_ends(text: str, width: int) -> None:
    short = shortened(text, 15, width)
    assert text_width(short, 15) <= width or len(short) <= 3
    if short != text:
        assert "…" in short
        assert text.startswith(short.partition("…")[0])


@pytest.mark.parametrize(
    "text", ["Ünïcödé", "見立て 第3話", "Жизнь", "🎞 a", "\u202eabc\x07", "×“”°–"]
)
def test_any_script_is_written_without_the_sign_for_a_missing_character(text: str) -> None:
    for part, font in runs(text, 15):
        missing = bytes(font.getmask("\uffff"))
        assert all(part.isprintable() and bytes(font.getmask(one)) != missing for one in part)


def test_text_is_drawn_within_its_line() -> None:
    image = Image.new("RGB", (400, 40), BACK)
    write(ImageDraw.Draw(image), (10, 10), "Quality of A: gjpq ÄÅ", 15)
    rows, columns = np.nonzero((np.asarray(image) != BACK).any(axis=2))
    assert rows.min() >= 8 and rows.max() < 10 + 15 * 1.35
    assert columns.min() >= 10 and columns.max() <= 12 + text_width("Quality of A: gjpq ÄÅ", 15)


def test_a_paragraph_is_as_wide_as_asked_and_as_high_as_its_lines() -> None:
    one, more = (paragraph("word " * n, 15, 200, INK) for n in (1, 40))
    assert one.width == more.width == 200
    assert more.height == len(wrapped("word " * 40, 15, 200)) * one.height


def test_stacked_and_beside_leave_every_piece_untouched() -> None:
    pieces = [
        Image.new("RGB", size, colour) for size, colour in (((30, 10), "red"), ((20, 25), "blue"))
    ]
    column, row = stacked(pieces, 5), beside(pieces, 5)
    assert column.size == (30, 40)
    assert row.size == (55, 25)
    for image, (x, y) in ((column, (0, 15)), (row, (35, 0))):
        assert image.crop((0, 0, 30, 10)).tobytes() == pieces[0].tobytes()
        assert image.crop((x, y, x + 20, y + 25)).tobytes() == pieces[1].tobytes()


@given(st.floats(0.01, 1e4), st.floats(0.01, 1e4))
def test_what_is_fitted_lies_in_its_box_and_fills_one_side(width: float, height: float) -> None:
    fit = fitted(width, height, 300, 200)
    assert 1 <= fit[0] <= 300 and 1 <= fit[1] <= 200
    assert fit[0] == 300 or fit[1] == 200


def test_blocks_stay_sharp() -> None:
    checks = np.indices((8, 8)).sum(axis=0) % 2 * 255
    image = picture(checks.astype(np.uint8), (80, 80), smooth=False)
    assert set(np.unique(np.asarray(image))) == {0, 255}
