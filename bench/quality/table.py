"""The figures as a table in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from bench.quality.encodes import FAMILY
from bench.quality.figures import NEGATIVE_KINDS

_MEANS = {"r1": "R@1", "r1_at_1_percent": "at 1 %", "r1_at_0.1_percent": "at 0.1 %"}

_ALARMS = {
    "own": "answered at its own threshold",
    "own_match": "of these as match",
    "r1_at_1_percent": "answered at the fitted 1 %",
    "r1_at_0.1_percent": "answered at the fitted 0.1 %",
}
_VERDICTS = {
    "positive_named_wrong": "positive named wrongly",
    "flat_match": "flat answered by a match",
}


def markdown(found: dict[str, Any]) -> str:
    """Return all figures; a cell of the table is R@1 / at 1 % / at 0.1 % false alarms."""
    parts = [_head(found), _summary(found), _cells(found), _clips(found)]
    return "\n".join(line for part in parts for line in (*part, ""))


def _head(found: dict[str, Any]) -> Iterator[str]:
    asked = ", ".join(f"{n} {kind}" for kind, n in found["queries"].items())
    of = f"{found['titles']} titles, {found['episodes']} episodes, seed {found['seed']}"
    yield f"Queries: {asked}; {of}."
    yield f"Machine: {found['machine']['cpu']}. Figures in percent."
    if dropped := found.get("negatives_dropped_as_alike"):
        yield f"Frames not asked as negatives, since nearly the same is searched: {dropped}."
    if found.get("encodes_unlike"):
        files = ", ".join(found["encodes_unlike"])
        yield f"Other files that hold no moment of the file searched: {files}."
    for name, why in found["missing"].items():
        yield f"Without {name}: {why}."


def _summary(found: dict[str, Any]) -> Iterator[str]:
    methods = found["methods"]
    yield _row("", methods)
    yield _row("---", ["---:"] * len(methods))
    for key, label in _MEANS.items():
        means = [m["mean"][key] for m in methods.values()]
        texts = [f"**{f['mean']:.1f}** ({f['low']:.0f} to {f['high']:.0f})" for f in means]
        yield _row(f"mean {label}", texts)
    for kind, (key, label) in product(NEGATIVE_KINDS, _ALARMS.items()):
        figures = [m["false_alarms"].get(kind, {}).get(key) for m in methods.values()]
        if any(figure is not None for figure in figures):
            yield _row(f"{kind}: {label}", [_text(figure, 2) for figure in figures])
    for key in ("positive", "positive_named_wrong", "negative", "flat", "flat_match", FAMILY):
        if any(key not in m["verdicts"] for m in methods.values()):
            continue
        yield _row(
            _VERDICTS.get(key, f"verdict right, {key}"),
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


def _clips(found: dict[str, Any]) -> Iterator[str]:
    methods = found.get("clips", {}).get("methods", {})
    if not methods:
        return
    negatives = [m["negatives"] for m in methods.values()]
    yield (
        f"Clips, each looked for in {found['clips']['references_per_clip']} references: the moment "
        "named at first place / and claimed as found / with a score above that of every clip of "
        f"another title that is not there; {negatives[0]['n']} of these."
    )
    yield ""
    yield _row("clips", ["n", *methods])
    yield _row("---", ["---:"] * (len(methods) + 1))
    for rows in zip(*(m["clips"].items() for m in methods.values()), strict=True):
        keys = ("right", "claimed_right", "safe")
        texts = [" / ".join(f"{row[key]:.0f}" for key in keys) for _, row in rows]
        yield _row(rows[0][0], [str(rows[0][1]["n"]), *texts])
    wrong = [_text(m["claimed_wrong"], 1) for m in methods.values()]
    yield _row("claimed wrongly", [str(next(iter(methods.values()))["clips"]["all"]["n"]), *wrong])
    errors = [m["start_error_ms"] or (None, None) for m in methods.values()]
    texts = [f"{_text(median, 0)} / {_text(high, 0)}" for median, high in errors]
    yield _row("start error in ms where the source is right, median / p90", ["", *texts])
    texts = [f"{one['answered']} (at most {one['at_most_95']:.1f} %)" for one in negatives]
    yield _row("clips of titles left out that are claimed", [str(negatives[0]["n"]), *texts])


def _row(first: str, rest: Any) -> str:
    return f"| {first} | {' | '.join(rest)} |"


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
