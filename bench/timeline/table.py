"""The figures as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_OURS = "mitate"
_MB_PER_MIB = 1.048576
_RATES = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "best_f1": "F1 at the best threshold",
    "micro_ap": "micro-AP",
}
_SIDES = {"query_frames": "frames of the video", "reference_frames": "frames of the source"}
_QUANTILES = {"median": "median", "p90": "90th percentile"}


def markdown(found: dict[str, Any]) -> str:
    """Return all figures."""
    parts = [_head(found), _timelines(found), _clips(found), _pairs(found), _cost(found)]
    return "\n\n".join(text for part in parts if (text := "\n".join(part))) + "\n"


def readme_lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield what the table of the README tells."""
    timelines = dict(found.get("timelines", {}))
    ours = timelines.pop(_OURS, None)
    if ours is None:
        return
    others = "; ".join(f"{name} {one['best_f1']:.3f}" for name, one in timelines.items())
    among = f"{found['descriptors']:,} descriptors"
    aps = f"F1 {ours['f1']:.3f}, micro-AP {ours['micro_ap']:.3f}"
    yield f"| AMVs taken apart among {among} | {aps} | F1 at best: {others} | |"
    long, short = (ours["shot_recall"][key]["recall"] or 0 for key in ("over 700 ms", "300-700 ms"))
    shots = f"{100 * long:.1f} % over 0.7 s, {100 * short:.1f} % of 0.3 to 0.7 s"
    yield f"| shots of AMVs found | {shots} | | |"
    clips = found.get("clips", {})
    if clips.get("negatives") and clips["all"]["n"]:
        alarms = clips["negatives"]
        right = f"right source {100 * clips['all']['source']:.1f} %"
        right += f", start {_text(clips['all'].get('start_frames'), 2)} frames off"
        yield (
            f"| clips of 3 to 10 s | {right} | {alarms['answered']} of {alarms['n']} from nothing "
            f"indexed answered | |"
        )
    for row in _costed(found, 1_000_000):
        yield (
            f"| scan of a 640x360 AMV of {found['cost']['seconds']:.0f} s among "
            f"{row['descriptors']:,} | {row['beyond_cpu_s']:.1f} s of CPU time beyond decoding, "
            f"{row['added_mib'] * _MB_PER_MIB:.0f} MB | limits 10 s, 500 MB | |"
        )


def _costed(found: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the measurement of the smallest index of at least so many descriptors."""
    rows = found.get("cost", {}).get("rows", [])
    return [row for row in rows if row["descriptors"] >= count][:1]


def _head(found: dict[str, Any]) -> Iterator[str]:
    sizes = found["sizes"]
    yield (
        f"{sizes['amvs']} AMVs and {sizes['unseen']} of unseen titles, {sizes['seconds']:.0f} s "
        f"each, against {found['descriptors']:,} descriptors; seed {found['seed']}. "
        f"Machine: {found['machine']['cpu']}."
    )
    yield ""
    yield "Parameters of the other methods:"
    yield ""
    for name, values in found["parameters"].items():
        yield f"- {name}: " + ", ".join(f"{key} {value}" for key, value in values.items())


def _timelines(found: dict[str, Any]) -> Iterator[str]:
    rows = found["timelines"]
    yield _row("", list(rows))
    yield _row("---", ["---:"] * len(rows))
    for key, label in _RATES.items():
        yield _row(label, [_text(one[key], 3) for one in rows.values()])
    for group in ("shot_recall", "shot_recall_by_edit"):
        for name, first in next(iter(rows.values()))[group].items():
            recalls = [_text(one[group][name]["recall"], 3) for one in rows.values()]
            yield _row(f"shots found, {name} (n {first['n']})", recalls)
    for side, name in _SIDES.items():
        for key, label in _QUANTILES.items():
            texts = [_text(one["boundary"][side].get(key), 2) for one in rows.values()]
            yield _row(f"error of ends in {name}, {label}", texts)
    yield _row("false s per minute", [_text(one["false_s_per_min"], 2) for one in rows.values()])
    unseen = [one.get("unseen", {}).get("false_s_per_min") for one in rows.values()]
    yield _row("false s per minute, unseen titles", [_text(one, 2) for one in unseen])
    errors = [one["calibration_error"] for one in rows.values()]
    yield _row("calibration error", [_text(one, 3) for one in errors])
    costs = [one["cpu_s_per_minute"] for one in rows.values()]
    yield _row("CPU s per minute of video, signature given", [_text(one, 1) for one in costs])


def _clips(found: dict[str, Any]) -> Iterator[str]:
    clips = dict(found.get("clips", {}))
    negatives = clips.pop("negatives", None)
    clips = {name: one for name, one in clips.items() if one["n"]}
    if clips:
        names = ["n", "right source", "believed", "start, frames off", "90th percentile"]
        yield _row("clips", [*names, "right speed", "right orientation"])
        yield _row("---", ["---:"] * 7)
    for name, one in clips.items():
        shares = [_text(100 * one[key], 1) for key in ("source", "believed")]
        starts = [_text(one.get(key), 2) for key in ("start_frames", "start_frames_p90")]
        rest = [_text(100 * one[key], 1) for key in ("speed", "orientation")]
        yield _row(name.removesuffix(" -"), [str(one["n"]), *shares, *starts, *rest])
    if clips and negatives:
        yield ""
    if negatives:
        yield (
            f"{negatives['answered']} of {negatives['n']} clips of titles that are not indexed are "
            f"answered; at most {100 * negatives['at_most_95']:.2f} % (95 %)."
        )


def _pairs(found: dict[str, Any]) -> Iterator[str]:
    pairs = found.get("pairs")
    if not pairs:
        return
    yield _row("files of the same content", ["pairs", "found", "offset, ms off", "p90", "largest"])
    yield _row("---", ["---:"] * 5)
    for name, one in pairs["summary"].items():
        errors = [_text(one.get(key), 0) for key in ("error_ms", "error_ms_p90", "error_ms_max")]
        yield _row(name, [str(one["n"]), str(one["found"]), *errors])
    missed = [row for row in pairs["rows"] if not row["found"]]
    if missed:
        yield ""
        yield "Not found:"
        yield ""
    for row in missed:
        told = "another file or none is told"
        if "error_ms" in row:
            told = f"told {row['error_ms']:+.0f} ms off at speed {row['told_speed']:.2f}"
        yield f"- {row['query']} in {row['reference']}: {row['verdict']}, {told}"


def _cost(found: dict[str, Any]) -> Iterator[str]:
    cost = found.get("cost")
    if not cost:
        return
    names = ["CPU s", "beyond decoding", "times decoding", "wall s"]
    memory = ["index, MiB", "server when ready", "added by a scan", "all together"]
    yield _row("a scan among", [*names, *memory])
    yield _row("---", ["---:"] * 8)
    for row in cost["rows"]:
        times = [row["cpu_s"]["median"], row["beyond_cpu_s"], row["over_decoding"], row["wall_s"]]
        sizes = [row[key] for key in ("index_mib", "ready_mib", "added_mib", "peak_mib")]
        texts = [*(_text(one, 1) for one in times), *(_text(one, 0) for one in sizes)]
        yield _row(f"{row['descriptors']:,} descriptors", texts)
    yield ""
    text = f"Decoding alone takes {cost['decode_cpu_s']:.2f} s of CPU time."
    if "exponent" in cost:
        text += (
            f" What is beyond it grows with the number of descriptors to the power of "
            f"{cost['exponent']:.2f}, {cost['exponent_at_last']:.2f} between the last two."
        )
    yield text


def _row(first: str, rest: list[str]) -> str:
    return f"| {first} | {' | '.join(rest)} |"


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
