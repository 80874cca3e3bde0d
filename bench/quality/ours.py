"""mitate itself, in process: signatures, library and picture search as the server runs them."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.quality.cache import key_of
from bench.quality.method import NOTHING, Answer, Reference, Searcher, Verdict, Video, code_version
from bench.quality.pictures import Pixels
from mitate.kernels.runs import NEW_RUN_DISTANCE
from mitate.kernels.sign import sign
from mitate.kernels.signature import DESCRIPTOR_VERSION, THUMB_COLS, THUMB_ROWS
from mitate.kernels.view_cuts import Level
from mitate.kernels.views import PictureViews, picture_views
from mitate.kernels.windows import ANY_WINDOW, WINDOWS
from mitate.server.calibration import default_calibration
from mitate.server.index import Neighbours, make_index
from mitate.server.library import Library, NewSource, Scope, Snapshot
from mitate.server.records import Answer as Found
from mitate.server.records import Names
from mitate.server.search_close import Closer
from mitate.server.search_picture import search_pictures
from mitate.server.settings import Settings

_BATCH = 64
_DECODING = 1  # counts changes of what is decoded and summed
_MATCHES = 3
_FALSE_ALARM_RATE = Settings(data=Path()).false_alarm_rate


class Mitate:
    """mitate at one of its levels, with the calibration that it ships."""

    version = code_version("kernels")
    reference_version = key_of(
        DESCRIPTOR_VERSION, WINDOWS, NEW_RUN_DISTANCE, THUMB_ROWS, THUMB_COLS, _DECODING
    )

    def __init__(self, level: Level = "normal") -> None:
        self._level = level
        self.name = "mitate" if level == "normal" else f"mitate {level}"

    def reference(self, video: Video) -> Reference:
        """Sign a video."""
        signature = sign(video.path)
        return Reference(signature.times_ms, signature)

    def query(self, picture: Pixels) -> PictureViews:
        """Describe a picture as one that was sent as a file."""
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "BMP")
        return picture_views(file.getvalue(), level=self._level)

    def searcher(self, references: Sequence[tuple[int, Reference]]) -> Searcher:
        """Index numbered videos, each an episode of its own."""
        return _Searcher(references)


@dataclass(frozen=True, slots=True)
class _Neighbours:
    neighbours: Neighbours
    snapshot: Snapshot


class _Searcher:
    def __init__(self, references: Sequence[tuple[int, Reference]]) -> None:
        self._library = Library(make_index)
        self._library.add(
            *(
                NewSource(number + 1, number + 1, number + 1, reference.data)
                for number, reference in references
            )
        )
        self.n_descriptors = self._library.snapshot().n_rows

    def answer(self, queries: Sequence[PictureViews], left_out: Collection[int]) -> list[Answer]:
        snapshot = self._library.snapshot()
        scope = Scope(excluded_episode_ids=frozenset(number + 1 for number in left_out))
        frames = snapshot.allowed(scope)
        masks: dict[int, NDArray[np.int64] | None] = {}

        def find(vectors: NDArray[np.int8], k: int) -> _Neighbours:
            return _Neighbours(self._library.index.search(vectors, k, frames), snapshot)

        def find_windows(
            queries: NDArray[np.int8], k: int, window: int = ANY_WINDOW
        ) -> _Neighbours:
            if window not in masks:
                masks[window] = snapshot.allowed(replace(scope, window=window), windows=True)
            return _Neighbours(self._library.windows.search(queries, k, masks[window]), snapshot)

        closer = Closer(find_windows, default_calibration(), _FALSE_ALARM_RATE)
        found = []
        for first in range(0, len(queries), _BATCH):
            batch = queries[first : first + _BATCH]
            found += search_pictures(batch, find, _names, _MATCHES, closer=closer)
        return [_answer(answer) for answer in found]


def _names(source_id: int) -> Names:
    return Names("", source_id, "", source_id, source_id)


def _answer(found: Found) -> Answer:
    if not found.matches:
        return NOTHING
    best = found.matches[0]
    probability = best.probability
    score = -best.distance if probability is None else probability
    if found.verdict == "uninformative":
        score = float("-inf")
    number = best.source_id - 1
    verdict: Verdict = found.verdict.value
    return Answer(number, best.from_ms, best.to_ms, score, verdict, probability, best.view)
