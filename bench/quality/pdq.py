"""PDQ (Meta's ThreatExchange) through the package `pdqhash`: 256 bits and a quality per picture.

Its authors take 31 bits or fewer for a match and drop pictures of quality 49 or less.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.quality.binary import nearest
from bench.quality.method import Answer, Reference, Rows, Searcher, Verdict, Video, code_version
from bench.quality.pictures import Pixels

MATCH_BITS = 31
ALIKE_BITS = 16  # by which frames of one moment differ
LEAST_QUALITY = 50
_BITS = 256


def installed() -> bool:
    """Tell whether `pdqhash` is there."""
    return find_spec("pdqhash") is not None


class _Query(NamedTuple):
    code: NDArray[np.uint8]  # (32,)
    quality: int


class Pdq:
    """PDQ of whole pictures."""

    name = "PDQ"
    version = code_version("bench/quality/pdq.py")
    reference_version = version

    def reference(self, video: Video) -> Reference:
        """Hash every frame."""
        hashed = [(time_ms, self.query(picture).code) for time_ms, picture in video.small()]
        times_ms, codes = zip(*hashed, strict=True)
        return Reference(np.array(times_ms, np.int64), np.stack(codes))

    def query(self, picture: Pixels) -> _Query:
        """Hash a picture."""
        import pdqhash

        bits, quality = pdqhash.compute(np.ascontiguousarray(picture))
        return _Query(np.packbits(bits.astype(np.uint8)), int(quality))

    def searcher(self, references: Sequence[tuple[int, Reference]]) -> Searcher:
        """Index numbered videos."""
        return _Searcher(Rows(references))


class _Searcher:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.n_descriptors = len(rows.codes)

    def answer(self, queries: Sequence[_Query], left_out: Collection[int]) -> list[Answer]:
        codes = np.stack([query.code for query in queries])
        found, distances = nearest(self._rows, self._rows.without(left_out), codes)
        return [
            self._answer(row, int(bits), query.quality)
            for row, bits, query in zip(found, distances, queries, strict=True)
        ]

    def _answer(self, row: np.int64, bits: int, quality: int) -> Answer:
        number, moment = int(self._rows.numbers[row]), self._rows.range_ms(int(row), ALIKE_BITS)
        if quality < LEAST_QUALITY:
            return Answer(number, *moment, -bits, "uninformative", None)
        verdict: Verdict = "match" if bits <= MATCH_BITS else "no_match"
        return Answer(number, *moment, -bits, verdict, None)
