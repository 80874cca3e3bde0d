"""Checking and copying a data directory, in use or not."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from make_signature import content, equal, make_signature

from mitate.kernels.errors import CorruptData, FailedPrecondition, NotReady
from mitate.server import snapshot
from mitate.server.placement import Placement
from mitate.server.snapshot import check, copy, restore
from mitate.server.store import Store

N = 12


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "data")
    for seed in range(N):
        add(opened, seed)
    yield opened
    opened.close()


def add(store: Store, seed: int) -> int:
    placement = Placement(title=f"title {seed % 3}", refs={"anidb": str(seed)})
    result = store.commit_source(make_signature(seed), content(seed), f"{seed}.mkv", placement)
    return result.episode.episode_id


def contents(directory: Path) -> dict[str, bytes]:
    """SHA-256 of each media file, and the descriptors that are stored of it."""
    with closing(Store(directory)) as opened:
        return {
            stored.source.sha256: signature.layouts.tobytes()
            for stored, signature in opened.load_all()
        }


def files(directory: Path) -> list[Path]:
    return sorted((directory / "signatures").iterdir())


@pytest.mark.parametrize("in_use", [True, False])
def test_a_copy_is_a_data_directory_with_the_same_in_it(
    store: Store, tmp_path: Path, in_use: bool
) -> None:
    if not in_use:
        store.close()
    copied = copy(store.directory, tmp_path / "copy")
    assert (copied.n_sources, copied.n_copied) == (N, N)
    with closing(Store(tmp_path / "copy")) as again:
        titles = again.catalog.list_titles().items
        assert [title.name for title in titles] == ["title 0", "title 1", "title 2"]
        assert again.catalog.stats().stored_bytes == copied.n_bytes
    assert {content(seed) for seed in range(N)} == contents(tmp_path / "copy").keys()
    store.close()
    assert contents(tmp_path / "copy") == contents(store.directory)


def test_a_second_copy_brings_the_first_up_to_date(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    copy(store.directory, target)
    before = set(files(target))
    store.remove_episode(1)
    add(store, 100)
    copied = copy(store.directory, target)
    assert (copied.n_sources, copied.n_copied) == (N, 1)
    assert len(before & set(files(target))) == N - 1
    assert contents(target).keys() == {content(seed) for seed in (*range(1, N), 100)}


def test_what_is_under_way_is_left_out(store: Store, tmp_path: Path) -> None:
    with store.catalog.database.writing() as db:
        db.execute("INSERT INTO upload VALUES ('u', 'a.mkv', 9, 3, NULL, 0)")
        for name, outcome in (("running", None), ("over", b"x")):
            db.execute(
                "INSERT INTO operation (name, kind, caller, request, created_ms, outcome) "
                "VALUES (?, 'ingest', '', x'', 0, ?)",
                (name, outcome),
            )
    copy(store.directory, tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy" / "catalog.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM upload").fetchone() == (0,)
        assert db.execute("SELECT name FROM operation").fetchall() == [("over",)]


def test_every_copy_of_a_busy_directory_is_one_state_of_it(store: Store, tmp_path: Path) -> None:
    stop, failed = threading.Event(), []

    def work() -> None:
        chance, kept, seed = random.Random(1), list[int](), 1000
        try:
            while not stop.is_set():
                if len(kept) > 5 or (kept and chance.random() < 0.4):
                    store.remove_episode(kept.pop(chance.randrange(len(kept))))
                else:
                    kept.append(add(store, seed))
                    seed += 1
        except Exception as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(6):
            copied = copy(store.directory, tmp_path / "copy")
            checked = check(tmp_path / "copy")
            assert not checked.damage and checked.n_sources == copied.n_sources == len(
                files(tmp_path / "copy")
            )
            assert not check(store.directory).damage
    finally:
        stop.set()
        thread.join()
    assert not failed
    assert {content(seed) for seed in range(N)} <= contents(tmp_path / "copy").keys()


def test_a_copy_that_breaks_off_leaves_the_former_whole(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy"
    copy(store.directory, target)
    for seed in range(200, 204):
        add(store, seed)
    real, left = os.rename, [2]

    def rename(source: Any, to: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError("the machine stopped")
        real(source, to)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="the machine stopped"):
        copy(store.directory, target)
    monkeypatch.undo()
    assert contents(target).keys() == {content(seed) for seed in range(N)}
    assert copy(store.directory, target).n_sources == N + 4


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_damage_is_found_and_named(store: Store, tmp_path: Path) -> None:
    assert check(store.directory) == snapshot.Checked(
        N, sum(path.stat().st_size for path in files(store.directory)), ()
    )
    changed, lost, cut = files(store.directory)[:3]
    damage(changed)
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:-10])
    found = check(store.directory).damage
    assert len(found) == 3
    for path, text in ((changed, "has SHA-256"), (lost, "is missing"), (cut, "has SHA-256")):
        assert any(str(path) in error.message and text in error.message for error in found)


def test_a_source_that_is_removed_while_its_file_is_checked_is_no_damage(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = snapshot._digest

    def digest(path: Path) -> str:
        found = real(path)
        if store.catalog.stats().n_sources == N:
            for episode in store.catalog.list_episodes(0).items:
                store.remove_episode(episode.episode_id)
        return found

    monkeypatch.setattr(snapshot, "_digest", digest)
    checked = check(store.directory)
    assert checked.n_sources == N and not checked.damage
    assert not files(store.directory)


@pytest.mark.parametrize("ruin", [damage, Path.unlink])
def test_what_is_damaged_is_not_copied(store: Store, tmp_path: Path, ruin: Any) -> None:
    broken = files(store.directory)[3]
    ruin(broken)
    with pytest.raises(CorruptData, match=broken.name):
        copy(store.directory, tmp_path / "copy")
    assert not (tmp_path / "copy" / "catalog.sqlite").exists()


def test_damage_in_a_copy_is_mended_by_the_next(store: Store, tmp_path: Path) -> None:
    copy(store.directory, tmp_path / "copy")
    damage(files(tmp_path / "copy")[0])
    assert len(check(tmp_path / "copy").damage) == 1
    assert copy(store.directory, tmp_path / "copy").n_copied == 1
    assert not check(tmp_path / "copy").damage


def test_a_damaged_catalog_is_told(store: Store, tmp_path: Path) -> None:
    copy(store.directory, tmp_path / "copy")
    path = tmp_path / "copy" / "catalog.sqlite"
    data = bytearray(path.read_bytes())
    data[100:4000] = os.urandom(3900)
    path.write_bytes(data)
    with pytest.raises(CorruptData, match=r"catalog\.sqlite"):
        check(tmp_path / "copy")


def test_a_restored_directory_holds_what_the_backup_held(store: Store, tmp_path: Path) -> None:
    copy(store.directory, tmp_path / "backup")
    store.remove_episode(1)
    restored = restore(tmp_path / "backup", tmp_path / "fresh")
    assert restored.n_sources == N
    with closing(Store(tmp_path / "fresh")) as again:
        for stored, signature in again.load_all():
            seed = int(stored.source.file_name.removesuffix(".mkv"))
            assert equal(signature, make_signature(seed))


def test_a_directory_with_something_in_it_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    copy(store.directory, tmp_path / "backup")
    with pytest.raises(FailedPrecondition, match="is not empty"):
        restore(tmp_path / "backup", store.directory)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "diary.txt").write_text("dear")
    with pytest.raises(FailedPrecondition, match=r"diary\.txt"):
        copy(store.directory, foreign)
    with pytest.raises(FailedPrecondition, match="that is to be copied"):
        copy(store.directory, store.directory)
    with pytest.raises(FailedPrecondition, match="is no data directory"):
        copy(tmp_path / "nowhere", tmp_path / "copy")


def test_a_target_in_use_is_refused(store: Store, tmp_path: Path) -> None:
    copy(store.directory, tmp_path / "backup")
    with (
        closing(Store(tmp_path / "backup")),
        pytest.raises(FailedPrecondition, match="in use by another server"),
    ):
        copy(store.directory, tmp_path / "backup")


def test_sources_that_vanish_for_ever_end_the_copy(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = snapshot._copy_catalog

    def copied_late(path: Path, fresh: Path) -> Any:
        found = real(path, fresh)
        store.remove_episode(store.catalog.list_episodes(0).items[0].episode_id)
        add(store, random.randrange(10**9))
        return found

    monkeypatch.setattr(snapshot, "_copy_catalog", copied_late)
    with pytest.raises(NotReady, match="removed faster"):
        copy(store.directory, tmp_path / "copy")
