"""What the frames of a clip or scan hit: whole frames first, parts of frames where these fail."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.quality import GATE
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive
from mitate.server.emissions import Frames, Inner, Likelihood, Moving, Reference
from mitate.server.hypotheses import Hits
from mitate.server.loaded import LoadedSource
from mitate.server.search import Find, Found

K = 48  # neighbours of each frame
K_PARTS = 24  # neighbours among parts
CLOSE_SHARE = 1.7  # of the distance that says nothing, up to which pictures are compared
BATCH_FRAMES = 512  # frames searched in one call
Numbers = NDArray[np.int64]


def frames_of(signature: Signature) -> Frames:
    """Return the frames of a query."""
    kept = signature.kept_of(np.arange(signature.n_frames))
    plain, mirrored = derive(signature.layouts), derive(signature.mirrored)
    inner = None
    if len(signature.inner_kept):
        inside = plain.copy(), mirrored.copy()
        inside[0][signature.inner_kept] = derive(signature.inner)
        inside[1][signature.inner_kept] = derive(signature.inner_mirrored)
        found = np.zeros(len(plain), np.bool_)
        found[signature.inner_kept] = True
        inner = Inner(*inside, found).take(kept)
    moving = None
    if len(signature.lumas):
        moving = Moving(signature.lumas, signature.luma_of(np.arange(signature.n_frames)))
    informative = signature.quality[kept] >= GATE
    return Frames(signature.times_ms, plain[kept], mirrored[kept], informative, inner, moving)


def reference_of(source: LoadedSource) -> Reference:
    """Return a source as lines run through it."""
    signature = source.signature
    return Reference(
        signature.times_ms,
        signature.kept_first,
        source.vectors,
        signature.duration_ms,
        source.window_vectors,
        signature.run_first,
        signature.luma_first,
        signature.lumas if len(signature.lumas) else None,
    )


class FrameSearch:
    """Searches some frames of a query and remembers the sources it meets."""

    def __init__(
        self,
        frames: Frames,
        find: Find,
        find_windows: Find | None,
        mirrored: bool,
        keep_close: bool = False,
    ) -> None:
        self.frames = frames
        self.sources: dict[int, LoadedSource] = {}
        self.references: dict[int, Reference] = {}
        self.n_rows = 0
        self.parts_s = 0.0
        self.found: list[Hits] = []  # all that may be looked at closely, near or not; if kept
        self._keep_close = keep_close
        self._find, self._find_windows = find, find_windows
        self._orientations = (False, True) if mirrored else (False,)

    def whole(self) -> Hits:
        """Return near hits of the frames that say something."""
        return Hits.joined(list(self._searched(np.arange(len(self.frames)), None)))

    def parts(self, numbers: Numbers) -> tuple[Mapping[int, Reference], Hits]:
        """Return what chosen frames hit among parts of frames, and the sources of that."""
        begun = time.perf_counter()
        hits = Hits.joined(list(self._searched(numbers, self._find_windows)))
        self.parts_s += time.perf_counter() - begun
        return self.references, hits

    def _searched(self, numbers: Numbers, find_windows: Find | None) -> Iterator[Hits]:
        """Search every view of frames that say something, in batches."""
        numbers = numbers[self.frames.informative[numbers]]
        inner = self.frames.inner
        for inside in (False, True) if inner is not None else (False,):
            mine = numbers[inner.found[numbers]] if inside and inner is not None else numbers
            for side in self._orientations:
                vectors = self.frames.vectors(side, inside)
                for first in range(0, len(mine), BATCH_FRAMES):
                    batch = mine[first : first + BATCH_FRAMES]
                    if find_windows is None:
                        found = self._find(vectors[batch], K)
                        yield self._hits(found, batch, side, inside)
                    else:
                        found = find_windows(vectors[batch], K_PARTS)
                        yield self._hits_of_parts(found, batch, side, inside)

    def _hits(self, found: Found, batch: Numbers, side: bool, inside: bool) -> Hits:
        self.n_rows = found.snapshot.n_rows
        source_ids, kept = found.snapshot.locate(found.neighbours.rows)
        row, column = self._close(found, source_ids, self.n_rows)
        hits = Hits(
            batch[row],
            np.full(len(row), side),
            source_ids[row, column],
            kept[row, column],
            found.neighbours.distances[row, column],
            kept[row, column] + 1,
            np.full(len(row), inside),
            np.zeros(len(row), np.bool_),
        )
        return self._near(hits, self.n_rows)

    def _hits_of_parts(self, found: Found, batch: Numbers, side: bool, inside: bool) -> Hits:
        source_ids, places = found.snapshot.locate_windows(found.neighbours.rows)
        n_rows = found.snapshot.n_window_rows
        row, column = self._close(found, source_ids, n_rows)
        its = source_ids[row, column]
        at = places[row, column]
        kept, stops = np.zeros_like(at), np.zeros_like(at)
        for source_id in np.unique(its):
            mine, signature = its == source_id, self.sources[int(source_id)].signature
            bounds = np.append(signature.run_first, signature.n_kept).astype(np.int64)
            runs = at[mine] % len(signature.run_first)
            kept[mine], stops[mine] = bounds[runs], bounds[runs + 1]
        hits = Hits(
            batch[row],
            np.full(len(row), side),
            its,
            kept,
            found.neighbours.distances[row, column],
            stops,
            np.full(len(row), inside),
            np.ones(len(row), np.bool_),
        )
        return self._near(hits, n_rows)

    def _near(self, hits: Hits, n_rows: int) -> Hits:
        """Keep hits; return those that are nearer than chance brings them."""
        if self._keep_close:
            self.found.append(hits)
        return hits.take(hits.distances < Likelihood.for_rows(n_rows).even)

    def _close(
        self, found: Found, source_ids: NDArray[np.int64], n_rows: int
    ) -> tuple[Numbers, Numbers]:
        """Return row and column of the neighbours that may be copies; remember their sources."""
        share = CLOSE_SHARE if self._keep_close else 1.0
        close = found.neighbours.distances < share * Likelihood.for_rows(n_rows).even
        row, column = np.nonzero(close & (source_ids >= 0))
        for source_id in np.unique(source_ids[row, column]).tolist():
            if source_id not in self.sources:
                self.sources[source_id] = found.snapshot.sources[source_id]
                self.references[source_id] = reference_of(self.sources[source_id])
        return row, column
