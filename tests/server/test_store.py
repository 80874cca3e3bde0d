from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from make_signature import content, equal, make_signature

from mitate.kernels.errors import (
    CorruptData,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Overloaded,
)
from mitate.server.placement import Placement
from mitate.server.records import CommitResult
from mitate.server.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()


def add(store: Store, seed: int, placement: Placement | None = None) -> CommitResult:
    return store.commit_source(
        make_signature(seed), content(seed), f"{seed}.mkv", placement or Placement()
    )


def signature_files(store: Store) -> list[Path]:
    return sorted((store.directory / "signatures").iterdir())


def test_stored_signature_is_read_back_after_a_restart(store: Store) -> None:
    result = add(store, 1)
    assert result.status == "added"
    store.close()
    with closing(Store(store.directory)) as again:
        loaded = again.load(result.source.source_id)
    assert equal(loaded, make_signature(1))
    assert not loaded.layouts.flags.owndata


def test_source_record_describes_the_signature(store: Store) -> None:
    source = add(store, 1).source
    assert (source.n_frames, source.n_kept, source.duration_ms) == (40, 20, 1600)
    assert (source.kind, source.width, source.height) == ("video", 640, 360)
    assert (source.sha256, source.file_name) == (content(1), "1.mkv")


def test_same_content_exists_and_leaves_no_second_file(store: Store) -> None:
    first = add(store, 1)
    second = store.commit_source(make_signature(1), content(1), "copy.mkv", Placement())
    assert second.status == "exists"
    assert second.source == first.source
    assert len(signature_files(store)) == 1


def test_content_added_meanwhile_exists_and_leaves_no_second_file(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, 1)
    monkeypatch.setattr(store.catalog, "find_commit", lambda *_: None)
    assert add(store, 1).status == "exists"
    assert len(signature_files(store)) == 1


def test_episode_removed_while_the_file_was_written_leaves_no_file(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.catalog, "find_commit", lambda *_: None)
    with pytest.raises(NotFound, match="no episode 7"):
        add(store, 1, Placement(episode_id=7))
    assert signature_files(store) == []


def test_replacing_swaps_sources_and_their_files(store: Store) -> None:
    first = add(store, 1)
    add(store, 2, Placement(episode_id=first.episode.episode_id))
    result = add(store, 3, Placement(replace_episode_id=first.episode.episode_id))
    assert result.status == "replaced"
    assert result.removal.source_ids == (1, 2)
    assert [source.source_id for source in result.episode.sources] == [3]
    assert len(signature_files(store)) == 1


def test_removed_episode_takes_its_files_along(store: Store) -> None:
    result = add(store, 1)
    add(store, 2)
    assert store.remove_episode(result.episode.episode_id).source_ids == (1,)
    assert len(signature_files(store)) == 1
    with pytest.raises(NotFound, match="no source 1"):
        store.load(1)


def test_mapped_signature_outlives_its_removal(store: Store) -> None:
    result = add(store, 1)
    loaded = store.load(1)
    store.remove_title(result.title.title_id, force=True)
    assert equal(loaded, make_signature(1))


def test_more_sources_than_the_soft_limit_of_open_files_can_be_held(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        for seed in range(40):
            signature = make_signature(seed, 2000)
            store.commit_source(signature, content(seed), f"{seed}.mkv", Placement())
    program = (
        "import sys, resource; from mitate.server.store import Store, Path;"
        "_, most = resource.getrlimit(resource.RLIMIT_NOFILE);"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (32, most));"
        "print(len(list(Store(Path(sys.argv[1])).load_all())))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "40\n", done.stderr


@pytest.mark.parametrize("n_frames", [40, 4000])
def test_small_signatures_are_read_and_large_ones_mapped(store: Store, n_frames: int) -> None:
    signature = make_signature(1, n_frames)
    store.commit_source(signature, content(1), "1.mkv", Placement())
    n_open = len(os.listdir("/proc/self/fd"))
    loaded = store.load(1)
    assert equal(loaded, signature)
    assert len(os.listdir("/proc/self/fd")) - n_open == (n_frames == 4000)


def test_load_all_gives_every_source_with_its_title(store: Store) -> None:
    add(store, 1)
    second = add(store, 2)
    found = list(store.load_all())
    assert [stored.source.source_id for stored, _ in found] == [1, 2]
    assert found[1][0].title_id == second.title.title_id
    assert equal(found[1][1], make_signature(2))


def test_file_is_synced_and_named_before_the_catalog_knows_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def noted(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **options: object) -> object:
            steps.append(name)
            return call(*args, **options)

        return step

    monkeypatch.setattr("os.fsync", noted("fsync", os.fsync))
    monkeypatch.setattr("os.rename", noted("rename", os.rename))
    monkeypatch.setattr(store.catalog, "add_source", noted("commit", store.catalog.add_source))
    monkeypatch.setattr("pathlib.Path.unlink", noted("unlink", Path.unlink))
    add(store, 1)
    add(store, 2, Placement(replace_episode_id=1))
    order = ["fsync", "rename", "fsync", "commit"]
    assert steps == [*order, *order, "unlink"]


def test_second_server_on_the_directory_is_refused_with_the_pid_of_the_first(store: Store) -> None:
    with pytest.raises(
        FailedPrecondition, match=rf"in use by another server \(pid {os.getpid()}\)"
    ):
        Store(store.directory)
    program = "import sys; from mitate.server.store import Store, Path; Store(Path(sys.argv[1]))"
    command = [sys.executable, "-c", program, str(store.directory)]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"(pid {os.getpid()})" in other.stderr


def test_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    for name in ("holiday.mkv", "tmp/draft.txt"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(FailedPrecondition, match=r"has no catalog.sqlite, but has 'holiday.mkv'"):
        Store(tmp_path)
    assert (tmp_path / "tmp" / "draft.txt").read_text() == "mine"


def test_data_directory_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FailedPrecondition, match=r"/file is a file; a folder is needed"):
        Store(tmp_path / "file")
    (tmp_path / "data" / "lock").mkdir(parents=True)
    with pytest.raises(FailedPrecondition, match=r"cannot write into the data directory .*data"):
        Store(tmp_path / "data")


@pytest.mark.parametrize("lost", ["missing", "empty"])
def test_lost_catalog_is_an_error_and_deletes_no_signature(store: Store, lost: str) -> None:
    add(store, 1)
    store.close()
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (store.directory / name).unlink(missing_ok=True)
    if lost == "empty":
        (store.directory / "catalog.sqlite").touch()
    for _ in range(2):
        with pytest.raises(CorruptData, match=r"catalog\.sqlite is missing or empty"):
            Store(store.directory)
    assert len(signature_files(store)) == 1


def test_start_deletes_what_the_catalog_does_not_name(store: Store) -> None:
    add(store, 1)
    named = signature_files(store)
    store.close()
    (store.tmp / "folder").mkdir()
    for name in ("signatures/other.msig", "tmp/half.msig", "tmp/folder/part"):
        (store.directory / name).write_bytes(b"half")
    Store(store.directory).close()
    assert signature_files(store) == named
    assert os.listdir(store.tmp) == []


def test_start_names_the_missing_and_the_cut_file(store: Store) -> None:
    add(store, 1)
    (path,) = signature_files(store)
    whole = path.read_bytes()
    store.close()
    path.write_bytes(whole[:-1])
    with pytest.raises(CorruptData, match=rf"{path.name} has {len(whole) - 1} bytes; the catalog"):
        Store(store.directory)
    path.unlink()
    with pytest.raises(CorruptData, match=rf"{path.name} is missing"):
        Store(store.directory)
    path.write_bytes(whole)
    Store(store.directory).close()


@pytest.mark.parametrize("at", [0, 20, 100, 200, -1])
def test_flipped_bit_anywhere_is_found_by_verify(store: Store, at: int) -> None:
    add(store, 1)
    assert list(store.verify()) == []
    (path,) = signature_files(store)
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)
    (error,) = store.verify()
    assert path.name in error.message


def test_swapped_files_are_found_by_verify(store: Store) -> None:
    add(store, 1)
    add(store, 2)
    first, second = signature_files(store)
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    assert len(list(store.verify())) == 2


def test_damaged_header_is_an_error_that_names_the_file(store: Store) -> None:
    add(store, 1)
    (path,) = signature_files(store)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(CorruptData, match=path.name):
        store.load(1)


def test_full_disk_is_overloaded_and_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(Overloaded, match="no space left"):
            add(store, 1)
    assert signature_files(store) == []
    assert os.listdir(store.directory / "tmp") == []
    assert add(store, 1).status == "added"


def test_bad_placement_is_refused_before_anything_is_written(store: Store) -> None:
    with pytest.raises(InvalidArgument, match="episode_id, title are given together"):
        add(store, 1, Placement(title="a", episode_id=1))
    assert signature_files(store) == []
