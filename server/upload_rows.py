"""The rows of uploads: what has arrived for good, whatever dies next."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class UploadRow(NamedTuple):
    """An upload as the catalog knows it."""

    upload_id: str
    file_name: str
    total_bytes: int  # 0 when the caller did not say
    size_bytes: int  # that are on the disk
    sha256: str | None  # once complete
    touched_ms: int


def put(db: sqlite3.Connection, row: UploadRow) -> None:
    """Insert or change an upload."""
    db.execute(
        "INSERT INTO upload (upload_id, file_name, total_bytes, size_bytes, sha256, touched_ms) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (upload_id) DO UPDATE SET "
        "total_bytes = excluded.total_bytes, size_bytes = excluded.size_bytes, "
        "sha256 = excluded.sha256, touched_ms = excluded.touched_ms",
        row,
    )


def delete(db: sqlite3.Connection, upload_id: str) -> bool:
    """Delete an upload unless an operation still needs it; tell whether nothing needs it."""
    needed = is_needed(db, upload_id)
    if not needed:
        db.execute("DELETE FROM upload WHERE upload_id = ?", (upload_id,))
    return not needed


def is_needed(db: sqlite3.Connection, upload_id: str) -> bool:
    """Tell whether an unfinished operation reads the upload."""
    query = "SELECT 1 FROM operation WHERE upload_id = ? AND outcome IS NULL LIMIT 1"
    return db.execute(query, (upload_id,)).fetchone() is not None


def exists(db: sqlite3.Connection, upload_id: str) -> bool:
    """Tell whether there is an upload of that id."""
    query = "SELECT 1 FROM upload WHERE upload_id = ?"
    return db.execute(query, (upload_id,)).fetchone() is not None


def everything(db: sqlite3.Connection) -> list[UploadRow]:
    """Return all uploads."""
    query = "SELECT upload_id, file_name, total_bytes, size_bytes, sha256, touched_ms FROM upload"
    return [UploadRow(*row) for row in db.execute(query)]
