"""The SQLite file of the catalog: its schema, one writing connection, readers on demand.

A transaction that has returned is on the disk: the journal is a write-ahead log that is synced at
every commit. Ids come from AUTOINCREMENT, so the id of a removed row is never given out again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mitate.kernels.errors import CorruptData, FailedPrecondition, Overloaded

APPLICATION_ID = 0x6D697461  # "mita"
BUSY_TIMEOUT_S = 10.0

_SCHEMA_1 = """
CREATE TABLE title (
    title_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    implicit INTEGER NOT NULL CHECK (implicit IN (0, 1)),
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX title_by_name ON title (name);

CREATE TABLE title_ref (
    title_id INTEGER NOT NULL REFERENCES title ON DELETE CASCADE,
    provider TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (title_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE episode (
    episode_id INTEGER PRIMARY KEY AUTOINCREMENT,
    title_id INTEGER NOT NULL REFERENCES title,
    label TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX episode_by_title ON episode (title_id, label);

CREATE TABLE episode_ref (
    episode_id INTEGER NOT NULL REFERENCES episode ON DELETE CASCADE,
    provider TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (episode_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
    source_id INTEGER PRIMARY KEY AUTOINCREMENT,
    episode_id INTEGER NOT NULL REFERENCES episode,
    sha256 TEXT NOT NULL UNIQUE,
    file_name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('video', 'image')),
    n_frames INTEGER NOT NULL,
    n_kept INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    descriptor_version TEXT NOT NULL,
    preprocessing_version TEXT NOT NULL,
    partial INTEGER NOT NULL CHECK (partial IN (0, 1)),
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX source_by_episode ON source (episode_id);

CREATE TABLE signature_file (
    name TEXT PRIMARY KEY,
    source_id INTEGER NOT NULL UNIQUE REFERENCES source ON DELETE CASCADE,
    n_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

_SCHEMA_2 = """
CREATE TABLE upload (
    upload_id TEXT PRIMARY KEY,
    file_name TEXT NOT NULL,
    total_bytes INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT,
    touched_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    request_id TEXT,
    caller TEXT NOT NULL,
    request BLOB NOT NULL,
    upload_id TEXT,
    cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
    n_starts INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    finished_ms INTEGER,
    outcome BLOB
) STRICT;
CREATE UNIQUE INDEX operation_by_request ON operation (kind, request_id);
CREATE INDEX operation_unfinished ON operation (upload_id) WHERE outcome IS NULL;
"""

_MIGRATIONS = (_SCHEMA_1, _SCHEMA_2)  # script i leads from version i to version i + 1
SCHEMA_VERSION = len(_MIGRATIONS)

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """One writing connection behind a lock; reading connections are pooled.

    Any thread may call it; a call blocks on the disk and, to write, on other writers. Without
    `create` a missing or empty file is CorruptData.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._write_lock = threading.Lock()
        self._pool_lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        with self._translated():
            self._writer = self._connect()
            try:
                self._migrate(create)
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one state of the catalog while the block lasts."""
        with self._translated():
            connection = self._take()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.rollback()
                self._give(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the writing connection; commits at the end, rolls back on any exception."""
        with self._translated(), self._write_lock:
            if self._closed:
                raise FailedPrecondition(f"the catalog {self.path} is closed")
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                self._writer.rollback()
                raise

    def check(self) -> None:
        """Read the whole database; raises CorruptData where it contradicts itself."""
        with self.reading() as db:
            (first,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            orphan = db.execute("PRAGMA foreign_key_check").fetchone()
        if first != "ok":
            raise CorruptData(f"catalog {self.path}: {first}")
        if orphan is not None:
            raise CorruptData(
                f"catalog {self.path}: a row of {orphan[0]} names none of {orphan[2]}"
            )

    def close(self) -> None:
        """Close all connections; those in use close when they are given back."""
        with self._write_lock, self._pool_lock:
            self._closed = True
            for connection in (*self._idle, self._writer):
                connection.close()
            self._idle.clear()

    def _take(self) -> sqlite3.Connection:
        with self._pool_lock:
            if self._closed:
                raise FailedPrecondition(f"the catalog {self.path} is closed")
            if self._idle:
                return self._idle.pop()
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give(self, connection: sqlite3.Connection) -> None:
        with self._pool_lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _migrate(self, create: bool) -> None:
        """Bring the schema up to date."""
        version = _value(self._writer, "PRAGMA user_version")
        n_objects = _value(self._writer, "SELECT count(*) FROM sqlite_schema")
        if n_objects == 0 and not create:
            raise CorruptData(f"catalog {self.path} is missing or empty")
        owner = _value(self._writer, "PRAGMA application_id")
        if owner != (APPLICATION_ID if n_objects else 0):
            raise CorruptData(f"{self.path} is an SQLite database, but not a catalog of mitate")
        if version > SCHEMA_VERSION:
            raise FailedPrecondition(
                f"catalog {self.path} has schema version {version}; "
                f"this release reads up to {SCHEMA_VERSION}"
            )
        for number in range(version, SCHEMA_VERSION):
            self._writer.executescript(
                f"BEGIN IMMEDIATE; {_MIGRATIONS[number]}"
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number + 1};"
                "COMMIT;"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGED:
                raise CorruptData(f"catalog {self.path}: {error}") from error
            if code == sqlite3.SQLITE_FULL:
                raise Overloaded(f"no space left for the catalog {self.path}") from error
            raise


def _value(connection: sqlite3.Connection, query: str) -> int:
    (value,) = connection.execute(query).fetchone()
    return int(value)
