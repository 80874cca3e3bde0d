"""Titles, episodes, sources and their references: what the catalog holds, in SQLite.

Methods block on the disk; any thread may call them. Writers take turns, and a reader sees one
state of the catalog per call. What a method has answered is on the disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mitate.kernels.errors import FailedPrecondition
from mitate.server import rows
from mitate.server.database import Database
from mitate.server.pages import Page, check_page_size, last_id_of, token_after
from mitate.server.placement import (
    Placement,
    check_id,
    check_name,
    check_refs,
    check_sha256,
    file_label,
)
from mitate.server.records import (
    CatalogStats,
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

Also = Callable[[sqlite3.Connection, CommitResult], None]


class Catalog:
    """The truth about what is stored; descriptors are in the signature files it names."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self._database = Database(path, create=create)

    @property
    def database(self) -> Database:
        """The database, which also holds what is under way: uploads and operations."""
        return self._database

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def check(self) -> None:
        """Read the whole database; raises CorruptData where it contradicts itself."""
        self._database.check()

    def create_title(self, name: str, refs: Mapping[str, str] | None = None) -> Title:
        """Create a title; several may have the same name."""
        name, refs = check_name("title", name), check_refs(refs or {})
        with self._database.writing() as db:
            title_id = rows.insert_title(db, name, implicit=False)
            rows.set_refs(db, "title", title_id, refs)
            return rows.title(db, title_id)

    def get_title(self, title_id: int) -> Title:
        """Return a title; raises NotFound."""
        with self._database.reading() as db:
            return rows.title(db, check_id("title_id", title_id))

    def list_titles(self, page_size: int = 0, page_token: str = "") -> Page[Title]:
        """Return titles by id, 100 to the page or `page_size`, at most 1000."""
        limit, after = check_page_size(page_size), last_id_of("titles", page_token)
        with self._database.reading() as db:
            found = rows.titles(db, after, limit + 1)
            (total,) = db.execute("SELECT count(*) FROM title").fetchone()
        token = token_after("titles", found[limit - 1].title_id) if len(found) > limit else ""
        return Page(tuple(found[:limit]), token, total)

    def update_title(
        self, title_id: int, name: str | None = None, refs: Mapping[str, str] | None = None
    ) -> Title:
        """Change what is given; `refs` take the place of all references of the title."""
        check_id("title_id", title_id)
        name = None if name is None else check_name("title", name)
        refs = None if refs is None else check_refs(refs)
        with self._database.writing() as db:
            rows.title(db, title_id)
            db.execute(
                "UPDATE title SET name = coalesce(?, name), implicit = 0 WHERE title_id = ?",
                (name, title_id),
            )
            if refs is not None:
                rows.set_refs(db, "title", title_id, refs)
            return rows.title(db, title_id)

    def delete_title(self, title_id: int, *, force: bool = False) -> Removal:
        """Delete a title, with `force` its episodes too; raises FailedPrecondition otherwise."""
        with self._database.writing() as db:
            found = rows.title(db, check_id("title_id", title_id))
            if found.n_episodes and not force:
                raise FailedPrecondition(
                    f"title {title_id} has {found.n_episodes} episodes; delete them first, "
                    f"or delete it with force"
                )
            return rows.delete_title(db, title_id)

    def create_episode(
        self, title_id: int, label: str, refs: Mapping[str, str] | None = None
    ) -> Episode:
        """Create an episode without sources; several of a title may have the same label."""
        label, refs = check_name("episode", label), check_refs(refs or {})
        with self._database.writing() as db:
            rows.title(db, check_id("title_id", title_id))
            episode_id = rows.insert_episode(db, title_id, label)
            rows.set_refs(db, "episode", episode_id, refs)
            return rows.episode(db, episode_id)

    def get_episode(self, episode_id: int) -> Episode:
        """Return an episode with its sources; raises NotFound."""
        with self._database.reading() as db:
            return rows.episode(db, check_id("episode_id", episode_id))

    def list_episodes(
        self, title_id: int = 0, page_size: int = 0, page_token: str = ""
    ) -> Page[Episode]:
        """Return episodes by id, of one title or, with 0, of all."""
        scope = f"episodes/{title_id}"
        limit, after = check_page_size(page_size), last_id_of(scope, page_token)
        with self._database.reading() as db:
            if title_id:
                rows.title(db, check_id("title_id", title_id))
            found = rows.episodes(db, title_id, after, limit + 1)
            (total,) = db.execute(
                "SELECT count(*) FROM episode WHERE ?1 IN (0, title_id)", (title_id,)
            ).fetchone()
        token = token_after(scope, found[limit - 1].episode_id) if len(found) > limit else ""
        return Page(tuple(found[:limit]), token, total)

    def update_episode(
        self, episode_id: int, label: str | None = None, refs: Mapping[str, str] | None = None
    ) -> Episode:
        """Change what is given; `refs` take the place of all references of the episode."""
        check_id("episode_id", episode_id)
        label = None if label is None else check_name("episode", label)
        refs = None if refs is None else check_refs(refs)
        with self._database.writing() as db:
            rows.episode(db, episode_id)
            db.execute(
                "UPDATE episode SET label = coalesce(?, label) WHERE episode_id = ?",
                (label, episode_id),
            )
            if refs is not None:
                rows.set_refs(db, "episode", episode_id, refs)
            return rows.episode(db, episode_id)

    def delete_episode(self, episode_id: int) -> Removal:
        """Delete an episode and its sources, and its title when only adding files made it."""
        with self._database.writing() as db:
            rows.episode(db, check_id("episode_id", episode_id))
            return rows.delete_episode(db, episode_id)

    def find_commit(self, sha256: str, placement: Placement) -> CommitResult | None:
        """Return what adding this content there would answer if it needs no signature.

        Raises:
            InvalidArgument: the placement contradicts itself.
            NotFound: it names an episode that is not there.
        """
        sha256, placement = check_sha256(sha256), placement.checked()
        with self._database.reading() as db:
            return _existing(db, sha256, placement)

    def add_source(
        self,
        draft: Source,
        file: SignatureFile,
        placement: Placement,
        also: Also | None = None,
    ) -> CommitResult:
        """Add a source and its signature file, or find that its content is there already.

        Titles, episodes, references and the removal of what is replaced are part of the same
        transaction. `exists` changes nothing, whatever the placement says. Replacing the only
        source of an episode by its own content is `exists`, too.

        Args:
            draft: the source with ids 0 and created_ms 0; they are given here.
            file: its signature file, which is on the disk already.
            placement: where it goes.
            also: is part of the transaction, and told what it does.

        Raises:
            InvalidArgument: the placement contradicts itself.
            NotFound: it names an episode that is not there.
        """
        check_sha256(draft.sha256)
        placement = placement.checked()
        with self._database.writing() as db:
            result = _existing(db, draft.sha256, placement) or _added(db, draft, file, placement)
            if also is not None:
                also(db, result)
            return result

    def names(self, source_ids: Iterable[int]) -> dict[int, Names]:
        """Return what to call each source; ids that are not there are left out."""
        with self._database.reading() as db:
            return rows.names(db, source_ids)

    def stored(self) -> list[StoredSource]:
        """Return every source with its title and signature file, by source id."""
        with self._database.reading() as db:
            return rows.stored(db)

    def file_of(self, source_id: int) -> SignatureFile:
        """Return the signature file of a source; raises NotFound."""
        with self._database.reading() as db:
            return rows.file_of(db, check_id("source_id", source_id))

    def stats(self) -> CatalogStats:
        """Return how much is stored."""
        with self._database.reading() as db:
            return CatalogStats(
                *db.execute(
                    "SELECT (SELECT count(*) FROM title), (SELECT count(*) FROM episode), "
                    "count(*), coalesce(sum(n_frames), 0), coalesce(sum(n_kept), 0), "
                    "coalesce(sum(duration_ms), 0), "
                    "(SELECT coalesce(sum(n_bytes), 0) FROM signature_file) FROM source"
                ).fetchone()
            )


def _added(
    db: sqlite3.Connection, draft: Source, file: SignatureFile, placement: Placement
) -> CommitResult:
    episode_id = _episode_for(db, draft.file_name, placement)
    removal = Removal()
    if placement.replace_episode_id is not None:
        removal = rows.delete_sources(db, episode_id)
    source_id = rows.insert_source(db, draft, episode_id, file)
    status: CommitStatus = "added" if placement.replace_episode_id is None else "replaced"
    return rows.commit_result(db, status, source_id, removal)


def _existing(db: sqlite3.Connection, sha256: str, placement: Placement) -> CommitResult | None:
    target = placement.episode_id or placement.replace_episode_id
    episode = None if target is None else rows.episode(db, target)
    found = rows.source_by_sha256(db, sha256)
    if found is None:
        return None
    replaced = placement.replace_episode_id == found.episode_id
    if replaced and episode is not None and len(episode.sources) > 1:
        return None
    return rows.commit_result(db, "exists", found.source_id, Removal())


def _episode_for(db: sqlite3.Connection, file_name: str, placement: Placement) -> int:
    """Return the episode that the file goes to, created where needed, with its references set."""
    episode_id = placement.episode_id or placement.replace_episode_id
    if episode_id is None:
        episode_id = _episode_by_name(db, file_name, placement)
    if placement.refs:
        refs = {**rows.episode(db, episode_id).refs, **placement.refs}
        rows.set_refs(db, "episode", episode_id, check_refs(refs))
    return episode_id


def _episode_by_name(db: sqlite3.Connection, file_name: str, placement: Placement) -> int:
    _, stem = file_label(file_name)
    title_id = None if placement.title is None else rows.title_named(db, placement.title)
    if title_id is None:
        title_id = rows.insert_title(db, placement.title or stem, implicit=True)
    episode_id = None
    if placement.episode is not None:
        episode_id = rows.episode_labelled(db, title_id, placement.episode)
    if episode_id is None:
        episode_id = rows.insert_episode(db, title_id, placement.episode or stem)
    return episode_id
