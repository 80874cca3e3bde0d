"""Signatures and hits of many queries at once, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.clients.answers import VERDICTS
from mitate.clients.requests import options_message
from mitate.clients.results import SearchOptions, Verdict
from mitate.kernels.errors import CorruptData, InvalidSignature, MitateError
from mitate.v1 import search_pb2

MAX_SIGNATURES = 4096  # of one message
NO_EPISODE = 0xFFFFFFFF
N_COEFFICIENTS = 33


@dataclass(frozen=True, slots=True)
class EpisodeName:
    """An episode that hits refer to."""

    title: str
    title_id: int
    episode: str
    episode_id: int
    refs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that looks like one query."""

    title: str
    title_id: int
    episode: str
    episode_id: int
    source_id: int
    from_ms: int
    to_ms: int
    at_ms: int
    mirrored: bool
    distance: float
    verdict: Verdict
    refs: Mapping[str, str]
    probability: float | None = None  # None for signatures
    view: str = ""  # the part of the picture that matched; empty for signatures


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Hits of q queries in columns, best first; row i of a column belongs to query i.

    Places without a hit have the episode index 0xFFFFFFFF and stand at the end of a row.
    """

    episodes: tuple[EpisodeName, ...]
    episode_indexes: npt.NDArray[np.uint32]  # (q, k) place in `episodes`
    source_ids: npt.NDArray[np.int64]  # (q, k)
    from_ms: npt.NDArray[np.int64]  # (q, k)
    to_ms: npt.NDArray[np.int64]  # (q, k)
    at_ms: npt.NDArray[np.int64]  # (q, k)
    distances: npt.NDArray[np.float32]  # (q, k)
    mirrored: npt.NDArray[np.bool_]  # (q, k)
    verdict_numbers: npt.NDArray[np.uint8]  # (q, k) as in the Verdict of the wire
    hit_counts: npt.NDArray[np.uint32]  # (q,)
    verdicts: tuple[Verdict, ...]  # of each query
    exact: bool  # nothing nearer is stored
    probabilities: npt.NDArray[np.float32] | None = None  # (q, k) of a picture, NaN where unknown
    views: tuple[str, ...] = ()  # of the hits of a picture

    @property
    def n_queries(self) -> int:
        """Queries answered."""
        return len(self.verdicts)

    def of(self, query: int) -> tuple[Hit, ...]:
        """Return the hits of one query, best first."""
        return tuple(self._hit(query, place) for place in range(int(self.hit_counts[query])))

    def _hit(self, query: int, place: int) -> Hit:
        at = (query, place)
        name = self.episodes[int(self.episode_indexes[at])]
        return Hit(
            title=name.title,
            title_id=name.title_id,
            episode=name.episode,
            episode_id=name.episode_id,
            source_id=int(self.source_ids[at]),
            from_ms=int(self.from_ms[at]),
            to_ms=int(self.to_ms[at]),
            at_ms=int(self.at_ms[at]),
            mirrored=bool(self.mirrored[at]),
            distance=float(self.distances[at]),
            verdict=VERDICTS[int(self.verdict_numbers[at])],
            refs=name.refs,
            probability=self._probability(at),
            view=self.views[place] if self.views else "",
        )

    def _probability(self, at: tuple[int, int]) -> float | None:
        if self.probabilities is None or np.isnan(self.probabilities[at]):
            return None
        return float(self.probabilities[at])


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """The answer to one item of a stream: its hits or what was wrong with it."""

    sequence: int  # number of the item, from 0 on
    hits: Hits | None
    error: MitateError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ComputedSignature:
    """The signature of a picture as the server makes it."""

    layout: npt.NDArray[np.uint8]  # (33,)
    descriptor_version: str
    preprocessing_version: str
    quality: int  # 0..255, how much there is to recognise


def signature_batch(
    layouts: npt.ArrayLike,  # (n, 33) or (33,), integers 0..255
) -> search_pb2.SignatureBatch:
    """Pack descriptors into one message.

    Raises:
        InvalidSignature: another shape, no or more than 4096 rows, or values out of range.
    """
    rows = np.atleast_2d(np.asarray(layouts))
    if rows.ndim != 2 or rows.shape[1] != N_COEFFICIENTS or rows.dtype.kind not in "ui":
        raise InvalidSignature(
            f"descriptors are {rows.dtype} of shape {np.shape(layouts)}; integers of shape "
            f"(n, {N_COEFFICIENTS}) are needed"
        )
    if not 1 <= len(rows) <= MAX_SIGNATURES:
        raise InvalidSignature(
            f"{len(rows)} descriptors in one message; 1 to {MAX_SIGNATURES} are allowed"
        )
    if rows.min() < 0 or rows.max() > 63:
        raise InvalidSignature(f"a descriptor holds {rows.min()}..{rows.max()}; 0..63 are allowed")
    return search_pb2.SignatureBatch(
        type=search_pb2.SIGNATURE_TYPE_CLD_33,
        data=np.ascontiguousarray(rows, np.uint8).tobytes(),
        count=len(rows),
    )


def batch_request(
    layouts: npt.ArrayLike, options: SearchOptions | None
) -> search_pb2.BatchSearchSignaturesRequest:
    """Build the request that searches many descriptors."""
    return search_pb2.BatchSearchSignaturesRequest(
        signatures=signature_batch(layouts), options=options_message(options)
    )


def stream_start(
    options: SearchOptions | None, preserve_order: bool
) -> search_pb2.StreamSearchRequest:
    """Build the first message of a stream of searches."""
    config = search_pb2.StreamSearchConfig(
        options=options_message(options), preserve_order=preserve_order
    )
    return search_pb2.StreamSearchRequest(config=config)


def hits(message: search_pb2.HitColumns) -> Hits:
    """Unpack the columns of an answer.

    Raises:
        CorruptData: columns whose lengths do not fit together.
    """
    n_queries = len(message.query_verdicts)
    shape = (n_queries, message.top_k)

    def column(name: str, dtype: str, shape: tuple[int, ...] = shape) -> npt.NDArray[Any]:
        data = getattr(message, name)
        if len(data) != int(np.prod(shape)) * np.dtype(dtype).itemsize:
            raise CorruptData(
                f"the server's answer has {len(data)} bytes in the column {name}; "
                f"{dtype} of shape {shape} was expected"
            )
        return np.frombuffer(data, dtype).reshape(shape)

    hit_counts = column("hit_counts", "<u4", (n_queries,))
    if message.views and hit_counts.tolist() != [len(message.views)]:
        raise CorruptData(
            f"the server's answer has {len(message.views)} views for {hit_counts.sum()} hits of "
            f"{n_queries} queries; each hit of one picture has one"
        )
    return Hits(
        episodes=tuple(_episode_name(entry) for entry in message.episodes),
        episode_indexes=column("episode_indexes", "<u4"),
        source_ids=column("source_ids", "<i8"),
        from_ms=column("from_ms", "<i8"),
        to_ms=column("to_ms", "<i8"),
        at_ms=column("at_ms", "<i8"),
        distances=column("distances", "<f4"),
        mirrored=column("mirrored", "?"),
        verdict_numbers=column("verdicts", "u1"),
        hit_counts=hit_counts,
        verdicts=tuple(VERDICTS[number] for number in message.query_verdicts),
        exact=message.exact,
        probabilities=column("probabilities", "<f4") if message.probabilities else None,
        views=tuple(message.views),
    )


def computed_signature(message: search_pb2.ComputeSignatureResponse) -> ComputedSignature:
    """Read the signature of a picture."""
    return ComputedSignature(
        layout=np.frombuffer(message.signature, np.uint8),
        descriptor_version=message.descriptor_version,
        preprocessing_version=message.preprocessing_version,
        quality=message.quality,
    )


def _episode_name(entry: search_pb2.EpisodeEntry) -> EpisodeName:
    return EpisodeName(
        title=entry.title,
        title_id=entry.title_id,
        episode=entry.episode,
        episode_id=entry.episode_id,
        refs=dict(entry.refs),
    )
