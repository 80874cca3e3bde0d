"""Results as JSON files, and the README's table made from them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from bench import service_table
from bench.measure import Spread
from bench.timeline import figure as timeline_figure
from bench.timeline import table as timelines
from mitate.server.settings_load import markdown_table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"


def write(name: str, result: dict[str, Any]) -> Path:
    """Keep a result as bench/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    text = json.dumps(result, indent=1, default=_plain)
    path.write_text(text + "\n")
    return path.relative_to(ROOT)


def _plain(value: object) -> object:
    if isinstance(value, Spread):
        return {k: round(v, 4) for k, v in dataclasses.asdict(value).items()}
    raise TypeError(f"{type(value).__name__} is not JSON")


def _load(name: str) -> dict[str, Any]:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def _ratio(spread: dict[str, float]) -> str:
    return f"{spread['median']:.2f} ({spread['low']:.2f}–{spread['high']:.2f})"


def _search_lines(case: str, r: dict[str, Any]) -> list[str]:
    if "one_query_cpu_ms" in r:
        return [
            f"| exact search, {case} | {r['one_query_cpu_ms']['median']:.1f} ms of CPU time for "
            f"one query, {r['batch_256_qps']['median']:.0f} queries per CPU second in batches "
            f"| limit 5 ms | |",
            f"| index of {case.split(' of ')[-1]} | {r['bytes_per_frame']:.0f} bytes per frame, "
            f"loaded in {r['derive_cpu_s'] + r['add_cpu_s']:.1f} s of CPU time "
            f"| limits 70 bytes, 5 s | |",
            f"| the same with {r['windows']:,} windows | {r['bytes_per_frame_with_windows']:.0f} "
            f"bytes per frame, {r['one_query_of_windows_cpu_ms']:.0f} ms of CPU time for one query "
            f"among all windows | limit 150 bytes | |",
        ]
    return [
        f"| exact search, {case}, {how} | {r[f'{name}_qps']:.0f} queries per CPU second "
        f"| {other} | {_ratio(r[f'{name}_over_{key}'])} |"
        for name, how in (("runs", "runs opened"), ("scan", "all compared"))
        for key, other in (
            ("flat", "faiss IndexFlatL2"),
            ("ivf", f"faiss IVF4096,SQ8, recall {r['ivf_recall']:.3f}"),
        )
    ]


def _ingest_lines(cases: dict[str, Any]) -> list[str]:
    lines = []
    for case, r in cases.items():
        if "cores_busy" in r:
            lines.append(f"| add two videos at once | {r['cores_busy']:.2f} cores busy | of 2 | |")
            continue
        for key, other in (
            ("add_against_decoding", "ffmpeg decoding alone"),
            ("add_against_scaling", "ffmpeg scaling to 320x180 RGB, described in another process"),
        ):
            lines.append(
                f"| add to a live server, {case} | frames per CPU second of client, server and "
                f"workers | {other} | {_ratio(r[key])} |"
            )
    return lines


def _quality_lines(found: dict[str, Any]) -> list[str]:
    methods = {name: r["mean"] for name, r in found.get("methods", {}).items()}
    ours = methods.pop("mitate", None)
    if ours is None:
        return []
    lines = []
    for share, key in (("1", "r1_at_1_percent"), ("0.1", "r1_at_0.1_percent")):
        others = ", ".join(f"{name} {mean[key]['mean']:.1f}" for name, mean in methods.items())
        mine = f"{ours[key]['mean']:.1f} % ({ours[key]['low']:.0f}–{ours[key]['high']:.0f})"
        lines.append(
            f"| edited pictures named rightly at {share} % false alarms | {mine} | {others} | |"
        )
    return lines


def table() -> str:
    """Return the table of all results at hand."""
    lines = ["| what | figure | against | ratio |", "|---|---|---|---|"]
    for case, r in _load("decode").get("cases", {}).items():
        lines.append(
            f"| decode and describe, {case} | {r['mitate_fps']:.0f} frames per CPU second "
            f"| ffmpeg decoding alone, {r['ffmpeg_fps']:.0f} | {_ratio(r['ratio'])} |"
        )
    lines.extend(_ingest_lines(_load("ingest").get("cases", {})))
    for case, r in _load("windows").get("cases", {}).items():
        ours, plain = (r["frames"] / r[name]["median"] for name in ("cpu_s", "plain_cpu_s"))
        lines.append(
            f"| sign with windows and thumbnails, {case} | {ours:.0f} frames per CPU second "
            f"| whole frames alone, {plain:.0f}; limit 1.15 times the work "
            f"| {_ratio(r['ratio'])} |"
        )
    for case, r in _load("search").get("cases", {}).items():
        lines.extend(_search_lines(case, r))
    for case, r in _load("picture").get("cases", {}).items():
        lines.append(
            f"| {case} | {r['picture_ms']['median']:.0f} ms of CPU time "
            f"| faiss IndexFlatL2, one descriptor, {r['flat_ms']['median']:.1f} ms "
            f"| {_ratio(r['ratio'])} |"
        )
    lines.extend(_quality_lines(_load("quality")))
    lines.extend(timelines.readme_lines(_load("timeline")))
    for case, r in _load("start").get("cases", {}).items():
        lines.append(f"| {case} | {r['ready_s']['median']:.1f} s | limit 10 s | |")
    for case, r in _load("memory").get("cases", {}).items():
        lines.append(
            f"| {case} | at most {r['peak_mib']:.0f} MiB, {r['middle_mib']:.0f} half way, "
            f"{r['end_mib']:.0f} at the end | limit 800 MB | |"
        )
    if r := _load("soak"):
        lines.append(
            f"| {r['minutes']:.0f} minutes of adding, removing and searching from {r['threads']} "
            f"threads | {r['searches']:,} searches, {r['checked']:,} compared with brute force, "
            f"{r['changes']:,} changes | {r['differences']} differences, memory "
            f"{r['slope_mb_an_hour']:+.1f} MB an hour | |"
        )
    return "\n".join(lines)


def update_readme() -> None:
    """Write the measurements into README.md and docs, and the settings into docs/settings.md."""
    path = ROOT / "README.md"
    machines = {json.dumps(_load(n).get("machine", {}).get("cpu")) for n in ("decode", "search")}
    cpu = ", ".join(sorted(m.strip('"') for m in machines if m != "null"))
    measured = f"{table()}\n\nMeasured on {cpu}, one thread."
    path.write_text(_between(path.read_text(), "bench", measured))
    path = ROOT / "docs" / "quality.md"
    figures = RESULTS / "quality.md"
    if figures.is_file():
        path.write_text(_between(path.read_text(), "quality", figures.read_text().strip()))
    if found := _load("timeline"):
        path = ROOT / "docs" / "timeline.md"
        timeline_figure.write(path.with_suffix(".png"), found)
        measured = f"![what each method finds](timeline.png)\n\n{timelines.markdown(found).strip()}"
        path.write_text(_between(path.read_text(), "timeline", measured))
    path = ROOT / "docs" / "service.md"
    measured = service_table.markdown(_load("service"), _load("service_overload"))
    path.write_text(_between(path.read_text(), "service", measured))
    path = ROOT / "docs" / "settings.md"
    path.write_text(_between(path.read_text(), "settings", markdown_table()))


def _between(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{content}\n{end}{after}"
