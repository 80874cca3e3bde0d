"""`python -m bench.quality` with every option; `python -m bench quality` takes the usual ones."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import report
from bench.quality.protocol import FULL, QUICK, Sizes
from bench.quality.run import METHODS, USUAL, Options, measure
from bench.quality.table import markdown


def main() -> int:
    """Run what is asked for and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"))
    parser.add_argument("--quick", action="store_true", help="few queries, few distractors")
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=USUAL)
    parser.add_argument("--cache", type=Path, help="folder of what was made before")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    for name in ("per-cell", "negatives", "distractors", "encodes", "clips"):
        parser.add_argument(f"--{name}", type=int)
    given = parser.parse_args()
    sizes = QUICK if given.quick else FULL
    for name in ("per_cell", "negatives", "distractors", "encodes", "clips"):
        if getattr(given, name) is not None:
            sizes = replace(sizes, **{name: getattr(given, name)})
    show(given.media, given.quick, sizes, tuple(given.methods), given.cache, given.seed, given.jobs)
    return 0


def show(media: Path, quick: bool, sizes: Sizes | None = None, *options: Any) -> None:
    """Run the bench, keep its figures under bench/results and print them."""
    name = "quality-quick" if quick else "quality"
    found = measure(Options(media, name, sizes or (QUICK if quick else FULL), *options))
    print(f"{report.write(name, found)}\n{markdown(found)}")


if __name__ == "__main__":
    sys.exit(main())
