"""The figures as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MEANS = {"r1": "R@1", "r1_at_1_percent": "at 1 %", "r1_at_0.1_percent": "at 0.1 %"}


def markdown(found: dict[str, Any]) -> str:
    """Return all figures; a cell of the table is R@1 / at 1 % / at 0.1 % false alarms."""
    return "\n".join([*_head(found), "", *_summary(found), "", *_cells(found), ""])


def _head(found: dict[str, Any]) -> Iterator[str]:
    asked = ", ".join(f"{n} {kind}" for kind, n in found["queries"].items())
    of = f"{found['titles']} titles, {found['episodes']} episodes, seed {found['seed']}"
    yield f"Queries: {asked}; {of}."
    yield f"Machine: {found['machine']['cpu']}. Figures in percent."
    for name, why in found["missing"].items():
        yield f"Without {name}: {why}."


def _summary(found: dict[str, Any]) -> Iterator[str]:
    methods = found["methods"]
    yield _row("", methods)
    yield _row("---", ["---:"] * len(methods))
    for key, label in _MEANS.items():
        figures = [m["mean"][key] for m in methods.values()]
        texts = [f"**{f['mean']:.1f}** ({f['low']:.0f} to {f['high']:.0f})" for f in figures]
        yield _row(f"mean {label}", texts)
    for kind in ("unrelated", "series"):
        own = [m["false_alarms"][kind]["own"] for m in methods.values()]
        yield _row(f"false alarms at its own threshold, {kind}", [f"{v:.2f}" for v in own])
        fitted = [m["false_alarms"][kind].get("r1_at_1_percent") for m in methods.values()]
        yield _row(f"false alarms at the fitted 1 %, {kind}", [_text(v, 2) for v in fitted])
    for key in ("positive", "positive_named_wrong", "negative", "flat"):
        yield _row(
            f"verdict right, {key}" if key != "positive_named_wrong" else "positive named wrongly",
            [_text(m["verdicts"][key], 1) for m in methods.values()],
        )
    errors = [m["calibration_error"] for m in methods.values()]
    yield _row("calibration error", [_text(e, 3) for e in errors])
    yield _row("descriptors searched", [f"{m['descriptors']:,}" for m in methods.values()])


def _cells(found: dict[str, Any]) -> Iterator[str]:
    methods = found["methods"]
    yield _row("family", ["strength", "n", *methods])
    yield _row("---", ["---", "---:", *["---:"] * len(methods)])
    for rows in zip(*(m["cells"] for m in methods.values()), strict=True):
        texts = [" / ".join(f"{row[key]:.0f}" for key in _MEANS) for row in rows]
        yield _row(rows[0]["family"], [rows[0]["strength"], str(rows[0]["n"]), *texts])


def _row(first: str, rest: Any) -> str:
    return f"| {first} | {' | '.join(rest)} |"


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
