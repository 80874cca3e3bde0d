"""The figures as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def markdown(found: dict[str, Any]) -> str:
    """Return all figures."""
    return "\n".join(
        [*_head(found), "", *_timelines(found), "", *_clips(found), "", *_pairs(found), ""]
    )


def _head(found: dict[str, Any]) -> Iterator[str]:
    sizes = found["sizes"]
    yield (
        f"{sizes['amvs']} AMVs and {sizes['unseen']} of unseen titles, {sizes['seconds']:.0f} s "
        f"each, against {found['descriptors']:,} descriptors; seed {found['seed']}."
    )
    given = found["parameters"].items()
    yield "Parameters: " + "; ".join(
        f"{name} " + ", ".join(f"{key} {value}" for key, value in values.items())
        for name, values in given
    )


def _timelines(found: dict[str, Any]) -> Iterator[str]:
    rows = found["timelines"]
    yield _row("", list(rows))
    yield _row("---", ["---:"] * len(rows))
    for key in ("precision", "recall", "f1", "micro_ap"):
        yield _row(key, [_text(one[key], 3) for one in rows.values()])
    for name in next(iter(rows.values()))["shot_recall"]:
        recalls = [one["shot_recall"][name] for one in rows.values()]
        label = f"shot recall, {name} (n {recalls[0]['n']})"
        yield _row(label, [_text(one["recall"], 3) for one in recalls])
    for side in ("query_frames", "reference_frames"):
        for key in ("median", "p90"):
            texts = [_text(one["boundary"][side].get(key), 2) for one in rows.values()]
            yield _row(f"boundary error, {side.replace('_', ' ')}, {key}", texts)
    yield _row("false s per minute", [_text(one["false_s_per_min"], 2) for one in rows.values()])
    unseen = [one.get("unseen", {}).get("false_s_per_min") for one in rows.values()]
    yield _row("false s per minute, unseen", [_text(one, 2) for one in unseen])
    errors = [one["calibration_error"] for one in rows.values()]
    yield _row("calibration error", [_text(one, 3) for one in errors])
    costs = [one["cpu_s_per_minute"] for one in rows.values()]
    yield _row("CPU s per minute of video", [_text(one, 2) for one in costs])


def _clips(found: dict[str, Any]) -> Iterator[str]:
    clips = dict(found.get("clips", {}))
    if not clips:
        return
    negatives = clips.pop("negatives", None)
    yield _row("clips", ["n", "source", "believed", "start", "p90", "speed", "orientation"])
    yield _row("---", ["---:"] * 7)
    for name, one in clips.items():
        shares = [_text(100 * one[key], 0) for key in ("source", "believed")]
        starts = [_text(one.get(key), 2) for key in ("start_frames", "start_frames_p90")]
        rest = [_text(100 * one[key], 0) for key in ("speed", "orientation")]
        yield _row(name, [str(one["n"]), *shares, *starts, *rest])
    if negatives:
        yield ""
        yield (
            f"{negatives['answered']} of {negatives['n']} clips of titles that are not indexed are "
            f"answered; at most {100 * negatives['at_most_95']:.2f} % (95 %)."
        )


def _pairs(found: dict[str, Any]) -> Iterator[str]:
    pairs = found.get("pairs")
    if not pairs:
        return
    yield _row("files of the same content", ["n", "found", "error, ms", "p90", "largest"])
    yield _row("---", ["---:"] * 5)
    for name, one in pairs["summary"].items():
        errors = [_text(one.get(key), 0) for key in ("error_ms", "error_ms_p90", "error_ms_max")]
        yield _row(name, [str(one["n"]), str(one["found"]), *errors])
    for row in pairs["rows"]:
        if not row["found"]:
            told = "another file or none is told"
            if "error_ms" in row:
                told = f"offset {row['error_ms']:+.0f} ms, at speed {row['told_speed']:.2f}"
            yield f"\nNot found: {row['query']} in {row['reference']}: {row['verdict']}, {told}."


def _row(first: str, rest: list[str]) -> str:
    return f"| {first} | {' | '.join(rest)} |"


def _text(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
