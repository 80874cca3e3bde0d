"""The figures of the service as tables for docs/service.md."""

from __future__ import annotations

from typing import Any


def markdown(service: dict[str, Any], load: dict[str, Any]) -> str:
    """Return the tables of bench/results/service.json and service_overload.json."""
    parts = [_against_bare(service), _batching(service)] if service else []
    return "\n\n".join([*parts, _under_load(load)] if load else parts)


def _spread(spread: dict[str, float]) -> str:
    return f"{spread['median']:.2f} ({spread['low']:.2f}–{spread['high']:.2f})"


def _against_bare(service: dict[str, Any]) -> str:
    lines = [
        "| engine does nothing | a second | bare | throughput | CPU time, bare to ours | p50 |",
        "|---|---|---|---|---|---|",
    ]
    for case, r in service["against_bare"].items():
        ratios = [_spread(r[f"{name}_ratio"]) for name in ("throughput", "cpu", "p50")]
        cells = [case, f"{r['ours']['per_s']:.0f}", f"{r['bare']['per_s']:.0f}", *ratios]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _batching(service: dict[str, Any]) -> str:
    r, real = service["batching"], service["real"]
    per_s = {name: r[f"{name}_per_s"]["median"] for name in ("bare", "merged", "one_by_one")}
    return "\n".join(
        [
            "| engine of 2 ms a batch, 32 callers | |",
            "|---|---|",
            f"| merged, calls a second | {per_s['merged']:.0f} |",
            f"| one by one | {per_s['one_by_one']:.0f} |",
            f"| bare server, no engine | {per_s['bare']:.0f} |",
            f"| merged to one by one | {_spread(r['throughput_gain'])} |",
            f"| the same, if calls cost no more than bare ones | {_spread(r['possible_gain'])} |",
            f"| p50 of a lone caller to that one by one | {_spread(r['lone_p50_ratio'])} |",
            f"| real engine over {real['frames']:,} frames: service to engine alone "
            f"| {_spread(real['share_of_engine'])} |",
        ]
    )


def _under_load(load: dict[str, Any]) -> str:
    over, beside = load["overload"], load["interactive"]
    short, idle = load["connections"], load["idle_streams"]
    refused = ", ".join(f"{n} {code}" for code, n in sorted(over["failed"].items()))
    low, high = min(short["memory_mib"]), max(short["memory_mib"])
    return "\n".join(
        [
            "| under load | |",
            "|---|---|",
            f"| {over['sent_per_s'] / over['peak_per_s']:.1f} times capacity for "
            f"{load['seconds']:.0f} s: share of the peak answered | {over['share_of_peak']:.2f} |",
            f"| p99 of what was accepted, deadline 1 s | {over['p99_ms']:.0f} ms |",
            f"| what was not answered | {refused} |",
            f"| memory before and after | {over['before_mib']:.0f}, {over['after_mib']:.0f} MiB |",
            f"| p99 of a single signature beside bulk, to alone | {beside['ratio']:.2f} |",
            f"| 200 connections opened and closed a second, {short['minutes']:g} minutes: done "
            f"| {short['done']} of {short['sent']} |",
            f"| memory meanwhile | {low:.0f} to {high:.0f} MiB, "
            f"{short['slope_mib_per_min']:+.2f} MiB a minute |",
            f"| idle streams held open | {idle['open']} of {idle['asked']}, "
            f"{idle['kib_each']:.0f} KiB each |",
            f"| memory kept once they are closed, first and second time "
            f"| {', '.join(f'{one:.0f}' for one in idle['after_closing_mib'])} MiB |",
        ]
    )
