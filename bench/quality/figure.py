"""A picture of the figures: for every family a bar per method, R@1 at 1 % false alarms."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from bench.quality.edit_overlays import font

_COLOURS = ("#c8c8c8", "#8fb3d9", "#e0b070", "#2f7d4f")
_BAR, _GAP, _LEFT, _WIDTH, _TOP = 9, 10, 190, 900, 64


def write(path: Path, found: dict[str, Any]) -> None:
    """Draw the families of all methods under one another, with the mean first."""
    families = by_family(found)
    methods = list(found["methods"])
    step = _BAR * len(methods) + _GAP
    image = Image.new("RGB", (_WIDTH, _TOP + step * len(families) + 30), "white")
    draw = ImageDraw.Draw(image)
    _legend(draw, methods)
    scale = (_WIDTH - _LEFT - 60) / 100
    for percent in (0, 25, 50, 75, 100):
        x = _LEFT + percent * scale
        draw.line((x, _TOP - 4, x, image.height - 24), fill="#dddddd")
        draw.text((x, image.height - 18), f"{percent}", fill="#555555", font=font(11), anchor="ma")
    for row, (family, figures) in enumerate(families.items()):
        y = _TOP + row * step
        draw.text((_LEFT - 10, y + step / 2 - 5), family, fill="black", font=font(13), anchor="rm")
        for number, value in enumerate(figures):
            top = y + number * _BAR
            box = (_LEFT, top, _LEFT + max(1.0, value * scale), top + _BAR - 2)
            draw.rectangle(box, fill=_COLOURS[number % len(_COLOURS)])
            place = (box[2] + 4, top + _BAR / 2 - 1)
            draw.text(place, f"{value:.0f}", fill="#555555", font=font(9), anchor="lm")
    path.parent.mkdir(exist_ok=True)
    image.save(path, optimize=True)


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


def _legend(draw: ImageDraw.ImageDraw, methods: list[str]) -> None:
    title = "Pictures recognised at 1 % false alarms, percent"
    draw.text((_LEFT, 10), title, fill="black", font=font(15))
    x = float(_LEFT)
    for number, name in enumerate(methods):
        draw.rectangle((x, 37, x + 12, 49), fill=_COLOURS[number % len(_COLOURS)])
        draw.text((x + 18, 43), name, fill="black", font=font(13), anchor="lm")
        x += 40 + draw.textlength(name, font(13))
