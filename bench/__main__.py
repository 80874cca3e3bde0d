"""`python -m bench NAME...` runs benches; `python -m bench table` writes the README's table."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from bench import report

BENCHES = ("decode", "ingest", "windows", "search", "picture", "start", "memory", "service")


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="+",
        choices=(*BENCHES, "quality", "calibrate", "timeline", "all", "table"),
    )
    parser.add_argument("--media", type=Path, default=Path("../shared/media/clips"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="quality or timeline with few queries")
    given = parser.parse_args()
    names = BENCHES if "all" in given.names else [n for n in given.names if n in BENCHES]
    for name in names:
        result = importlib.import_module(f"bench.{name}").run(given.media, given.rounds)
        path = report.write(name, result)
        print(f"{path}\n{report.table()}")
    if "quality" in given.names:
        importlib.import_module("bench.quality.__main__").show(given.media, given.quick)
    if "timeline" in given.names:
        importlib.import_module("bench.timeline.__main__").show(given.media, given.quick)
    if "calibrate" in given.names:
        importlib.import_module("bench.quality.calibrate").calibrate(given.media)
    if "table" in given.names:
        report.update_readme()
    return 0


if __name__ == "__main__":
    sys.exit(main())
