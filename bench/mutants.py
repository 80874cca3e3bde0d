"""Damaged media: bit flips, cuts, splices, lost and repeated ranges of good files."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

MAX_BYTES = 1 << 20


def mutants(
    seeds: Sequence[tuple[str, bytes]],  # name and content of good files
    count: int,
    seed: int = 0,
) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of damaged files; the same ones for the same arguments."""
    rng = random.Random(seed)
    ways = (_flip, _cut, _splice, _lose, _repeat, _blank)
    for number in range(count):
        name, data = rng.choice(seeds)
        way = rng.choice(ways)
        other = rng.choice(seeds)[1]
        damaged = way(rng, bytearray(data[:MAX_BYTES]), other[:MAX_BYTES])
        suffix = name.rpartition(".")[2]
        yield f"{number:05d}-{way.__name__.lstrip('_')}.{suffix}", bytes(damaged)


def _flip(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    for _ in range(rng.choice((1, 3, 10, 100))):
        data[_position(rng, data)] ^= 1 << rng.randrange(8)
    return data


def _cut(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    return data[: rng.randrange(len(data))]


def _splice(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    at = rng.randrange(len(data))
    return data[:at] + other[rng.randrange(len(other)) :]


def _lose(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    at, length = _range(rng, data)
    return data[:at] + data[at + length :]


def _repeat(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    at, length = _range(rng, data)
    return data[: at + length] + data[at:]


def _blank(rng: random.Random, data: bytearray, other: bytes) -> bytearray:
    at, length = _range(rng, data)
    data[at : at + length] = bytes([rng.choice((0, 0xFF))]) * length
    return data


def _position(rng: random.Random, data: bytearray) -> int:
    """Return a place, in the head of the file more often than chance has it."""
    return rng.randrange(min(len(data), 4096) if rng.random() < 0.3 else len(data))


def _range(rng: random.Random, data: bytearray) -> tuple[int, int]:
    at = _position(rng, data)
    return at, rng.randint(1, max(1, min(len(data) - at, 1 << rng.randrange(16))))
