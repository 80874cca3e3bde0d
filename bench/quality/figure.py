"""A picture of the figures: for every family a bar per method, R@1 at 1 % false alarms."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from bench.quality.edit_overlays import font

_COLOURS = ("#c8c8c8", "#8fb3d9", "#e0b070", "#c39bc9", "#b5b06a")
_OURS, _OUR_COLOUR = "mitate", "#2f7d4f"
_BAR, _GAP, _LEFT, _WIDTH, _TOP = 9, 10, 190, 900, 64


def write(path: Path, found: dict[str, Any]) -> None:
    """Draw the families of all methods under one another, with the mean first."""
    title = "Pictures recognised at 1 % false alarms, percent"
    bars(path, title, list(found["methods"]), by_family(found))


def bars(path: Path, title: str, methods: list[str], rows: dict[str, list[float]]) -> None:
    """Draw a group of bars for each row, one for each method, from 0 to 100."""
    step = _BAR * len(methods) + _GAP
    image = Image.new("RGB", (_WIDTH, _TOP + step * len(rows) + 30), "white")
    draw = ImageDraw.Draw(image)
    _legend(draw, title, methods)
    scale = (_WIDTH - _LEFT - 60) / 100
    for percent in (0, 25, 50, 75, 100):
        x = _LEFT + percent * scale
        draw.line((x, _TOP - 4, x, image.height - 24), fill="#dddddd")
        draw.text((x, image.height - 18), f"{percent}", fill="#555555", font=font(11), anchor="ma")
    for row, (name, figures) in enumerate(rows.items()):
        y = _TOP + row * step
        draw.text((_LEFT - 10, y + step / 2 - 5), name, fill="black", font=font(13), anchor="rm")
        for number, value in enumerate(figures):
            top = y + number * _BAR
            box = (_LEFT, top, _LEFT + max(1.0, value * scale), top + _BAR - 2)
            draw.rectangle(box, fill=_colour(methods, number))
            place = (box[2] + 4, top + _BAR / 2 - 1)
            draw.text(place, f"{value:.0f}", fill="#555555", font=font(9), anchor="lm")
    path.parent.mkdir(exist_ok=True)
    image.save(path, optimize=True)


def _colour(methods: list[str], number: int) -> str:
    return _OUR_COLOUR if methods[number] == _OURS else _COLOURS[number % len(_COLOURS)]


def by_family(found: dict[str, Any]) -> dict[str, list[float]]:
    """Return R@1 at 1 % false alarms of each family, mean over strengths, one per method."""
    methods = found["methods"].values()
    families: defaultdict[str, list[float]] = defaultdict(list)
    families["mean of families"] = [m["mean"]["r1_at_1_percent"]["mean"] for m in methods]
    for method in methods:
        values: defaultdict[str, list[float]] = defaultdict(list)
        for cell in method["cells"]:
            values[cell["family"]].append(cell["r1_at_1_percent"])
        for family, figures in values.items():
            families[family].append(float(np.mean(figures)))
    return dict(families)


def _legend(draw: ImageDraw.ImageDraw, title: str, methods: list[str]) -> None:
    draw.text((_LEFT, 10), title, fill="black", font=font(15))
    x = float(_LEFT)
    for number, name in enumerate(methods):
        draw.rectangle((x, 37, x + 12, 49), fill=_colour(methods, number))
        draw.text((x + 18, 43), name, fill="black", font=font(13), anchor="lm")
        x += 40 + draw.textlength(name, font(13))
