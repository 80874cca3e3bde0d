"""Which of several videos show the same: other encodes of one episode, or parts of one title.

Every signature is searched among all others in an index of its own. Two that show each other over
most of either are one episode; two that share less, such as an opening, or of which one runs
backwards, are of one title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.signature import Signature
from mitate.server.index import Neighbours, make_index
from mitate.server.library import Library, NewSource, Scope, Snapshot
from mitate.server.records import Match, Names
from mitate.server.search_clip import search_clip
from mitate.server.stretches import is_unusual

SAME_SHARE = 0.8  # of both videos, shown by the other, that makes them one episode
_MATCHES = 20  # others that are looked at for each video


@dataclass(frozen=True, slots=True)
class Shared:
    """What one video shows of another."""

    other: int  # number of the other video
    share: float  # of this video that the other shows
    match: Match
    is_encode: bool  # it runs as the other does: not backwards, and at its speed


@dataclass(frozen=True, slots=True)
class Group:
    """Videos of one title; those of one episode stand together."""

    episodes: tuple[tuple[int, ...], ...]  # numbers of videos

    @property
    def videos(self) -> tuple[int, ...]:
        """All videos of the group, in order."""
        return tuple(sorted(number for episode in self.episodes for number in episode))


@dataclass(frozen=True, slots=True)
class _Found:
    neighbours: Neighbours
    snapshot: Snapshot


def group(signatures: Sequence[Signature]) -> list[Group]:
    """Group videos and pictures by what they show; those alone form groups of one."""
    library = Library(make_index)
    library.add(*(NewSource(n, n, n, one) for n, one in enumerate(signatures)))
    shared = {n: _shared(library, n, one) for n, one in enumerate(signatures)}
    same = [
        (n, one.other)
        for n, found in shared.items()
        for one in found
        if _is_same(one, _share_of(shared[one.other], n))
    ]
    alike = [(n, one.other) for n, found in shared.items() for one in found]
    episodes = _joined(range(len(signatures)), same)
    episode_of = {n: place for place, episode in enumerate(episodes) for n in episode}
    links = [(episode_of[one], episode_of[other]) for one, other in alike]
    return [
        Group(tuple(episodes[place] for place in places))
        for places in _joined(range(len(episodes)), links)
    ]


def _shared(library: Library, number: int, signature: Signature) -> list[Shared]:
    """Return what a video shows of all others."""
    snapshot = library.snapshot()
    scope = Scope(excluded_episode_ids=frozenset([number]))
    frames, windows = snapshot.allowed(scope), snapshot.allowed(scope, windows=True)

    def find(rows: NDArray[np.int64] | None, parts: bool, q: NDArray[np.int8], k: int) -> _Found:
        index = library.windows if parts else library.index
        return _Found(index.search(q, k, rows), snapshot)

    if snapshot.n_rows == signature.n_kept:
        return []
    answer = search_clip(
        signature,
        partial(find, frames, False),
        _names,
        _MATCHES,
        find_windows=partial(find, windows, True),
    )
    believed = [one for one in answer.matches if one.verdict.is_believed]
    return [
        Shared(one.source_id, _part(one, signature), one, _is_encode(one, signature))
        for one in believed
    ]


def _is_encode(match: Match, signature: Signature) -> bool:
    return signature.n_frames == 1 or not is_unusual(match.speed)


def _part(match: Match, signature: Signature) -> float:
    if signature.n_frames == 1:
        return 1.0
    return (match.query_to_ms - match.query_from_ms) / max(1, signature.duration_ms)


def _is_same(one: Shared, back: float) -> bool:
    return one.is_encode and one.share >= SAME_SHARE and back >= SAME_SHARE


def _share_of(found: Sequence[Shared], number: int) -> float:
    return max((one.share for one in found if one.other == number), default=0.0)


def _names(source_id: int) -> Names:
    return Names("", source_id, "", source_id, source_id)


def _joined(numbers: range, links: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Return the connected parts of a graph, in the order of their first members."""
    root = {number: number for number in numbers}
    for one, other in links:
        ends = sorted((_root(root, one), _root(root, other)))
        root[ends[1]] = ends[0]
    parts: dict[int, list[int]] = {}
    for number in numbers:
        parts.setdefault(_root(root, number), []).append(number)
    return [tuple(part) for part in parts.values()]


def _root(root: Mapping[int, int], number: int) -> int:
    while root[number] != number:
        number = root[number]
    return number
