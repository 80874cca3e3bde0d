"""Lines worth following, found by voting in sliding windows.

Every neighbour of a query frame votes, for each speed, for the offset at which both meet. Within a
window a query frame has one vote per line, its best: frames of a static scene cannot stack theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.signature import N_WINDOWS
from mitate.server.emissions import (
    Floats,
    Frames,
    Likelihood,
    Line,
    Reference,
    with_windows,
)

SPEEDS = (1.0, 0.5, 2.0, 0.75, 1.25, 1.5, 0.25, 3.0, 4.0, -1.0, -0.5, -2.0, 0.0)
BIN_MS = 120.0  # votes are counted over two neighbouring bins
WINDOWS_MS = (500, 1000, 2000, 4000, 8000)
MARGIN_MS = 2000  # a line is followed this far before and after the window that found it
PER_WINDOW = 12
PER_SOURCE = 2  # of a window, and of each orientation
SMALLEST_SCORE = 1.5
_UNUSUAL_SHARE = 0.9  # of its votes that a line of another speed than 1 counts
_LONGEST_SPREAD_BINS = 16  # a long still of the reference votes for so many offsets at most

_SPEED_BITS, _BIN_BITS = 4, 27


class Hits(NamedTuple):
    """Neighbours of query frames."""

    frames: NDArray[np.int64]  # (h,) number of the query frame
    mirrored: NDArray[np.bool_]  # (h,)
    source_ids: NDArray[np.int64]  # (h,)
    kept: NDArray[np.int64]  # (h,) number of the reference's vector; the first of several
    distances: NDArray[np.int32]  # (h,)
    stops: NDArray[np.int64]  # (h,) number of the vector after the last
    inner: NDArray[np.bool_]  # (h,) what lies within the border of the shot was searched
    zoomed: NDArray[np.bool_]  # (h,) a part of the reference was found

    @staticmethod
    def of_frames(
        frames: NDArray[np.int64],
        mirrored: NDArray[np.bool_],
        source_ids: NDArray[np.int64],
        kept: NDArray[np.int64],
        distances: NDArray[np.int32],
    ) -> Hits:
        """Return hits of whole frames by whole frames."""
        none = np.zeros(len(frames), np.bool_)
        return Hits(frames, mirrored, source_ids, kept, distances, kept + 1, none, none)

    @staticmethod
    def joined(parts: Sequence[Hits]) -> Hits:
        """Return all hits of several batches."""
        none = np.zeros(0, np.int64)
        empty = Hits.of_frames(none, none.astype(bool), none, none, none.astype(np.int32))
        columns: Any = zip(empty, *parts, strict=True)
        return Hits(*(np.concatenate(column) for column in columns))

    def take(self, which: NDArray[np.bool_]) -> Hits:
        """Return some of the hits."""
        columns: Any = (column[which] for column in self)
        return Hits(*columns)


class Candidate(NamedTuple):
    """A line and the query frames over which it is worth following."""

    line: Line
    first: int
    stop: int


class _Votes(NamedTuple):
    keys: NDArray[np.int64]  # (v,) source, orientation, speed and bin, packed
    frames: NDArray[np.int64]  # (v,)
    weights: Floats  # (v,)
    offsets_ms: Floats  # (v,)


def candidates(
    query: Frames,
    references: Mapping[int, Reference],
    hits: Hits,
    likelihood: Likelihood,
) -> list[Candidate]:
    """Return lines with the frames over which they are worth following, merged and in no order."""
    votes, source_ids = _votes(query, references, hits, likelihood)
    found: dict[int, list[tuple[int, int, float, float]]] = {}
    for window_ms in WINDOWS_MS:
        for key, first, stop, weight, offset_ms in _winners(votes, query.times_ms, window_ms):
            found.setdefault(key, []).append((first, stop, weight, offset_ms))
        if window_ms >= query.times_ms[-1] - query.times_ms[0]:
            break
    proposed = [
        Candidate(_line(key, source_ids, offset_ms), first, stop)
        for key, windows in found.items()
        for first, stop, offset_ms in _joined(windows, query.times_ms)
    ]
    return [_narrowed(one, query, references, likelihood) for one in proposed]


def _narrowed(
    one: Candidate, query: Frames, references: Mapping[int, Reference], likelihood: Likelihood
) -> Candidate:
    """Choose the windows of a line that has all of them."""
    if not one.line.windows:
        return one
    frames = query.take(np.arange(one.first, one.stop))
    line = with_windows(one.line, frames, references[one.line.source_id], likelihood)
    return one._replace(line=line)


def _votes(
    query: Frames, references: Mapping[int, Reference], hits: Hits, likelihood: Likelihood
) -> tuple[_Votes, NDArray[np.int64]]:
    """Return one vote per frame and line, by line and frame, and the sources they number."""
    weights = likelihood(hits.distances) * query.shares()[hits.frames]
    useful = weights > 0
    hits, weights = hits.take(useful), weights[useful]
    source_ids, sources = np.unique(hits.source_ids, return_inverse=True)
    hit, times_ms = _times_of(hits, references)
    ways = sources << 3 | hits.zoomed << 2 | hits.inner << 1 | hits.mirrored
    base = (ways[hit] << _SPEED_BITS) << _BIN_BITS
    parts = []
    for number, speed in enumerate(SPEEDS):
        offsets_ms = times_ms - speed * query.times_ms[hits.frames[hit]]
        bins = np.floor(offsets_ms / BIN_MS).astype(np.int64) + (1 << _BIN_BITS - 1)
        share = 1.0 if speed == 1.0 else _UNUSUAL_SHARE
        for shift in (0, -1):
            keys = base + (number << _BIN_BITS) + bins + shift
            parts.append(_Votes(keys, hits.frames[hit], weights[hit] * share, offsets_ms))
    return _one_per_frame(_Votes(*map(np.concatenate, zip(*parts, strict=True)))), source_ids


def _times_of(hits: Hits, references: Mapping[int, Reference]) -> tuple[NDArray[np.int64], Floats]:
    """Return the times at which the hit vectors are shown, and the hit of each."""
    first, last = np.zeros(len(hits.kept)), np.zeros(len(hits.kept))
    for source_id in np.unique(hits.source_ids):
        mine, reference = hits.source_ids == source_id, references[int(source_id)]
        kept = hits.kept[mine]
        following = np.append(reference.kept_first, len(reference.times_ms))[hits.stops[mine]]
        first[mine] = reference.times_ms[reference.kept_first[kept]]
        last[mine] = reference.times_ms[following.astype(np.int64) - 1]
    n_times = (1 + (last - first) // BIN_MS).astype(np.int64).clip(1, _LONGEST_SPREAD_BINS)
    hit = np.repeat(np.arange(len(n_times)), n_times)
    place = np.arange(len(hit)) - np.repeat(np.cumsum(n_times) - n_times, n_times)
    return hit, first[hit] + (last - first)[hit] * (place + 0.5) / n_times[hit]


def _one_per_frame(votes: _Votes) -> _Votes:
    order = np.lexsort((-votes.weights, votes.frames, votes.keys))
    keys, frames = votes.keys[order], votes.frames[order]
    is_best = np.ones(len(order), np.bool_)
    is_best[1:] = (keys[1:] != keys[:-1]) | (frames[1:] != frames[:-1])
    best = order[is_best]
    return _Votes(votes.keys[best], votes.frames[best], votes.weights[best], votes.offsets_ms[best])


def _winners(
    votes: _Votes, times_ms: NDArray[np.int64], window_ms: int
) -> list[tuple[int, int, int, float, float]]:
    """Return key, first and stop frame, votes and mean offset of the best lines of each window."""
    if not len(votes.keys):
        return []
    half = ((times_ms - times_ms[0]) * 2 // window_ms)[votes.frames]
    both = np.concatenate([half, half - 1])
    keys, weights = np.tile(votes.keys, 2), np.tile(votes.weights, 2)
    offsets_ms = np.tile(votes.offsets_ms, 2)
    order = np.lexsort((keys, both))
    keys, both = keys[order], both[order]
    starts = np.flatnonzero(np.append(True, (keys[1:] != keys[:-1]) | (both[1:] != both[:-1])))
    sums = np.add.reduceat(weights[order], starts)
    means = np.add.reduceat((weights * offsets_ms)[order], starts) / sums
    good = np.flatnonzero(sums > SMALLEST_SCORE)
    good = good[np.lexsort((-sums[good], both[starts[good]]))]
    chosen = _chosen(both[starts[good]], keys[starts[good]])
    rows = []
    for place in good[chosen]:
        begin = times_ms[0] + both[starts[place]] * window_ms / 2
        first, stop = np.searchsorted(times_ms, [begin, begin + window_ms])
        key = int(keys[starts[place]])
        rows.append((key, int(first), int(stop), float(sums[place]), float(means[place])))
    return rows


def _chosen(
    windows: NDArray[np.int64],  # (c,) in blocks
    keys: NDArray[np.int64],  # (c,) of falling score within a block
) -> list[int]:
    """Return which to keep: few per window and source, and not two that share their votes."""
    kept: list[int] = []
    window, taken, per_source = -2, set[int](), dict[int, int]()
    for place in range(len(keys)):
        if windows[place] != window:
            window, taken, per_source = int(windows[place]), set(), {}
        key = int(keys[place])
        source = key >> (_BIN_BITS + _SPEED_BITS)
        n_taken = per_source.get(source, 0)
        if len(taken) >= PER_WINDOW or n_taken >= PER_SOURCE or taken & {key - 1, key, key + 1}:
            continue
        taken.add(key)
        per_source[source] = n_taken + 1
        kept.append(place)
    return kept


def _joined(
    windows: list[tuple[int, int, float, float]], times_ms: NDArray[np.int64]
) -> list[tuple[int, int, float]]:
    """Widen windows by the margin, join those that touch, and average their offsets."""
    spans: list[list[float]] = []
    for first, stop, weight, offset_ms in sorted(windows):
        begin = int(np.searchsorted(times_ms, times_ms[first] - MARGIN_MS))
        end = int(np.searchsorted(times_ms, times_ms[stop - 1] + MARGIN_MS, side="right"))
        if spans and begin <= spans[-1][1]:
            span = spans[-1]
            span[1] = max(span[1], end)
            span[2] += weight
            span[3] += weight * offset_ms
        else:
            spans.append([begin, end, weight, weight * offset_ms])
    return [(int(begin), int(end), total / weight) for begin, end, weight, total in spans]


def _line(key: int, source_ids: NDArray[np.int64], offset_ms: float) -> Line:
    rest = key >> _BIN_BITS
    speed = SPEEDS[rest & ((1 << _SPEED_BITS) - 1)]
    rest >>= _SPEED_BITS
    windows = tuple(range(N_WINDOWS)) if rest & 4 else ()
    source_id = int(source_ids[rest >> 3])
    return Line(source_id, bool(rest & 1), speed, offset_ms, bool(rest & 2), windows)
