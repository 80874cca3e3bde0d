"""Files that callers bring: whole, in parts, over restarts."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mitate.kernels.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionRefused,
)
from mitate.server import operation_rows
from mitate.server.database import Database
from mitate.server.media import readable_path
from mitate.server.receiving import receive
from mitate.server.upload import safe_name, sha256_of
from mitate.server.uploads import Uploads

ID = str(uuid.UUID(int=7))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    for name in ("uploads", "tmp"):
        (tmp_path / name).mkdir()
    with closing(Database(tmp_path / "catalog")) as database:
        yield database


def server_of(database: Database, stall_s: float = 60.0) -> Uploads:
    """Uploads as a server has them after its start."""
    folder = database.path.parent
    return Uploads(database, folder / "uploads", folder / "tmp", 1000, stall_s)


@pytest.fixture
def uploads(database: Database) -> Uploads:
    return server_of(database)


async def chunks_of(*chunks: bytes, broken: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if broken:
        raise ConnectionError


def files(tmp_path: Path) -> list[Path]:
    return [*(tmp_path / "uploads").iterdir(), *(tmp_path / "tmp").iterdir()]


def test_a_whole_upload_has_size_and_checksum(uploads: Uploads) -> None:
    upload = uploads.open("a.mp4", 6)
    asyncio.run(receive(uploads, upload, chunks_of(b"abc", b"def")))
    assert uploads.complete(upload.upload_id) is upload
    assert upload.size_bytes == 6
    assert upload.sha256 == hashlib.sha256(b"abcdef").hexdigest() == sha256_of(upload.path)


@pytest.mark.parametrize("chunks", [(b"abc",), (b"abcdef", b"g")])
def test_an_upload_of_another_size_than_announced_leaves_nothing(
    uploads: Uploads, tmp_path: Path, chunks: tuple[bytes, ...]
) -> None:
    for upload in (uploads.open("a.mp4", 6), uploads.spool("a.mp4", 6)):
        with pytest.raises(InvalidArgument, match=r"a\.mp4"):
            asyncio.run(receive(uploads, upload, chunks_of(*chunks)))
    assert not files(tmp_path)


def test_a_complete_upload_outlives_the_server(database: Database) -> None:
    uploads = server_of(database)
    upload = uploads.open("a.mp4", 6)
    asyncio.run(receive(uploads, upload, chunks_of(b"abcdef")))
    found = server_of(database).complete(upload.upload_id)
    assert (found.file_name, found.size_bytes, found.sha256) == ("a.mp4", 6, upload.sha256)
    assert found.path.read_bytes() == b"abcdef"


@pytest.mark.parametrize("restart", [False, True])
def test_a_broken_upload_goes_on_where_it_broke(database: Database, restart: bool) -> None:
    uploads = server_of(database)
    with pytest.raises(ConnectionError):
        asyncio.run(receive(uploads, uploads.open("a", 6, ID), chunks_of(b"abc", broken=True)))
    if restart:
        uploads = server_of(database)
    arrived = uploads.get(ID)
    assert (arrived.size_bytes, arrived.complete) == (3, False)
    with pytest.raises(FailedPrecondition, match=r"3 bytes .* offset is 2"):
        uploads.open("a", 6, ID, 2)
    upload = uploads.open("a", 6, ID, 3)
    asyncio.run(receive(uploads, upload, chunks_of(b"def")))
    assert uploads.complete(ID).sha256 == hashlib.sha256(b"abcdef").hexdigest()
    asyncio.run(receive(uploads, uploads.open("a", 6, ID, 6), chunks_of()))  # nothing is missing
    assert uploads.complete(ID).path.read_bytes() == b"abcdef"


def test_what_was_not_synced_when_the_server_died_is_cut_off(database: Database) -> None:
    uploads = server_of(database)
    upload = uploads.open("a", 6, ID)
    uploads.append(upload, upload.writer, b"abc")
    assert uploads.get(ID).size_bytes == 3  # which puts them on the disk
    uploads.append(upload, upload.writer, b"de")
    found = server_of(database).get(ID)
    assert found.size_bytes == 3
    assert found.path.read_bytes() == b"abc"


def test_a_later_stream_takes_over(uploads: Uploads) -> None:
    first = uploads.open("a", 6, ID)
    old = first.writer
    uploads.append(first, old, b"abc")
    second = uploads.open("a", 6, ID, 3)
    with pytest.raises(FailedPrecondition, match="another call"):
        uploads.append(first, old, b"xyz")
    uploads.broken(first, old)
    uploads.append(second, second.writer, b"def")
    assert second.path.read_bytes() == b"abcdef"


def test_files_that_the_catalog_does_not_name_are_deleted_at_the_start(
    database: Database, tmp_path: Path
) -> None:
    uploads = server_of(database)
    kept, lost = uploads.open("a", 0, ID), uploads.open("b", 0, str(uuid.uuid4()))
    uploads.open("c", 0)  # broken off by the end of the server, and nobody knows its id
    lost.path.unlink()
    (tmp_path / "uploads" / "stray.upload").touch()
    (tmp_path / "uploads" / "folder").mkdir()
    again = server_of(database)
    assert files(tmp_path) == [kept.path]
    with pytest.raises(NotFound):
        again.get(lost.upload_id)


def test_going_on_with_an_unknown_upload_is_refused(uploads: Uploads) -> None:
    with pytest.raises(NotFound):
        uploads.open("a", 6, ID, 3)
    with pytest.raises(InvalidArgument, match=r"'\.\./x'; a UUID"):
        uploads.open("a", 6, "../x")


def test_an_upload_that_is_still_arriving_cannot_be_used(uploads: Uploads) -> None:
    upload = uploads.open("a.mp4", 0)
    with pytest.raises(FailedPrecondition, match="not complete"):
        uploads.complete(upload.upload_id)


def test_an_upload_that_stalls_is_broken_off(database: Database, tmp_path: Path) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(60)

    uploads = server_of(database, stall_s=0.05)
    with pytest.raises(DeadlineExceeded, match="upload_stall_s"):
        asyncio.run(receive(uploads, uploads.open("a.mp4", 6), never()))
    assert not files(tmp_path)


def test_size_limits_name_value_and_limit(uploads: Uploads) -> None:
    with pytest.raises(InvalidArgument, match=r"1001.*1000"):
        uploads.open("a.mp4", 1001)
    upload = uploads.open("a.mp4", 0)
    with pytest.raises(InvalidArgument, match="1048577"):
        uploads.append(upload, upload.writer, bytes((1 << 20) + 1))


def test_a_deleted_upload_is_gone(uploads: Uploads, tmp_path: Path) -> None:
    upload = uploads.open("a.mp4", 0)
    uploads.delete(upload.upload_id)
    uploads.delete(upload.upload_id)
    with pytest.raises(NotFound):
        uploads.get(upload.upload_id)
    assert not files(tmp_path)


def test_an_upload_that_an_operation_reads_cannot_be_deleted(
    uploads: Uploads, database: Database, tmp_path: Path
) -> None:
    upload = uploads.open("a.mp4", 0)
    with database.writing() as db:
        operation_rows.insert(db, "operations/x", "x", "", "", b"", upload.upload_id)
    with pytest.raises(FailedPrecondition, match="operation"):
        uploads.delete(upload.upload_id)
    assert upload.path.exists()
    with database.writing() as db:
        operation_rows.finish(db, "operations/x", upload.upload_id, b"")
    uploads.used(upload.upload_id)
    assert not files(tmp_path)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("/a/b.mp4", "b.mp4"), ("..\\x.mkv", "x.mkv"), ("", "unnamed"), ("a\nb", "a?b")],
)
def test_file_names_are_made_safe(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_paths_outside_the_media_roots_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    inside, outside = root / "a.mp4", tmp_path / "b.mp4"
    inside.touch()
    outside.touch()
    (root / "link.mp4").symlink_to(outside)
    assert readable_path(str(inside), [root]) == inside
    for text in (str(outside), str(root / "../b.mp4"), str(root / "link.mp4"), "a.mp4"):
        with pytest.raises(PermissionRefused, match="media_roots"):
            readable_path(text, [root])
    with pytest.raises(NotFound):
        readable_path(str(root / "c.mp4"), [root])
