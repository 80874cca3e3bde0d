"""Real files that show the same content: encodes, sizes, transfers and edits that nobody here made.

`pairs.tsv` holds every ordered pair of the clips of the manifest that a person would call the same
content. It was measured without descriptors, by correlating luma thumbnails at every offset in
steps of 10 ms: the moment t of `query` is the moment speed * t + offset_ms of `reference`; both
show the same for `overlap_ms`, with that mean `correlation`.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.quality.titles import Media
from bench.timeline.spans import Span
from mitate.kernels.signature import Signature

PAIRS = Path(__file__).with_name("pairs.tsv")
RIGHT_MS = 500.0  # error of both ends of the range up to which a pair counts as found
CLAIMS = ("match", "ambiguous")


class Pair(NamedTuple):
    """Names of two files, and when the second shows what the first does."""

    query: str
    reference: str
    speed: float  # below 0: one of them is played backwards
    offset_ms: float

    def reference_ms(self, query_ms: float) -> float:
        """Return the moment of the reference that shows the same as the query then."""
        return self.speed * query_ms + self.offset_ms

    def errors_ms(self, claim: Span) -> tuple[float, float]:
        """Return how much later begin and end of a claim are than they should be."""
        begin, end = claim.query_from, claim.query_to
        return claim.from_ms - self.reference_ms(begin), claim.to_ms - self.reference_ms(end)


class Answered(NamedTuple):
    """What is said about a query of which one reference is searched, and its number there."""

    pair: Pair
    title: str
    reference: int
    verdict: str
    claims: Sequence[Span]  # best first

    def row(self) -> dict[str, Any]:
        """Return what is known and what is told."""
        row: dict[str, Any] = {**self.pair._asdict(), "verdict": self.verdict, "found": False}
        best = self.claims[0] if self.claims else None
        if best is None or best.clip != self.reference:
            return row
        errors_ms = self.pair.errors_ms(best)
        right = best.speed * self.pair.speed > 0 and max(map(abs, errors_ms)) <= RIGHT_MS
        return row | {
            "found": right and self.verdict in CLAIMS,
            "told_speed": best.speed,
            "error_ms": sum(errors_ms) / 2,  # of the middle, and so of the offset
        }


@dataclass(frozen=True, slots=True)
class Files:
    """Every file of the clips, with numbers as in the index."""

    numbers: Mapping[str, int]
    titles: Mapping[str, str]
    signatures: Mapping[int, Signature]
    pairs: Sequence[Pair]

    @staticmethod
    def of(media: Media, signatures: Mapping[int, Signature]) -> Files:
        """Take all files, and the pairs of which both are there."""
        numbers = {clip.path.name: clip.number for clip in media.clips}
        titles = {clip.path.name: clip.title for clip in media.clips}
        pairs = [pair for pair in known() if {pair.query, pair.reference} <= numbers.keys()]
        return Files(numbers, titles, signatures, pairs)

    def left_out(self, pair: Pair) -> frozenset[int]:
        """Return the query's own file and all others that show the same, but for the reference."""
        same = {other.reference for other in self.pairs if other.query == pair.query}
        return frozenset(self.numbers[n] for n in {pair.query, *same} - {pair.reference})


def known() -> list[Pair]:
    """Return every pair."""
    with PAIRS.open(newline="", encoding="utf-8") as file:
        return [
            Pair(row["query"], row["reference"], float(row["speed"]), float(row["offset_ms"]))
            for row in csv.DictReader(file, delimiter="\t")
        ]


def figures(answers: Sequence[Answered]) -> dict[str, Any]:
    """Return a row for every pair, and what they come to by title."""
    rows = [answered.row() for answered in answers]
    titles: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for answered, row in zip(answers, rows, strict=True):
        titles[answered.title].append(row)
    means = {"all": rows, "played backwards": [row for row in rows if row["speed"] < 0]}
    summed = {name: _means(some) for name, some in (means | dict(sorted(titles.items()))).items()}
    return {"summary": {name: one for name, one in summed.items() if one["n"]}, "rows": rows}


def _means(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    errors = [abs(row["error_ms"]) for row in rows if row["found"]]
    means: dict[str, Any] = {"n": len(rows), "found": sum(row["found"] for row in rows)}
    if errors:
        median, high = np.quantile(errors, [0.5, 0.9])
        means |= {"error_ms": float(median), "error_ms_p90": float(high)}
        means["error_ms_max"] = float(max(errors))
    return means
