"""Spans of a query that show spans of a reference, and sets of intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Axis = Literal["query", "reference"]
AXES: tuple[Axis, Axis] = ("query", "reference")
Interval = tuple[float, float]


class Span(NamedTuple):
    """A stretch of a query and what it shows, in ms; true or claimed."""

    query: int  # number of the queried video
    clip: int  # number of the reference
    query_from: float
    query_to: float
    from_ms: float  # shown at `query_from`; after `to_ms` when played backwards
    to_ms: float
    mirrored: bool = False
    score: float = 1.0
    probability: float | None = None

    @property
    def speed(self) -> float:
        """Reference time per query time."""
        return (self.to_ms - self.from_ms) / max(1e-9, self.query_to - self.query_from)

    def at(self, query_ms: float) -> float:
        """Return the reference time shown at a query time."""
        return self.from_ms + self.speed * (query_ms - self.query_from)

    def on(self, axis: Axis) -> Interval:
        """Return the interval on one axis, in order."""
        if axis == "query":
            return self.query_from, self.query_to
        return min(self.from_ms, self.to_ms), max(self.from_ms, self.to_ms)

    def meets(self, other: Span) -> bool:
        """Tell whether both boxes in the plane of query and reference share an area."""
        return all(shared(self.on(axis), other.on(axis)) > 0 for axis in AXES)


def shared(one: Interval, other: Interval) -> float:
    """Return the length that two intervals have in common."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return disjoint intervals in order that cover the same."""
    found: list[Interval] = []
    for begin, end in sorted(intervals):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def length(intervals: Iterable[Interval]) -> float:
    """Return the length of the union of intervals."""
    return sum(end - begin for begin, end in union(intervals))


def common_length(some: Iterable[Interval], others: Iterable[Interval]) -> float:
    """Return the length of the intersection of two unions."""
    some, others = list(some), list(others)
    return length(some) + length(others) - length([*some, *others])
