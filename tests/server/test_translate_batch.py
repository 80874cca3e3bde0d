"""Answers to signatures as bytes: the messages that Protocol Buffers would have made."""

from __future__ import annotations

import numpy as np
from google.protobuf import unknown_fields
from hypothesis import given
from hypothesis import strategies as st

from mitate.server.batch_calls import Batched
from mitate.server.columns import ARRAYS, NO_EPISODE, Columns, no_columns
from mitate.server.records import Names
from mitate.server.translate import fill_diagnostics, fill_hits
from mitate.server.translate_batch import batch_answer, stream_answer, varint
from mitate.v1 import search_pb2


def filled(n_queries: int, k: int, n_episodes: int, seed: int) -> Columns:
    draws = np.random.default_rng(seed)
    columns = no_columns(n_queries, k)
    for name in ARRAYS:
        array = getattr(columns, name)
        array[...] = draws.integers(0, 2 if name in ("exact", "mirrored") else 100, array.shape)
    numbers = draws.integers(0, n_episodes + 1, (n_queries, k))
    columns.episode_indexes[...] = np.where(numbers < n_episodes, numbers, NO_EPISODE)
    episodes = tuple(
        Names(f"title {i}", i, f"{i}", i + 1, i + 7, {"anidb": str(i)}) for i in range(n_episodes)
    )
    return Columns(*(*(getattr(columns, name) for name in ARRAYS), episodes))


@given(
    st.integers(1, 300), st.integers(1, 12), st.integers(0, 5), st.integers(0, 2**64 - 1), st.data()
)
def test_the_bytes_are_those_of_the_message(
    n_queries: int, k: int, n_episodes: int, sequence: int, data: st.DataObject
) -> None:
    columns = filled(n_queries, k, n_episodes, seed=n_queries)
    first = data.draw(st.integers(0, n_queries - 1))
    batched = Batched(columns.part(first, n_queries), 1.5, 2.5, n_queries)
    streamed = search_pb2.StreamSearchResponse(sequence=sequence)
    once = search_pb2.BatchSearchSignaturesResponse()
    for answer in (streamed, once):
        fill_hits(answer.hits, batched.columns)
        fill_diagnostics(answer.diagnostics, 9, {"queue": 1.5, "search": 2.5}, n_queries)
    found = search_pb2.StreamSearchResponse.FromString(stream_answer(sequence, 9, batched))
    assert found == streamed
    assert search_pb2.BatchSearchSignaturesResponse.FromString(batch_answer(9, batched)) == once
    assert not unknown_fields.UnknownFieldSet(found.hits)


@given(st.integers(1, 2**64 - 1))
def test_numbers_are_written_as_protocol_buffers_write_them(number: int) -> None:
    whole = search_pb2.StreamSearchResponse(sequence=number).SerializeToString()
    assert whole == b"\x08" + varint(number)
