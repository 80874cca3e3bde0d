"""`python -m bench.timeline` with every option; `python -m bench timeline` takes the usual ones."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from bench import report
from bench.timeline import figure
from bench.timeline.calibrate import calibrate
from bench.timeline.methods import METHODS
from bench.timeline.run import FULL, QUICK, Options, Sizes, measure
from bench.timeline.table import markdown


def main() -> int:
    """Run what is asked for and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.timeline", description=__doc__)
    parser.add_argument("--media", type=Path, default=Path("../shared/media"))
    parser.add_argument("--quick", action="store_true", help="little of everything")
    parser.add_argument("--methods", nargs="+", choices=tuple(METHODS), default=tuple(METHODS))
    parser.add_argument("--cache", type=Path, help="folder of what was made before")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument(
        "--calibrate", choices=("timelines", "clips"), help="fit their probabilities instead"
    )
    for field in fields(Sizes):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=int)
    given = parser.parse_args()
    if given.calibrate:
        calibrate(given.media, given.jobs, given.calibrate)
        return 0
    sizes = QUICK if given.quick else FULL
    for field in fields(Sizes):
        if getattr(given, field.name) is not None:
            sizes = replace(sizes, **{field.name: getattr(given, field.name)})
    show(given.media, given.quick, sizes, tuple(given.methods), given.cache, given.seed, given.jobs)
    return 0


def show(media: Path, quick: bool, sizes: Sizes | None = None, *options: Any) -> None:
    """Run the bench, keep its figures under bench/results and print them."""
    found = measure(Options(media, sizes or (QUICK if quick else FULL), *options))
    name = "timeline-quick" if quick else "timeline"
    path = report.write(name, found)
    figure.write(report.RESULTS / f"{name}.png", found)
    print(f"{path}\n{markdown(found)}")


if __name__ == "__main__":
    sys.exit(main())
