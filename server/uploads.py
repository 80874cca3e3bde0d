"""Files that callers bring: spooled to disk, hashed on the way, deleted after use."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mitate.kernels.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Overloaded,
    PermissionRefused,
)

MAX_CHUNK_BYTES = 1 << 20
MIN_FREE_BYTES = 256 << 20  # left on the disk for what is already accepted
READ_BYTES = 1 << 20
FORGOTTEN_S = 24 * 3600  # complete uploads that nobody uses are deleted after this time


@dataclass(slots=True)
class Upload:
    """A file being brought. Writes are in order and by one caller."""

    upload_id: str
    file_name: str
    path: Path
    total_bytes: int  # 0 when the caller did not say
    size_bytes: int = 0
    complete: bool = False
    created_s: float = field(default_factory=time.time)
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of what has arrived, 64 hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Append to the file."""
        with self.path.open("ab") as file:
            file.write(chunk)
        self._hash.update(chunk)
        self.size_bytes += len(chunk)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_name(file_name: str) -> str:
    """Return the last part of a file name as it may be shown and stored."""
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c if c.isprintable() else "?" for c in name).strip()
    return name[:255] or "unnamed"


class Uploads:
    """All uploads of this server. Nothing here outlives a restart: an upload is not a promise."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._by_id: dict[str, Upload] = {}

    def begin(self, file_name: str, total_bytes: int) -> Upload:
        """Open an upload.

        Raises:
            InvalidArgument: the size is negative or over the limit.
            Overloaded: the disk is nearly full.
        """
        if not 0 <= total_bytes <= self._max_bytes:
            raise InvalidArgument(
                f"a file of {total_bytes} bytes; at most {self._max_bytes} are allowed "
                "(max_upload_bytes)"
            )
        self._delete_forgotten()
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize < total_bytes + MIN_FREE_BYTES:
            raise Overloaded(f"the server's disk has no room for {total_bytes} bytes more")
        upload_id = uuid.uuid4().hex
        upload = Upload(
            upload_id, safe_name(file_name), self._folder / f"{upload_id}.upload", total_bytes
        )
        upload.path.touch()
        self._by_id[upload_id] = upload
        return upload

    def append(self, upload: Upload, chunk: bytes) -> None:
        """Add the next bytes.

        Raises:
            InvalidArgument: the chunk or the file grows over its limit.
        """
        if len(chunk) > MAX_CHUNK_BYTES:
            raise InvalidArgument(
                f"a chunk of {len(chunk)} bytes; at most {MAX_CHUNK_BYTES} are allowed"
            )
        limit = upload.total_bytes or self._max_bytes
        if upload.size_bytes + len(chunk) > limit:
            raise InvalidArgument(
                f"{upload.file_name}: more than {limit} bytes arrived, "
                + ("the size that was announced" if upload.total_bytes else "the limit")
            )
        upload.write(chunk)

    def finish(self, upload: Upload) -> None:
        """Close an upload whose last chunk has arrived.

        Raises:
            InvalidArgument: it is shorter than announced.
        """
        if upload.total_bytes and upload.size_bytes != upload.total_bytes:
            raise InvalidArgument(
                f"{upload.file_name}: {upload.size_bytes} bytes arrived of {upload.total_bytes}"
            )
        upload.complete = True

    def get(self, upload_id: str) -> Upload:
        """Return an upload; raises NotFound."""
        if upload_id not in self._by_id:
            raise NotFound(f"there is no upload {upload_id!r}")
        return self._by_id[upload_id]

    def complete(self, upload_id: str) -> Upload:
        """Return an upload that can be used.

        Raises:
            NotFound: there is none.
            FailedPrecondition: it is still arriving.
        """
        upload = self.get(upload_id)
        if not upload.complete:
            raise FailedPrecondition(
                f"upload {upload_id!r} has {upload.size_bytes} bytes and is not complete"
            )
        return upload

    def delete(self, upload_id: str) -> None:
        """Delete an upload and its file; deleting twice is no error."""
        upload = self._by_id.pop(upload_id, None)
        if upload is not None:
            upload.path.unlink(missing_ok=True)

    def _delete_forgotten(self) -> None:
        limit = time.time() - FORGOTTEN_S
        for upload in [one for one in self._by_id.values() if one.created_s < limit]:
            self.delete(upload.upload_id)


def readable_path(text: str, roots: Iterable[Path]) -> Path:
    """Return a file that callers may name by its path.

    Raises:
        PermissionRefused: it lies outside the media roots.
        NotFound: there is no such file.
    """
    path = Path(text)
    allowed = [root.resolve() for root in roots]
    resolved = path.resolve()
    if not path.is_absolute() or not any(resolved.is_relative_to(root) for root in allowed):
        shown = ", ".join(map(str, allowed)) or "none are set"
        raise PermissionRefused(
            f"the server may not read {text!r}; allowed are absolute paths below its media_roots "
            f"({shown})"
        )
    if not resolved.is_file():
        raise NotFound(f"there is no file {text!r} at the server")
    return resolved


async def receive(uploads: Uploads, upload: Upload, chunks: AsyncIterator[bytes]) -> Upload:
    """Take all chunks of an upload; what arrived is deleted when it breaks off."""
    try:
        async for chunk in chunks:
            await asyncio.to_thread(uploads.append, upload, chunk)
        uploads.finish(upload)
    except BaseException:
        uploads.delete(upload.upload_id)
        raise
    return upload
