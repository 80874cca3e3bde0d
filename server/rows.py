"""Statements on the catalog's tables; every function runs within the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Literal

from mitate.kernels.errors import NotFound
from mitate.server.records import (
    CommitResult,
    CommitStatus,
    Episode,
    Names,
    Removal,
    SignatureFile,
    Source,
    StoredSource,
    Title,
)

_SOURCE_COLUMNS = tuple(field.name for field in fields(Source))
_REFS = "(SELECT json_group_object(provider, id) FROM {0}_ref r WHERE r.{0}_id = t.{0}_id) AS refs"
_TITLE = (
    f"SELECT title_id, name, {_REFS.format('title')}, created_ms, "
    "(SELECT count(*) FROM episode e WHERE e.title_id = t.title_id) AS n_episodes FROM title t "
)
_EPISODE = (
    f"SELECT episode_id, title_id, label, {_REFS.format('episode')}, created_ms, "
    "(SELECT name FROM title WHERE title.title_id = t.title_id) AS title FROM episode t "
)
_SOURCE = f"SELECT {', '.join(_SOURCE_COLUMNS)} FROM source "


def title(db: sqlite3.Connection, title_id: int) -> Title:
    """Return a title; raises NotFound."""
    found = _titles(db, "WHERE title_id = ?", (title_id,))
    if not found:
        raise NotFound(f"there is no title {title_id}")
    return found[0]


def titles(db: sqlite3.Connection, after: int, limit: int) -> list[Title]:
    """Return titles by id, those after `after`."""
    return _titles(db, "WHERE title_id > ? ORDER BY title_id LIMIT ?", (after, limit))


def title_named(db: sqlite3.Connection, name: str) -> int | None:
    """Return the oldest title of that name."""
    (found,) = db.execute("SELECT min(title_id) FROM title WHERE name = ?", (name,)).fetchone()
    return None if found is None else int(found)


def insert_title(db: sqlite3.Connection, name: str, *, implicit: bool) -> int:
    """Insert a title; an implicit one goes with its last episode."""
    return _insert(db, "title", {"name": name, "implicit": int(implicit), "created_ms": _now_ms()})


def delete_title(db: sqlite3.Connection, title_id: int) -> Removal:
    """Delete a title with all it has."""
    source_ids: list[int] = []
    file_names: list[str] = []
    for (episode_id,) in db.execute(
        "SELECT episode_id FROM episode WHERE title_id = ? ORDER BY episode_id", (title_id,)
    ).fetchall():
        removal = delete_sources(db, episode_id)
        source_ids += removal.source_ids
        file_names += removal.file_names
    db.execute("DELETE FROM episode WHERE title_id = ?", (title_id,))
    db.execute("DELETE FROM title WHERE title_id = ?", (title_id,))
    return Removal(tuple(source_ids), tuple(file_names))


def episode(db: sqlite3.Connection, episode_id: int) -> Episode:
    """Return an episode with its sources; raises NotFound."""
    found = _episodes(db, "WHERE episode_id = ?", (episode_id,))
    if not found:
        raise NotFound(f"there is no episode {episode_id}")
    return found[0]


def episodes(db: sqlite3.Connection, title_id: int, after: int, limit: int) -> list[Episode]:
    """Return episodes by id, those after `after`, of one title or, with 0, of all."""
    if title_id:
        where = "WHERE title_id = ? AND episode_id > ? ORDER BY episode_id LIMIT ?"
        return _episodes(db, where, (title_id, after, limit))
    return _episodes(db, "WHERE episode_id > ? ORDER BY episode_id LIMIT ?", (after, limit))


def episode_labelled(db: sqlite3.Connection, title_id: int, label: str) -> int | None:
    """Return the oldest episode of a title with that label."""
    (found,) = db.execute(
        "SELECT min(episode_id) FROM episode WHERE title_id = ? AND label = ?", (title_id, label)
    ).fetchone()
    return None if found is None else int(found)


def insert_episode(db: sqlite3.Connection, title_id: int, label: str) -> int:
    """Insert an episode of an existing title."""
    return _insert(db, "episode", {"title_id": title_id, "label": label, "created_ms": _now_ms()})


def delete_episode(db: sqlite3.Connection, episode_id: int) -> Removal:
    """Delete an existing episode with its sources, and its title if implicit and now empty."""
    (title_id,) = db.execute(
        "SELECT title_id FROM episode WHERE episode_id = ?", (episode_id,)
    ).fetchone()
    removal = delete_sources(db, episode_id)
    db.execute("DELETE FROM episode WHERE episode_id = ?", (episode_id,))
    db.execute(
        "DELETE FROM title WHERE title_id = ?1 AND implicit = 1 "
        "AND NOT EXISTS (SELECT 1 FROM episode WHERE title_id = ?1)",
        (title_id,),
    )
    return removal


def set_refs(
    db: sqlite3.Connection,
    table: Literal["title", "episode"],
    row_id: int,
    refs: Mapping[str, str],
) -> None:
    """Give a title or an episode these references and no others."""
    db.execute(f"DELETE FROM {table}_ref WHERE {table}_id = ?", (row_id,))
    db.executemany(
        f"INSERT INTO {table}_ref VALUES (?, ?, ?)",
        [(row_id, provider, number) for provider, number in refs.items()],
    )


def source(db: sqlite3.Connection, source_id: int) -> Source:
    """Return a source; raises NotFound."""
    row = db.execute(_SOURCE + "WHERE source_id = ?", (source_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no source {source_id}")
    return _source_of(row)


def source_by_sha256(db: sqlite3.Connection, sha256: str) -> Source | None:
    """Return the source whose file has this content."""
    row = db.execute(_SOURCE + "WHERE sha256 = ?", (sha256,)).fetchone()
    return None if row is None else _source_of(row)


def insert_source(
    db: sqlite3.Connection, draft: Source, episode_id: int, file: SignatureFile
) -> int:
    """Insert a source of an existing episode, and its signature file."""
    placed = replace(draft, episode_id=episode_id, created_ms=_now_ms())
    values = {name: getattr(placed, name) for name in _SOURCE_COLUMNS if name != "source_id"}
    source_id = _insert(db, "source", values | {"partial": int(draft.partial)})
    db.execute(
        "INSERT INTO signature_file (name, source_id, n_bytes, sha256) VALUES (?, ?, ?, ?)",
        (file.name, source_id, file.n_bytes, file.sha256),
    )
    return source_id


def delete_sources(db: sqlite3.Connection, episode_id: int) -> Removal:
    """Delete all sources of an episode."""
    found = db.execute(
        "SELECT source_id, name FROM source JOIN signature_file USING (source_id) "
        "WHERE episode_id = ? ORDER BY source_id",
        (episode_id,),
    ).fetchall()
    db.execute("DELETE FROM source WHERE episode_id = ?", (episode_id,))
    return Removal(tuple(row[0] for row in found), tuple(row[1] for row in found))


def commit_result(
    db: sqlite3.Connection, status: CommitStatus, source_id: int, removal: Removal
) -> CommitResult:
    """Return the answer about a source that is there."""
    stored_source = source(db, source_id)
    stored_episode = episode(db, stored_source.episode_id)
    stored_title = title(db, stored_episode.title_id)
    return CommitResult(status, stored_title, stored_episode, stored_source, removal)


def names(db: sqlite3.Connection, source_ids: Iterable[int]) -> dict[int, Names]:
    """Return what to call each source; an episode's references win over its title's."""
    found = db.execute(
        f"SELECT source_id, t.title_id, title.name, t.episode_id, label, "
        f"{_REFS.format('episode')}, "
        f"(SELECT json_group_object(provider, id) FROM title_ref r "
        f"WHERE r.title_id = t.title_id) AS title_refs "
        f"FROM source JOIN episode t USING (episode_id) JOIN title USING (title_id) "
        f"WHERE source_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(source_ids)),),
    )
    return {
        row["source_id"]: Names(
            title=row["name"],
            title_id=row["title_id"],
            episode=row["label"],
            episode_id=row["episode_id"],
            source_id=row["source_id"],
            refs=_refs_of(row["title_refs"]) | _refs_of(row["refs"]),
        )
        for row in found
    }


def stored(db: sqlite3.Connection) -> list[StoredSource]:
    """Return every source with its title and signature file, by source id."""
    found = db.execute(
        f"SELECT {', '.join('s.' + name for name in _SOURCE_COLUMNS)}, title_id, name, n_bytes, "
        "f.sha256 AS file_sha256 FROM source s JOIN episode USING (episode_id) "
        "JOIN signature_file f USING (source_id) ORDER BY source_id"
    )
    return [
        StoredSource(
            _source_of(row),
            row["title_id"],
            SignatureFile(row["name"], row["n_bytes"], row["file_sha256"]),
        )
        for row in found
    ]


def file_of(db: sqlite3.Connection, source_id: int) -> SignatureFile:
    """Return the signature file of a source; raises NotFound."""
    row = db.execute(
        "SELECT name, n_bytes, sha256 FROM signature_file WHERE source_id = ?", (source_id,)
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no source {source_id}")
    return SignatureFile(*row)


def _titles(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> list[Title]:
    return [
        Title(**{**row, "refs": _refs_of(row["refs"])})
        for row in db.execute(_TITLE + where, values)
    ]


def _episodes(db: sqlite3.Connection, where: str, values: tuple[int, ...]) -> list[Episode]:
    found = db.execute(_EPISODE + where, values).fetchall()
    sources: dict[int, list[Source]] = {row["episode_id"]: [] for row in found}
    for row in db.execute(
        _SOURCE + "WHERE episode_id IN (SELECT value FROM json_each(?)) ORDER BY source_id",
        (json.dumps(list(sources)),),
    ):
        sources[row["episode_id"]].append(_source_of(row))
    return [
        Episode(
            **{**row, "refs": _refs_of(row["refs"]), "sources": tuple(sources[row["episode_id"]])}
        )
        for row in found
    ]


def _source_of(row: sqlite3.Row) -> Source:
    values = {name: row[name] for name in _SOURCE_COLUMNS}
    return Source(**values | {"partial": bool(row["partial"])})


def _refs_of(text: str) -> dict[str, str]:
    return dict(sorted(json.loads(text).items()))


def _insert(db: sqlite3.Connection, table: str, values: Mapping[str, object]) -> int:
    marks = ", ".join("?" * len(values))
    cursor = db.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
    )
    if cursor.lastrowid is None:
        raise RuntimeError(f"no id for a new row of {table}")
    return cursor.lastrowid


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
