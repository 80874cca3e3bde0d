"""From neighbours of a picture to moments: ranges over which a source shows it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.layout import Layouts
from mitate.server.distances import Vectors, squared_distances
from mitate.server.index import Neighbours
from mitate.server.library import LoadedSource, Snapshot
from mitate.server.search import end_of_frame_ms

# A moment goes on while the picture is as near as at its best, give or take this much in length
# (the root of the distance): noise of a codec, not another drawing.
SAME_LENGTH = 12.0
LARGEST_GAP_MS = 250  # of worse frames that a moment may bridge
APART_MS = 1000  # moments of one source are at least so far apart
_FIRST_BLOCK = 24  # vectors looked at first on each side


class Moment(NamedTuple):
    """A range of a source and the view of the picture that it shows best."""

    source: LoadedSource
    kept: int  # the best vector
    view: int
    distance: int
    from_ms: int
    to_ms: int
    place: int = -1  # in the hits it was made from

    @property
    def at_ms(self) -> int:
        """The middle of the time over which the best vector is shown."""
        frames = self.source.signature.frames_of(self.kept)
        return int(self.source.signature.times_ms[frames[len(frames) // 2]])


class PictureHits(NamedTuple):
    """Frames near a picture, nearest first, each with its best view."""

    source_ids: NDArray[np.int64]  # (h,)
    kept: NDArray[np.int64]  # (h,)
    views: NDArray[np.int64]  # (h,)
    distances: NDArray[np.int32]  # (h,)
    whole_run: NDArray[np.bool_]  # (h,) the run of the frame is known, not the frame


def picture_hits(
    neighbours: Neighbours,  # of the views, (v, k)
    snapshot: Snapshot,
    layouts: Layouts,  # (v, 33) of the views
) -> tuple[PictureHits, float]:
    """Return the hits in order, and the distance up to which none can be missing.

    Of equal derived distances the one with the nearer plain descriptor, brightness and all, is
    first; then the earlier view.
    """
    last = neighbours.distances[:, -1]
    complete_to = float(last[last >= 0].min(initial=np.iinfo(np.int32).max))
    source_ids, kept = snapshot.locate(neighbours.rows)
    views = np.broadcast_to(np.arange(len(layouts))[:, None], neighbours.rows.shape)
    held = source_ids >= 0
    hits = PictureHits(
        source_ids[held],
        kept[held],
        views[held],
        neighbours.distances[held],
        np.zeros(int(held.sum()), np.bool_),
    )
    plain = _plain_distances(hits, snapshot, layouts)
    order = np.lexsort((hits.views, neighbours.rows[held], plain, hits.distances))
    _, first = np.unique(neighbours.rows[held][order], return_index=True)
    chosen = order[np.sort(first)]
    return PictureHits(*(column[chosen] for column in hits)), complete_to  # type: ignore[arg-type]


def _plain_distances(hits: PictureHits, snapshot: Snapshot, layouts: Layouts) -> NDArray[np.int64]:
    """Return the distances of plain descriptors of hits whose place they decide, 0 of others."""
    distances = np.zeros(len(hits.kept), np.int64)
    _, places, counts = np.unique(hits.distances, return_inverse=True, return_counts=True)
    tied = counts[places] > 1
    for source_id in np.unique(hits.source_ids[tied]):
        mine = tied & (hits.source_ids == source_id)
        stored = snapshot.sources[int(source_id)].signature.layouts[hits.kept[mine]]
        difference = stored.astype(np.int64) - layouts[hits.views[mine]]
        distances[mine] = (difference * difference).sum(axis=1)
    return distances


def moments(
    hits: PictureHits,
    snapshot: Snapshot,
    vectors: Vectors,  # (v, 32) of the views
    n_moments: int,
) -> list[Moment]:
    """Return the nearest moments, nearest first; of each episode those of its best source.

    Moments do not overlap: what lies within reach of a better one is that one.
    """
    found: list[Moment] = []
    source_of: dict[int, int] = {}
    left = np.ones(len(hits.kept), np.bool_)
    while len(found) < n_moments and left.any():
        place = int(np.argmax(left))
        source = snapshot.sources[int(hits.source_ids[place])]
        of_source = hits.source_ids == source.source_id
        if source_of.setdefault(source.episode_id, source.source_id) != source.source_id:
            left &= ~of_source
            continue
        moment = _moment(source, hits, place, vectors[hits.views[place]])
        if not any(_overlap(moment, other) for other in found):
            found.append(moment)
        times_ms = source.signature.times_ms[source.signature.kept_first[hits.kept * of_source]]
        near = (times_ms >= moment.from_ms - APART_MS) & (times_ms <= moment.to_ms + APART_MS)
        left &= ~(of_source & near)
    return found


def _overlap(one: Moment, other: Moment) -> bool:
    same = one.source.source_id == other.source.source_id
    return same and one.from_ms < other.to_ms and other.from_ms < one.to_ms


def _moment(source: LoadedSource, hits: PictureHits, place: int, vector: Vectors) -> Moment:
    kept, distance = int(hits.kept[place]), int(hits.distances[place])
    limit = (np.sqrt(distance) + SAME_LENGTH) ** 2
    signature = source.signature
    first, last = _reaches(source, kept, vector, limit)
    if hits.whole_run[place]:
        of_run = signature.kept_of_run(int(signature.run_of(kept)))
        first, last = min(first, of_run[0]), max(last, of_run[-1])
    from_ms = int(signature.times_ms[signature.kept_first[first]])
    to_ms = end_of_frame_ms(source, signature.frames_of(last)[-1])
    return Moment(source, kept, int(hits.views[place]), distance, from_ms, to_ms, place)


def _reaches(source: LoadedSource, kept: int, vector: Vectors, limit: float) -> tuple[int, int]:
    """Return the farthest vectors to both sides that still show the picture."""
    signature = source.signature
    low, high = max(0, kept - _FIRST_BLOCK), min(signature.n_kept, kept + _FIRST_BLOCK + 1)
    block = np.arange(low, high)
    near = block[squared_distances(source.vectors[block], vector) <= limit]
    starts = signature.kept_first[low : high + 1].astype(np.int64)
    if high == signature.n_kept:
        starts = np.append(starts, signature.n_frames)
    first_ms = signature.times_ms[starts[:-1]].tolist()
    last_ms = signature.times_ms[starts[1:] - 1].tolist()
    ends = []
    for step, beyond in ((-1, near[near < kept][::-1].tolist()), (1, near[near > kept].tolist())):
        reached = kept
        for one in beyond:
            lower, upper = sorted((reached, one))
            if first_ms[upper - low] - last_ms[lower - low] > LARGEST_GAP_MS:
                break
            reached = one
        all_joined = beyond and reached == beyond[-1]
        ends.append(
            _reach(source, reached, step, vector, limit, 2 * _FIRST_BLOCK)
            if all_joined
            else reached
        )
    return ends[0], ends[1]


def _reach(
    source: LoadedSource,
    kept: int,
    step: int,
    vector: Vectors,
    limit: float,
    n_block: int = _FIRST_BLOCK,
) -> int:
    """Return the farthest vector to one side that still shows the picture."""
    signature, reached = source.signature, kept
    while True:
        block = reached + step * np.arange(1, n_block + 1)
        block = block[(block >= 0) & (block < signature.n_kept)]
        near = block[squared_distances(source.vectors[block], vector) <= limit]
        n_reached = _n_joined(source, np.concatenate([[reached], near]))
        if n_reached:
            reached = int(near[n_reached - 1])
        if not n_reached or n_reached < len(near):
            return reached
        n_block *= 2


def _n_joined(source: LoadedSource, kept: NDArray[np.int64]) -> int:
    """Return how many of `kept` follow the first, up or down, without too large a gap."""
    signature, ordered = source.signature, np.sort(kept)
    starts = signature.kept_first[ordered].astype(np.int64)
    last = ordered + 1 >= signature.n_kept
    following = signature.kept_first[np.where(last, 0, ordered + 1)].astype(np.int64)
    stops = np.where(last, signature.n_frames, following)
    gaps_ms = signature.times_ms[starts[1:]] - signature.times_ms[stops[:-1] - 1]
    if kept[-1] < kept[0]:
        gaps_ms = gaps_ms[::-1]
    too_far = np.flatnonzero(gaps_ms > LARGEST_GAP_MS)
    return int(too_far[0]) if len(too_far) else len(gaps_ms)
