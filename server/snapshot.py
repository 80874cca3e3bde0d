"""Reading a data directory beside the server that uses it: checking it, and copying it whole.

Nothing here takes the server's lock or writes into its directory. The catalog is read in one
state, SQLite's write-ahead log sees to that; signature files never change, and the only thing that
can happen to one meanwhile is that its source is removed.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mitate.kernels import signature_file
from mitate.kernels.errors import (
    CorruptData,
    FailedPrecondition,
    InvalidSignature,
    NotFound,
    NotReady,
)
from mitate.server import rows
from mitate.server.database import APPLICATION_ID, SCHEMA_VERSION
from mitate.server.directory import (
    CATALOG_NAME,
    LOCK_NAME,
    DirectoryLock,
    check_ours,
    make_folder,
    space_errors,
    sync_folder,
)
from mitate.server.records import SignatureFile

TRIES = 20  # snapshots of a catalog whose sources are removed while their files are copied
CHUNK_BYTES = 1 << 20
SIGNATURES = "signatures"
_UNDER_WAY = ("DELETE FROM upload", "DELETE FROM operation WHERE outcome IS NULL")


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds."""

    n_sources: int
    n_bytes: int  # of all signature files
    n_copied: int  # files that were not there from a copy before


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has found."""

    n_sources: int
    n_bytes: int
    damage: tuple[CorruptData, ...]


def check(data: Path) -> Checked:
    """Compare everything in a data directory with its checksums.

    Raises:
        CorruptData, FailedPrecondition: there is no catalog that can be read.
    """
    damage: list[CorruptData] = []
    with _catalog(data / CATALOG_NAME) as db:
        try:
            _check_catalog(db, data / CATALOG_NAME)
        except CorruptData as error:
            damage.append(error)
        files = [stored.file for stored in rows.stored(db)]
    n_bytes = 0
    for file in files:
        try:
            _check_file(data / SIGNATURES / file.name, file)
            n_bytes += file.n_bytes
        except CorruptData as error:
            if _is_named(data, file.name):
                damage.append(error)
    return Checked(len(files), n_bytes, tuple(damage))


def copy(data: Path, target: Path) -> Copied:
    """Copy a data directory, in use or not, into another one; every checksum is compared.

    A copy that is there already is brought up to date, and stays whole if this breaks off. Uploads
    and long work that is not finished are left out.

    Raises:
        CorruptData: something is damaged; the text names it.
        FailedPrecondition: the target holds other things or is in use.
        Overloaded: no space is left.
        NotReady: sources are removed faster than they can be copied.
    """
    if not (data / CATALOG_NAME).is_file():
        raise FailedPrecondition(f"{data} is no data directory of mitate: no {CATALOG_NAME} in it")
    make_folder(target)
    if target.samefile(data):
        raise FailedPrecondition(f"{target} is the directory that is to be copied")
    check_ours(target)
    lock = DirectoryLock(target / LOCK_NAME)
    try:
        make_folder(target / SIGNATURES)
        with space_errors(target):
            return _copy(data, target)
    finally:
        lock.release()


def restore(backup: Path, data: Path) -> Copied:
    """Make a data directory from a copy; raises FailedPrecondition where there is one already."""
    if data.exists() and any(data.iterdir()):
        raise FailedPrecondition(f"{data} is not empty; a backup is restored into a new directory")
    return copy(backup, data)


def _copy(data: Path, target: Path) -> Copied:
    fresh = target / f"{CATALOG_NAME}.new"
    n_copied = 0
    for _ in range(TRIES):
        files = _copy_catalog(data / CATALOG_NAME, fresh)
        try:
            for file in files:
                n_copied += _copy_file(data / SIGNATURES / file.name, target / SIGNATURES, file)
        except NotFound as error:
            if _is_named(data, file.name):
                raise CorruptData(error.message) from error
            continue  # its source was removed, so there is a newer catalog
        sync_folder(target / SIGNATURES)
        _put_in_place(fresh, target)
        named = {file.name for file in files}
        for entry in os.scandir(target / SIGNATURES):
            if entry.name not in named:
                os.unlink(entry.path)
        return Copied(len(files), sum(file.n_bytes for file in files), n_copied)
    raise NotReady(
        f"sources of {data} are removed faster than they can be copied: {TRIES} tries; try later"
    )


def _copy_catalog(path: Path, fresh: Path) -> list[SignatureFile]:
    """Write one state of a catalog into a file; returns the signature files that it names."""
    fresh.unlink(missing_ok=True)
    with _catalog(path) as db, closing(sqlite3.connect(fresh, isolation_level=None)) as made:
        db.backup(made)
        made.row_factory = sqlite3.Row
        made.execute("PRAGMA journal_mode = DELETE")
        made.execute("PRAGMA synchronous = FULL")
        made.execute("PRAGMA foreign_keys = ON")
        if made.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
            for statement in _UNDER_WAY:
                made.execute(statement)
        _check_catalog(made, path)
        return [stored.file for stored in rows.stored(made)]


def _put_in_place(fresh: Path, target: Path) -> None:
    with open(fresh, "rb+") as file:
        os.fsync(file.fileno())
    for leftover in ("-wal", "-shm"):
        (target / (CATALOG_NAME + leftover)).unlink(missing_ok=True)
    os.rename(fresh, target / CATALOG_NAME)
    sync_folder(target)


def _copy_file(source: Path, folder: Path, file: SignatureFile) -> bool:
    """Copy a signature file unless it is there; raises NotFound when the source has gone."""
    path = folder / file.name
    if path.is_file() and path.stat().st_size == file.n_bytes and _digest(path) == file.sha256:
        return False
    temporary = folder / (file.name + ".new")
    sha256 = hashlib.sha256()
    try:
        with open(source, "rb") as read, open(temporary, "wb") as write:
            while chunk := read.read(CHUNK_BYTES):
                sha256.update(chunk)
                write.write(chunk)
            write.flush()
            os.fsync(write.fileno())
    except FileNotFoundError as error:
        raise NotFound(f"signature file {source} is missing") from error
    if sha256.hexdigest() != file.sha256:
        temporary.unlink()
        raise _differs(source, sha256.hexdigest(), file.sha256)
    os.rename(temporary, path)
    return True


def _check_file(path: Path, file: SignatureFile) -> None:
    try:
        found = _digest(path)
        if found != file.sha256:
            raise _differs(path, found, file.sha256)
        _check_columns(path)
    except (FileNotFoundError, NotFound) as error:
        raise CorruptData(f"signature file {path} is missing") from error
    except OSError as error:
        raise CorruptData(f"signature file {path} cannot be read: {error.strerror}") from error


def _check_columns(path: Path) -> None:
    try:
        signature_file.read(path, verify=True)
    except (CorruptData, InvalidSignature) as error:
        raise CorruptData(f"signature file {path} is damaged: {error.message}") from error


def _check_catalog(db: sqlite3.Connection, path: Path) -> None:
    (first,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if first != "ok":
        raise CorruptData(f"catalog {path}: {first}")
    orphan = db.execute("PRAGMA foreign_key_check").fetchone()
    if orphan is not None:
        raise CorruptData(f"catalog {path}: a row of {orphan[0]} names none of {orphan[2]}")


def _is_named(data: Path, name: str) -> bool:
    with _catalog(data / CATALOG_NAME) as db:
        query = "SELECT 1 FROM signature_file WHERE name = ?"
        return db.execute(query, (name,)).fetchone() is not None


@contextmanager
def _catalog(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a catalog that another process may be writing, to read it in one state."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        ) as db:
            db.row_factory = sqlite3.Row
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise CorruptData(f"{path} is no catalog of mitate")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise FailedPrecondition(
                    f"catalog {path} has schema version {version}; this release reads up to "
                    f"{SCHEMA_VERSION}"
                )
            yield db
    except sqlite3.Error as error:
        raise CorruptData(f"catalog {path} cannot be read: {error}") from error


def _differs(path: Path, found: str, wanted: str) -> CorruptData:
    return CorruptData(f"signature file {path} has SHA-256 {found}; the catalog says {wanted}")


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
