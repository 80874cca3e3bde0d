"""Answers of many one-frame queries in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from mitate.server.records import Answer, Match, Names, Verdict

NO_EPISODE = 0xFFFFFFFF
NUMBERS = {verdict: place for place, verdict in enumerate(Verdict, start=1)}  # as on the wire


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Hits of q queries, k places each, best first; unused places are zero at the end of a row."""

    episode_indexes: NDArray[np.uint32]  # (q, k) place in `episodes`, or NO_EPISODE
    source_ids: NDArray[np.int64]  # (q, k)
    from_ms: NDArray[np.int64]  # (q, k)
    to_ms: NDArray[np.int64]  # (q, k)
    at_ms: NDArray[np.int64]  # (q, k)
    distances: NDArray[np.float32]  # (q, k)
    mirrored: NDArray[np.uint8]  # (q, k) 0 or 1
    verdicts: NDArray[np.uint8]  # (q, k) of NUMBERS, 0 in unused places
    hit_counts: NDArray[np.uint32]  # (q,)
    query_verdicts: NDArray[np.uint8]  # (q,) of NUMBERS
    exact: NDArray[np.bool_]  # (q,) nothing nearer is stored
    episodes: tuple[Names, ...]  # each episode once, by any of its sources

    @property
    def n_queries(self) -> int:
        """Queries answered."""
        return len(self.hit_counts)

    def part(self, first: int, stop: int) -> Columns:
        """Return queries first..stop-1, with the episodes that they refer to."""
        if (first, stop) == (0, self.n_queries):
            return self
        indexes, *others = [array[first:stop] for array in _arrays(self)]
        if not self.episodes:
            return Columns(*(indexes, *others, ()))
        places = np.minimum(indexes, len(self.episodes))
        used = np.zeros(len(self.episodes) + 1, np.bool_)
        used[places] = True
        kept = np.flatnonzero(used[:-1])
        numbers = np.full(len(used), NO_EPISODE, np.uint32)
        numbers[kept] = np.arange(len(kept))
        its = tuple(self.episodes[i] for i in kept)
        return Columns(*(numbers[places], *others, its))


ARRAYS = tuple(field.name for field in fields(Columns) if field.name != "episodes")
_arrays = attrgetter(*ARRAYS)


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the queries of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    places: dict[int, int] = {}
    episodes: list[Names] = []
    indexes = []
    for part in parts:
        numbers = np.full(len(part.episodes) + 1, NO_EPISODE, np.uint32)
        for i, names in enumerate(part.episodes):
            if names.episode_id not in places:
                places[names.episode_id] = len(episodes)
                episodes.append(names)
            numbers[i] = places[names.episode_id]
        indexes.append(numbers[np.minimum(part.episode_indexes, len(part.episodes))])
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    return Columns(
        **arrays | {"episode_indexes": np.concatenate(indexes)}, episodes=tuple(episodes)
    )


def columns_of(answers: Sequence[Answer], k: int) -> Columns:
    """Return the answers of one-frame queries, cut to `k` places each."""
    columns = no_columns(len(answers), k)
    places: dict[int, int] = {}
    episodes: list[Names] = []
    for q, answer in enumerate(answers):
        columns.hit_counts[q] = min(k, len(answer.matches))
        columns.query_verdicts[q] = NUMBERS[answer.verdict]
        columns.exact[q] = answer.exact
        for i, match in enumerate(answer.matches[:k]):
            if match.episode_id not in places:
                places[match.episode_id] = len(episodes)
                episodes.append(_names(match))
            columns.episode_indexes[q, i] = places[match.episode_id]
            for name in ("from_ms", "to_ms", "at_ms"):
                getattr(columns, name)[q, i] = getattr(match, name)
            columns.source_ids[q, i] = match.source_id
            columns.distances[q, i] = match.distance
            columns.mirrored[q, i] = match.mirrored
            columns.verdicts[q, i] = NUMBERS[match.verdict]
    return replace(columns, episodes=tuple(episodes))


def no_columns(n_queries: int, k: int) -> Columns:
    """Return columns without hits, to be filled."""
    shape = (n_queries, k)
    return Columns(
        episode_indexes=np.full(shape, NO_EPISODE, np.uint32),
        source_ids=np.zeros(shape, np.int64),
        from_ms=np.zeros(shape, np.int64),
        to_ms=np.zeros(shape, np.int64),
        at_ms=np.zeros(shape, np.int64),
        distances=np.zeros(shape, np.float32),
        mirrored=np.zeros(shape, np.uint8),
        verdicts=np.zeros(shape, np.uint8),
        hit_counts=np.zeros(n_queries, np.uint32),
        query_verdicts=np.zeros(n_queries, np.uint8),
        exact=np.zeros(n_queries, np.bool_),
        episodes=(),
    )


def _names(match: Match) -> Names:
    return Names(
        title=match.title,
        title_id=match.title_id,
        episode=match.episode,
        episode_id=match.episode_id,
        source_id=match.source_id,
        refs=match.refs,
    )
