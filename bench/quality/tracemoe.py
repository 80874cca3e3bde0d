"""The method of trace.moe: 33 integers of frames forced to 320x180, squared L2, black borders cut.

Facts from its public documentation and source (soruly/trace.moe-api): the colour layout of the
whole frame, mean first; similarity is 1 - distance / 255 and below 0.90 most likely wrong; hits
within 5 s of one another are one result. Its quantised index is not imitated: the search is exact.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.quality.method import (
    NOTHING,
    Answer,
    Reference,
    Rows,
    Searcher,
    Verdict,
    Video,
    code_version,
)
from bench.quality.pictures import SMALL_SIZE, Pixels, resized
from mitate.kernels.blocks import cell_counts, cell_means, cell_sums
from mitate.kernels.layout import describe

MERGE_MS = 5000
LIKELY = 0.90  # similarity from which an answer counts as a match
_K = 50


class TraceMoe:
    """The method of trace.moe with its border cut switched on."""

    name = "trace.moe"
    version = code_version("bench/quality/tracemoe.py", "kernels/layout.py")
    reference_version = version

    def reference(self, video: Video) -> Reference:
        """Describe every frame."""
        found = [(time_ms, _means(picture)) for time_ms, picture in video.small()]
        times_ms, means = zip(*found, strict=True)
        return Reference(np.array(times_ms, np.int64), describe(np.stack(means)))

    def query(self, picture: Pixels) -> NDArray[np.uint8]:
        """Describe a picture after its black border is cut."""
        return np.asarray(describe(_means(cut_border(picture))[None])[0])

    def searcher(self, references: Sequence[tuple[int, Reference]]) -> Searcher:
        """Index numbered videos."""
        return _Searcher(Rows(references))


class _Searcher:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._codes = rows.codes.astype(np.float32)
        self.n_descriptors = len(rows.codes)

    def answer(
        self, queries: Sequence[NDArray[np.uint8]], left_out: Collection[int]
    ) -> list[Answer]:
        import faiss

        rows = self._rows.without(left_out)
        index = faiss.IndexFlatL2(self._codes.shape[1])
        index.add(self._codes[rows])
        distances, found = index.search(np.stack(queries).astype(np.float32), _K)
        return [
            self._best(rows[at[at >= 0]], its[at >= 0])
            for its, at in zip(distances, found, strict=True)
        ]

    def _best(self, rows: NDArray[np.int64], distances: NDArray[np.float32]) -> Answer:
        similarity = np.clip((255 - distances) / 255, 0, 1)
        hits = list(zip(self._rows.numbers[rows], self._rows.times_ms[rows], strict=True))
        merged = merge([(int(n), int(t)) for n, t in hits], similarity.tolist())
        if not merged:
            return NOTHING
        number, from_ms, to_ms, best = merged[0]
        # Distances beyond 255 are clipped in the similarity; the score still tells them apart.
        verdict: Verdict = "match" if best >= LIKELY else "no_match"
        return Answer(number, from_ms, to_ms, -float(distances[0]), verdict, best)


def merge(
    hits: Sequence[tuple[int, int]],  # video and time in ms
    similarities: Sequence[float],
) -> list[tuple[int, int, int, float]]:
    """Join hits of a video less than 5 s apart; return video, range, similarity, best first."""
    results: list[list[float]] = []  # video, from, to, similarity
    for (number, time_ms), value in sorted(zip(hits, similarities, strict=True)):
        last = results[-1] if results else None
        near = last is not None and last[0] == number and time_ms - last[2] < MERGE_MS
        if last is None or not near:
            results.append([number, time_ms, time_ms, value])
            continue
        last[2] = time_ms
        last[3] = max(last[3], value)
    ordered = sorted(results, key=lambda result: -result[3])
    return [(int(number), int(first), int(last), value) for number, first, last, value in ordered]


def cut_border(picture: Pixels) -> Pixels:
    """Cut a black border where what is left has the shape of a video frame."""
    scale = min(320 / picture.shape[1], 320 / picture.shape[0])
    size = [max(1, round(n * scale)) for n in picture.shape[1::-1]]
    small = np.asarray(Image.fromarray(picture).convert("L").resize(size))
    left, top, right, bottom = _bright_box(small)
    if (right - left) * (bottom - top) == small.size:
        return picture
    ratio = (right - left) / max(1, bottom - top)
    box = [round(n / scale) for n in (left, top, right, bottom)]
    inner = picture[box[1] : max(box[3], box[1] + 1), box[0] : max(box[2], box[0] + 1)]
    if min(abs(ratio - 16 / 9), abs(ratio - 4 / 3)) <= 0.05:
        return inner
    if abs(ratio - 21 / 9) <= 0.1 and (bottom - top) < 0.95 * small.shape[0]:
        return _padded_to_16_9(inner)
    return picture


def _bright_box(grey: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return the box of what is brighter than 30 once normalised and dilated by two pixels."""
    spread = grey.astype(np.float32)
    spread = (spread - spread.min()) * (255 / max(1.0, float(spread.max() - spread.min())))
    bright = np.pad(spread > 30, 2)
    height, width = grey.shape
    shifts = [bright[y : y + height, x : x + width] for y in range(5) for x in range(5)]
    grown = np.logical_or.reduce(shifts)
    columns, lines = np.flatnonzero(grown.any(axis=0)), np.flatnonzero(grown.any(axis=1))
    if not len(columns):
        return 0, 0, width, height
    return int(columns[0]), int(lines[0]), int(columns[-1]) + 1, int(lines[-1]) + 1


def _padded_to_16_9(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    bar = max(0, round((width * 9 / 16 - height) / 2))
    return np.pad(picture, ((bar, bar), (0, 0), (0, 0)))


def _means(picture: Pixels) -> NDArray[np.float64]:
    """Return the means of 8x8 blocks, (8, 8, 3)."""
    small = resized(picture, *SMALL_SIZE)
    width, height = SMALL_SIZE
    sums = cell_sums(small.reshape(height, -1), 0, 0, width, height, 8, 8, 3)
    return np.asarray(cell_means(sums, cell_counts(width, height, 8, 8)))
