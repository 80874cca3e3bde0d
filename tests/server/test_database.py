from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mitate.kernels.errors import CorruptData, FailedPrecondition, Overloaded
from mitate.server.database import SCHEMA_VERSION, Database

TITLE = "INSERT INTO title (name, implicit, created_ms) VALUES ('a', 0, 0)"


def count(database: Database) -> int:
    with database.reading() as db:
        (number,) = db.execute("SELECT count(*) FROM title").fetchone()
    return int(number)


def test_connections_sync_every_commit_and_keep_references(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "c")) as database, database.writing() as db:
        values = [
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        ]
    assert values == ["wal", 2, 1, SCHEMA_VERSION]


def test_exception_undoes_the_transaction(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "c")) as database:
        with pytest.raises(KeyError), database.writing() as db:
            db.execute(TITLE)
            raise KeyError
        assert count(database) == 0
        with database.writing() as db:
            db.execute(TITLE)
        assert count(database) == 1


def test_reader_keeps_its_state_while_others_write(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "c")) as database, database.reading() as old:
        assert old.execute("SELECT count(*) FROM title").fetchone()[0] == 0
        with database.writing() as db:
            db.execute(TITLE)
        assert old.execute("SELECT count(*) FROM title").fetchone()[0] == 0
        assert count(database) == 1


def test_readers_cannot_write(tmp_path: Path) -> None:
    with (
        closing(Database(tmp_path / "c")) as database,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
        database.reading() as db,
    ):
        db.execute(TITLE)


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "c").close()
    with closing(sqlite3.connect(tmp_path / "c")) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(FailedPrecondition, match=f"this release reads up to {SCHEMA_VERSION}"):
        Database(tmp_path / "c")


def test_database_of_another_program_is_refused_and_unchanged(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "c")) as db:
        db.execute("CREATE TABLE title (name)")
    with pytest.raises(CorruptData, match="not a catalog of mitate"):
        Database(tmp_path / "c")
    with closing(sqlite3.connect(tmp_path / "c")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (0,)


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"not a database" * 1000)
    with pytest.raises(CorruptData, match="not a database"):
        Database(tmp_path / "c")


def test_damaged_page_is_found(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with closing(Database(path)) as database, database.writing() as db:
        db.executemany(TITLE.replace("'a'", "?"), [("n" * 500,) for _ in range(100)])
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    data[half : half + 4096] = bytes(4096)
    path.write_bytes(data)
    with closing(Database(path)) as database, pytest.raises(CorruptData, match="catalog"):
        database.check()


def test_full_disk_is_overloaded(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "c")) as database:
        with pytest.raises(Overloaded, match="no space left"), database.writing() as db:
            db.execute("PRAGMA max_page_count = 1")
            db.executemany(TITLE.replace("'a'", "?"), [("n" * 500,) for _ in range(1000)])
        assert count(database) == 0
