"""The rows of operations: what was asked for and, once it is over, what came of it."""

from __future__ import annotations

import sqlite3
import time
from typing import NamedTuple


class OperationRow(NamedTuple):
    """An operation as the catalog knows it."""

    number: int  # grows in the order of starting
    name: str
    kind: str
    caller: str
    request: bytes
    upload_id: str | None
    cancelled: bool
    n_starts: int
    outcome: bytes | None  # a google.longrunning.Operation, once it is over


_SELECT = (
    "SELECT number, name, kind, caller, request, upload_id, cancelled, n_starts, outcome "
    "FROM operation "
)


def insert(
    db: sqlite3.Connection,
    name: str,
    kind: str,
    request_id: str,
    caller: str,
    request: bytes,
    upload_id: str,
) -> OperationRow:
    """Insert an operation that is to be run."""
    db.execute(
        "INSERT INTO operation (name, kind, request_id, caller, request, upload_id, created_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (name, kind, request_id or None, caller, request, upload_id or None, _now_ms()),
    )
    row = by_name(db, name)
    if row is None:
        raise LookupError(name)
    return row


def by_name(db: sqlite3.Connection, name: str) -> OperationRow | None:
    """Return the operation of that name."""
    return _one(db.execute(_SELECT + "WHERE name = ?", (name,)))


def by_request(db: sqlite3.Connection, kind: str, request_id: str) -> OperationRow | None:
    """Return what a request id of that kind has started."""
    query = _SELECT + "WHERE kind = ? AND request_id = ?"
    return _one(db.execute(query, (kind, request_id)))


def unfinished(db: sqlite3.Connection) -> list[OperationRow]:
    """Return all operations that are to be run, oldest first."""
    return [_row(row) for row in db.execute(_SELECT + "WHERE outcome IS NULL ORDER BY number")]


def page(db: sqlite3.Connection, after: int, limit: int, done: bool | None) -> list[OperationRow]:
    """Return operations after a number, oldest first; all, or those that are done or are not."""
    condition = {None: "", True: "AND outcome IS NOT NULL ", False: "AND outcome IS NULL "}[done]
    query = f"{_SELECT}WHERE number > ? {condition}ORDER BY number LIMIT ?"
    return [_row(row) for row in db.execute(query, (after, limit))]


def set_cancelled(db: sqlite3.Connection, name: str) -> None:
    """Note that the operation is not to go on, whatever dies before it ends."""
    db.execute("UPDATE operation SET cancelled = 1 WHERE name = ?", (name,))


def add_starts(db: sqlite3.Connection, name: str, n_more: int) -> None:
    """Count how often the operation was started."""
    db.execute("UPDATE operation SET n_starts = n_starts + ? WHERE name = ?", (n_more, name))


def finish(db: sqlite3.Connection, name: str, upload_id: str, outcome: bytes) -> None:
    """Set what came of an operation, and delete its upload unless another needs it."""
    db.execute(
        "UPDATE operation SET outcome = ?, finished_ms = ? WHERE name = ?",
        (outcome, _now_ms(), name),
    )
    db.execute(
        "DELETE FROM upload WHERE upload_id = ?1 AND NOT EXISTS "
        "(SELECT 1 FROM operation WHERE upload_id = ?1 AND outcome IS NULL)",
        (upload_id,),
    )


def delete(db: sqlite3.Connection, name: str) -> None:
    """Forget an operation."""
    db.execute("DELETE FROM operation WHERE name = ?", (name,))


def delete_old(db: sqlite3.Connection, kept_s: float) -> None:
    """Forget the operations that ended longer ago."""
    db.execute("DELETE FROM operation WHERE finished_ms < ?", (_now_ms() - int(kept_s * 1000),))


def _one(cursor: sqlite3.Cursor) -> OperationRow | None:
    row = cursor.fetchone()
    return None if row is None else _row(row)


def _row(row: sqlite3.Row) -> OperationRow:
    found = OperationRow(*row)
    return found._replace(cancelled=bool(found.cancelled))


def _now_ms() -> int:
    return int(time.time() * 1000)
