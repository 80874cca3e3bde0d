"""A library shows whole sources only and always knows which row is which frame."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signatures import moving_layouts, random_layouts, signature

from mitate.kernels.errors import AlreadyExists, NotFound
from mitate.kernels.vector import derive
from mitate.server.index import rows_within
from mitate.server.index_numpy import NumpyIndex
from mitate.server.library import MAX_DEAD_SHARE, Library, NewSource, Scope, Snapshot


def new_source(source_id: int, n_frames: int = 10, seed: int | None = None) -> NewSource:
    rng = np.random.default_rng(source_id if seed is None else seed)
    return NewSource(
        source_id, source_id // 2, source_id // 4, signature(random_layouts(rng, n_frames))
    )


def assert_consistent(library: Library) -> None:
    """Every kept frame of every source is found at its place."""
    snapshot = library.snapshot()
    for source in snapshot.sources.values():
        found = library.index.search(source.vectors[:], 1)
        assert (found.distances == 0).all()
        rows = np.arange(source.first_row, source.stop_row)
        source_ids, kept = snapshot.locate(rows)
        assert (source_ids == source.source_id).all()
        np.testing.assert_array_equal(kept, np.arange(source.signature.n_kept))


def test_rows_are_located_and_gaps_belong_to_nobody() -> None:
    library = Library(NumpyIndex)
    library.add(*(new_source(i) for i in range(1, 9)))
    library.remove(3)
    snapshot = library.snapshot()
    source_ids, kept = snapshot.locate(np.array([[-1, 0, 9], [25, 30, 79], [80, 15, 10]]))
    assert source_ids.tolist() == [[-1, 1, 1], [-1, 4, 8], [-1, 2, 2]]
    assert kept.tolist() == [[-1, 0, 9], [-1, 0, 9], [-1, 5, 0]]


def test_an_empty_library_locates_nothing() -> None:
    source_ids, kept = Library(NumpyIndex).snapshot().locate(np.array([0, 5]))
    assert (source_ids == -1).all()
    assert (kept == -1).all()


def test_a_snapshot_outlives_the_removal_of_its_sources() -> None:
    library = Library(NumpyIndex)
    library.add(new_source(1), new_source(2))
    before = library.snapshot()
    library.remove(1)
    assert set(before.sources) == {1, 2}
    assert before.locate(np.array([0]))[0].tolist() == [1]
    assert set(library.snapshot().sources) == {2}


def test_a_source_that_is_held_is_refused_and_nothing_is_added() -> None:
    library = Library(NumpyIndex)
    library.add(new_source(1))
    with pytest.raises(AlreadyExists, match=r"sources \[1\]"):
        library.add(new_source(2), new_source(1))
    with pytest.raises(AlreadyExists, match=r"sources \[5\]"):
        library.add(new_source(5), new_source(5))
    assert set(library.snapshot().sources) == {1}
    assert library.index.n_rows == 10


def test_removing_what_is_not_held_is_refused_and_nothing_is_removed() -> None:
    library = Library(NumpyIndex)
    library.add(new_source(1))
    with pytest.raises(NotFound, match=r"sources \[7\]"):
        library.remove(1, 7)
    assert set(library.snapshot().sources) == {1}


def test_replacing_swaps_in_one_step() -> None:
    library = Library(NumpyIndex)
    library.add(new_source(1), new_source(2))
    library.replace([1], [new_source(3), new_source(1, seed=9)])
    assert set(library.snapshot().sources) == {1, 2, 3}
    assert_consistent(library)


def test_the_index_is_built_anew_when_a_fifth_is_dead() -> None:
    library = Library(NumpyIndex)
    library.add(*(new_source(i) for i in range(1, 11)))
    library.remove(2, 5)
    assert (library.index.n_rows, library.index.n_dead) == (100, 20)
    wanted_before = library.wants_compaction
    library.remove(7)
    assert (wanted_before, library.wants_compaction) == (False, True)
    library.adopt(library.compacted())
    assert (library.index.n_rows, library.index.n_dead) == (70, 0)
    assert library.snapshot().n_rows == 70
    assert_consistent(library)


def test_scope_limits_the_rows() -> None:
    library = Library(NumpyIndex)
    library.add(*(new_source(i, n_frames=1) for i in range(8)))
    snapshot = library.snapshot()

    def held(scope: Scope) -> list[int]:
        ranges = snapshot.allowed(scope)
        assert ranges is not None
        return np.flatnonzero(rows_within(ranges, snapshot.n_rows)).tolist()

    assert snapshot.allowed(Scope()) is None
    assert held(Scope(title_ids=frozenset({1}))) == [4, 5, 6, 7]
    assert held(Scope(episode_ids=frozenset({0, 3}))) == [0, 1, 6, 7]
    assert held(Scope(title_ids=frozenset({0}), excluded_episode_ids=frozenset({1}))) == [0, 1]
    assert held(Scope(title_ids=frozenset({7}))) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(1, 12)), max_size=25))
def test_any_history_leaves_every_frame_at_its_place(history: list[tuple[bool, int, int]]) -> None:
    library = Library(NumpyIndex)
    for adding, source_id, n_frames in history:
        held = source_id in library.snapshot().sources
        if adding and not held:
            library.add(new_source(source_id, n_frames))
        elif held:
            library.remove(source_id)
        if library.wants_compaction:
            library.adopt(library.compacted())
        assert library.index.n_dead <= MAX_DEAD_SHARE * library.index.n_rows
    assert_consistent(library)


def test_what_changes_during_compaction_is_in_the_compacted_library() -> None:
    library = Library(NumpyIndex)
    library.add(*(new_source(i) for i in range(6)))
    library.remove(0, 2)
    before = library.snapshot()
    compacted = library.compacted()
    library.remove(4)
    library.add(new_source(7), new_source(2, n_frames=3))
    vectors = before.sources[3].vectors[:]
    library.adopt(compacted)
    assert set(library.snapshot().sources) == {1, 2, 3, 5, 7}
    assert library.index.n_rows == 6 * 10 - 20 + 10 + 3
    assert library.index.n_dead == 10
    assert_consistent(library)
    np.testing.assert_array_equal(before.sources[3].vectors[:], vectors)


def test_stored_vectors_are_read_by_number_slice_and_array() -> None:
    library = Library(NumpyIndex)
    library.add(new_source(1), new_source(2))
    stored = library.snapshot().sources[2].vectors
    all_of_them = derive(library.snapshot().sources[2].signature.layouts)
    assert len(stored) == len(all_of_them) == 10
    np.testing.assert_array_equal(stored[3], all_of_them[3])
    np.testing.assert_array_equal(stored[-1], all_of_them[-1])
    np.testing.assert_array_equal(stored[2:5], all_of_them[2:5])
    grid = np.array([[1, 2], [9, 0]])
    np.testing.assert_array_equal(stored[grid], all_of_them[grid])
    with pytest.raises(IndexError, match=r"kept frames 3\.\.10 of 10"):
        stored[np.array([3, 10])]


def test_readers_see_both_sources_of_a_pair_or_neither() -> None:
    library = Library(NumpyIndex)
    seen: list[Snapshot] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(library.snapshot())
            time.sleep(0)

    reader = threading.Thread(target=read)
    reader.start()
    for round_ in range(60):
        library.replace(list(library.snapshot().sources), [new_source(i + round_) for i in (1, 2)])
    done.set()
    reader.join()
    assert all(len(snapshot.sources) in (0, 2) for snapshot in seen)


def test_a_million_descriptors_load_within_seconds() -> None:
    pytest.importorskip("faiss")
    from mitate.server.index_faiss import FaissIndex

    n_sources, n_frames = 50, 20_000
    layouts = moving_layouts(np.random.default_rng(0), n_frames, held_frames=1)
    layouts[1:, 1] = np.where((layouts[1:] == layouts[:-1]).all(1), 31, layouts[1:, 1])
    made = signature(layouts)
    sources = [NewSource(i, i, i, made) for i in range(n_sources)]
    library = Library(FaissIndex)
    started = time.process_time()
    library.add(*sources)
    assert library.index.n_rows > 0.9e6
    assert time.process_time() - started < 8
