"""Files that callers bring."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mitate.kernels.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionRefused,
)
from mitate.server.uploads import Uploads, readable_path, receive, safe_name, sha256_of


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path, max_bytes=1000)


async def chunks_of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def test_a_whole_upload_has_size_and_checksum(uploads: Uploads) -> None:
    upload = uploads.begin("a.mp4", 6)
    asyncio.run(receive(uploads, upload, chunks_of(b"abc", b"def")))
    assert uploads.complete(upload.upload_id) is upload
    assert upload.size_bytes == 6
    assert upload.sha256 == hashlib.sha256(b"abcdef").hexdigest() == sha256_of(upload.path)


@pytest.mark.parametrize("chunks", [(b"abc",), (b"abcdef", b"g")])
def test_an_upload_of_another_size_than_announced_leaves_nothing(
    uploads: Uploads, tmp_path: Path, chunks: tuple[bytes, ...]
) -> None:
    upload = uploads.begin("a.mp4", 6)
    with pytest.raises(InvalidArgument, match=r"a\.mp4"):
        asyncio.run(receive(uploads, upload, chunks_of(*chunks)))
    assert not list(tmp_path.iterdir())


def test_an_upload_that_is_still_arriving_cannot_be_used(uploads: Uploads) -> None:
    upload = uploads.begin("a.mp4", 0)
    with pytest.raises(FailedPrecondition, match="not complete"):
        uploads.complete(upload.upload_id)


def test_size_limits_name_value_and_limit(uploads: Uploads) -> None:
    with pytest.raises(InvalidArgument, match=r"1001.*1000"):
        uploads.begin("a.mp4", 1001)
    with pytest.raises(InvalidArgument, match="1048577"):
        uploads.append(uploads.begin("a.mp4", 0), bytes((1 << 20) + 1))


def test_a_deleted_upload_is_gone(uploads: Uploads, tmp_path: Path) -> None:
    upload = uploads.begin("a.mp4", 0)
    uploads.delete(upload.upload_id)
    uploads.delete(upload.upload_id)
    with pytest.raises(NotFound):
        uploads.get(upload.upload_id)
    assert not list(tmp_path.iterdir())


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
