"""The bars of the figures, and the sheets of queries that fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from bench.quality import figure, sheet
from bench.quality.figures import Judged
from bench.quality.method import Answer
from bench.quality.protocol import Ask, Protocol, Sizes, Survey
from bench.quality.titles import Clip, Media
from bench.quality.transforms import cells

QUERY, ASKED, ANSWERED = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def found(*percents: float) -> dict[str, Any]:
    cells = [
        {"family": "crop", "strength": strength, "r1_at_1_percent": 0.0}
        for strength in ("mild", "heavy")
    ]
    return {
        "methods": {
            f"method {number}": {
                "mean": {"r1_at_1_percent": {"mean": percent}},
                "cells": [cells[0] | {"r1_at_1_percent": percent}, cells[1]],
            }
            for number, percent in enumerate(percents)
        }
    }


def test_a_family_is_the_mean_over_its_strengths() -> None:
    assert figure.by_family(found(80.0, 40.0)) == {
        "mean of families": [80.0, 40.0],
        "crop": [40.0, 20.0],
    }


def test_bars_are_as_long_as_the_figures(tmp_path: Path) -> None:
    figure.write(tmp_path / "figure.png", found(80.0, 40.0))
    pixels = np.asarray(Image.open(tmp_path / "figure.png"))
    colours = [tuple(bytes.fromhex(colour[1:])) for colour in figure._COLOURS[:2]]
    lengths = [(pixels[60:] == colour).all(axis=2).sum(axis=1).max() for colour in colours]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=2)


def flat(colour: tuple[int, int, int]) -> Any:
    return np.full((150, 250, 3), colour, np.uint8)


class Shop:
    """Gives every query pictures of one colour."""

    def pictures(self, clip: int, asks: list[Ask]) -> list[tuple[int, Any, Any]]:
        return [(0, flat(ASKED), flat(QUERY))]


class Sources:
    """What sheets are made from, without videos."""

    shop = Shop()

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol

    def answered(self, answer: Answer) -> Any:
        return flat(ANSWERED)


def test_sheets_show_what_was_missed_and_what_was_answered_wrongly(tmp_path: Path) -> None:
    clips = tuple(Clip(n, tmp_path / f"{n}.mp4", f"title {n}", "") for n in range(2))
    thumbs = np.random.default_rng(0).integers(0, 256, (2, 4, 36, 64, 3)).astype(np.uint8)
    surveys = [Survey(np.arange(4) * 5000, its) for its in thumbs]
    sizes = Sizes(per_cell=1, negatives=1, flats=0, distractors=0, first_ms=60_000)
    protocol = Protocol(Media(clips, ()), surveys, sizes, 1)
    asks = [Ask("positive", n % 2, 0, cells()[0], n) for n in range(4)]
    asks += [Ask("unrelated", n % 2, 0, cells()[0], n) for n in range(4)]
    right = [Answer(ask.clip, 0, 0, 0.9, "match", 0.9) for ask in asks[:3]]
    wrong = [Answer(0, 15_000, 15_000, 0.5, "match", 0.5)]
    alarms = [Answer(0, 0, 0, score, "match", 0.1) for score in (0.1, 0.1, 0.1, 0.8)]
    judged = Judged(protocol, asks, [*right, *wrong, *alarms])
    sheet.write(tmp_path / "sheets" / "quality-", cast(sheet.Sources, Sources(protocol)), judged)
    for name in ("missed", "false-alarms"):
        pixels = np.asarray(Image.open(tmp_path / "sheets" / f"quality-{name}.jpg")).astype(int)
        shares = [
            (np.abs(pixels - colour).max(axis=2) < 30).mean() for colour in (QUERY, ASKED, ANSWERED)
        ]
        assert min(shares) > 0.05
