"""A second look at shots that descriptors leave unexplained: by their small pictures.

A zoomed shot under a caption lies no nearer to its source than chance brings other frames. Among
the nearest frames of all of a shot it is there all the same, and small pictures, shifted and scaled
onto each other, tell which it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.signature import N_WINDOWS
from mitate.server.emissions import Line, Reference, distances_on
from mitate.server.hypotheses import Hits
from mitate.server.stretches import Follower, Stretch

N_LINES = 12  # that are compared for each shot
N_FITTED = 3  # of these, each of another source, that are fitted
AS_LIKE = 0.03  # likeness by which a rival may be less like
LEAST_LIKENESS = 0.68
BIN_MS = 400.0  # of offsets that are taken for one line
SHORTEST_FRAMES = 4
UNCOVERED = 0.5  # of a shot, in one piece, from which it is looked at again
_CUT = 0.5  # sureness of a cut
_HALF_WEIGHT = 500.0  # by which a distance is larger that weighs half

Shot = tuple[int, int]  # frames of the query, first and stop


class Pictures(Protocol):
    """Compares the small pictures of a query with those of sources."""

    def compared(self, lines: Sequence[Line], shot: Shot) -> Sequence[float]:
        """Return roughly how well each line agrees, 1 at most."""

    def looked_at(self, one: Stretch) -> Stretch:
        """Return a stretch with its likeness."""


def look_again(
    follower: Follower,
    hits: Hits,  # close ones, of sampled frames
    told: Sequence[Stretch],  # what is believed so far
    pictures: Pictures,
) -> list[list[Stretch]]:
    """Return what each shot that nothing told explains may show, the likeliest first.

    The others are of other sources, and nearly as like.
    """
    covered = np.zeros(len(follower.query), np.bool_)
    for one in told:
        covered[one.first : one.stop] = True
    cuts = np.flatnonzero(follower.cuts >= _CUT)
    shots = [
        shot
        for first, stop in pairwise(cuts.tolist())
        for shot in [_uncovered(covered, first, stop)]
        if shot[1] - shot[0] >= max(SHORTEST_FRAMES, UNCOVERED * (stop - first))
    ]
    found = [_best(follower, hits, shot, pictures) for shot in shots]
    return [some for some in found if some]


def _uncovered(covered: NDArray[np.bool_], first: int, stop: int) -> Shot:
    """Return the longest part of frames first..stop-1 that nothing covers."""
    ends = np.flatnonzero(np.concatenate([[True], covered[first:stop], [True]]))
    longest = int(np.diff(ends).argmax())
    return first + int(ends[longest]), first + int(ends[longest + 1]) - 1


def _best(follower: Follower, hits: Hits, shot: Shot, pictures: Pictures) -> list[Stretch]:
    """Return the stretches whose small pictures are most alike, one of each source."""
    lines = _lines(follower, hits, shot)
    alike = np.asarray(pictures.compared(lines, shot))
    chosen: dict[int, Line] = {}
    for place in np.argsort(-alike, kind="stable"):
        if alike[place] >= LEAST_LIKENESS and len(chosen) < N_FITTED:
            chosen.setdefault(lines[place].source_id, lines[place])
    measured = [
        follower.measured_anyway(follower.slid_over(line, *shot), *shot) for line in chosen.values()
    ]
    found = [pictures.looked_at(one) for one in measured if one is not None]
    found.sort(key=lambda one: -(one.likeness or 0.0))
    return [one for one in found if (one.likeness or 0) >= (found[0].likeness or 0) - AS_LIKE]


def _lines(follower: Follower, hits: Hits, shot: Shot) -> list[Line]:
    """Return lines that the nearest frames of a shot vote for, the likeliest first."""
    first, stop = np.searchsorted(follower.sampled, shot)
    mine = hits.take((hits.frames >= first) & (hits.frames < stop))
    if not len(mine.frames):
        return []
    at_ms = _times_of(mine, follower.references)
    offsets_ms = at_ms - follower.some.times_ms[mine.frames]
    nearest = np.full(len(follower.some), np.iinfo(np.int64).max)
    np.minimum.at(nearest, mine.frames, mine.distances)
    weights = 0.5 ** ((mine.distances - nearest[mine.frames]) / _HALF_WEIGHT)
    kinds = mine.source_ids << 3 | mine.zoomed << 2 | mine.inner << 1 | mine.mirrored
    keys = np.stack([kinds, np.floor(offsets_ms / BIN_MS).astype(np.int64)])
    votes: dict[tuple[int, int], dict[int, tuple[float, float]]] = {}
    for kind, place, frame, weight, offset_ms in zip(
        *keys.tolist(), mine.frames.tolist(), weights.tolist(), offsets_ms.tolist(), strict=True
    ):
        frames = votes.setdefault((kind, place), {})
        frames[frame] = max(frames.get(frame, (0.0, 0.0)), (weight, offset_ms))
    ranked = sorted(votes.items(), key=lambda item: (-sum(w for w, _ in item[1].values()), item[0]))
    return [
        _line(follower, kind, float(np.median([ms for _, ms in frames.values()])), shot)
        for (kind, _), frames in ranked[:N_LINES]
    ]


def _line(follower: Follower, kind: int, offset_ms: float, shot: Shot) -> Line:
    line = Line(kind >> 3, bool(kind & 1), 1.0, offset_ms, bool(kind & 2))
    if not kind & 4:
        return line
    frames = follower.query.take(np.arange(*shot))
    reference = follower.references[line.source_id]
    distances = [
        float(np.median(distances_on(line._replace(windows=(window,)), frames, reference)))
        for window in range(N_WINDOWS)
    ]
    return line._replace(windows=(int(np.argmin(distances)),))


def _times_of(hits: Hits, references: Mapping[int, Reference]) -> NDArray[np.float64]:
    """Return the middle of the time in which each hit is shown."""
    at_ms = np.zeros(len(hits.kept))
    for source_id in np.unique(hits.source_ids):
        mine, reference = hits.source_ids == source_id, references[int(source_id)]
        bounds = np.append(reference.kept_first, len(reference.times_ms)).astype(np.int64)
        begin, end = bounds[hits.kept[mine]], bounds[hits.stops[mine]] - 1
        at_ms[mine] = (reference.times_ms[begin] + reference.times_ms[end]) / 2
    return at_ms
