"""Files that callers bring: spooled to disk, taken up again after a break, deleted after use.

An upload that a caller names by an id of its own outlives broken connections and restarts: what
`GetUpload` answers is on the disk. One without such an id is deleted when it breaks off. What is
complete stays until it is used, deleted or forgotten.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from pathlib import Path

from mitate.kernels.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Overloaded,
)
from mitate.server import upload_rows
from mitate.server.database import Database
from mitate.server.directory import sync_folder
from mitate.server.upload import SYNC_BYTES, Upload, safe_name
from mitate.server.upload_rows import UploadRow

MAX_CHUNK_BYTES = 1 << 20
MIN_FREE_BYTES = 256 << 20  # left on the disk for what is already accepted
FORGOTTEN_S = 24 * 3600  # uploads that nobody touches are deleted after this time
SUFFIX = ".upload"


class Uploads:
    """All uploads of this server. Methods block on the disk; any thread may call them."""

    def __init__(
        self, database: Database, folder: Path, tmp: Path, max_bytes: int, stall_s: float = 60.0
    ) -> None:
        self._database = database
        self._folder, self._tmp = folder, tmp
        self._max_bytes = max_bytes
        self.stall_s = stall_s
        self._by_id: dict[str, Upload] = {}
        self._lock = threading.Lock()
        self._recover()

    def spool(self, file_name: str, total_bytes: int) -> Upload:
        """Open an upload that is used by the call that brings it; raises as `open`."""
        return self._begin(uuid.uuid4().hex, file_name, total_bytes, self._tmp)

    def open(
        self, file_name: str, total_bytes: int, upload_id: str = "", offset_bytes: int = 0
    ) -> Upload:
        """Open an upload, or go on with the one of that id, whoever brought it before.

        Raises:
            InvalidArgument: the id is no UUID, or the size is negative or over the limit.
            NotFound: there is no upload of that id to go on with.
            FailedPrecondition: another number of bytes has arrived than the offset.
            Overloaded: the disk is nearly full.
        """
        known = self._by_id.get(check_upload_id(upload_id)) if upload_id else None
        if known is not None:
            with known.lock:
                self._check_offset(known, offset_bytes)
                known.writer = object()
            return known
        if offset_bytes:
            raise NotFound(f"there is no upload {upload_id!r} that has {offset_bytes} bytes")
        self._delete_forgotten()
        fresh_id = check_upload_id(upload_id) if upload_id else str(uuid.uuid4())
        upload = self._begin(fresh_id, file_name, total_bytes, self._folder)
        upload.lasting, upload.resumable = True, bool(upload_id)
        if upload.resumable:
            sync_folder(self._folder)
            self._record(upload)
        with self._lock:
            self._by_id[upload.upload_id] = upload
        return upload

    def append(self, upload: Upload, writer: object, chunk: bytes) -> None:
        """Add the next bytes.

        Raises:
            InvalidArgument: the chunk or the file grows over its limit.
            FailedPrecondition: another stream has taken over.
        """
        if len(chunk) > MAX_CHUNK_BYTES:
            raise InvalidArgument(
                f"a chunk of {len(chunk)} bytes; at most {MAX_CHUNK_BYTES} are allowed"
            )
        limit = upload.total_bytes or self._max_bytes
        with upload.lock:
            if upload.size_bytes + len(chunk) > limit:
                raise InvalidArgument(
                    f"{upload.file_name}: more than {limit} bytes arrived, "
                    + ("the size that was announced" if upload.total_bytes else "the limit")
                )
            if upload.writer is not writer or upload.complete:
                raise FailedPrecondition(f"upload {upload.upload_id!r} is brought by another call")
            upload.write(chunk)
            if upload.resumable and upload.size_bytes - upload.synced_bytes >= SYNC_BYTES:
                self._record(upload)

    def finish(self, upload: Upload) -> None:
        """Close an upload whose last chunk has arrived; it is on the disk then.

        Raises:
            InvalidArgument: it is shorter than announced.
        """
        with upload.lock:
            if upload.complete:
                return
            if upload.total_bytes and upload.size_bytes != upload.total_bytes:
                raise InvalidArgument(
                    f"{upload.file_name}: {upload.size_bytes} bytes arrived of {upload.total_bytes}"
                )
            sha256 = upload.digest()
            if upload.lasting:
                sync_folder(self._folder)
                self._record(upload, sha256)
            upload.sha256 = sha256

    def broken(self, upload: Upload, writer: object) -> None:
        """Keep what has arrived of an upload that can be taken up again, delete any other."""
        with upload.lock:
            if upload.writer is not writer:
                return
            if upload.resumable:
                self._record(upload)
        if not upload.resumable:
            self.discard(upload)

    def get(self, upload_id: str) -> Upload:
        """Return an upload, with all that has arrived on the disk; raises NotFound."""
        upload = self._by_id.get(upload_id)
        if upload is None:
            raise NotFound(f"there is no upload {upload_id!r}")
        with upload.lock:
            if upload.resumable and upload.size_bytes > upload.synced_bytes:
                self._record(upload)
        return upload

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
        """Delete an upload and its file; deleting twice is no error.

        Raises:
            FailedPrecondition: an operation reads it.
        """
        with self._database.writing() as db:
            if not upload_rows.delete(db, upload_id):
                raise FailedPrecondition(
                    f"upload {upload_id!r} is being read by an operation, which deletes it"
                )
        self.forget(upload_id)

    def used(self, upload_id: str) -> None:
        """Delete the file of an upload if nothing needs it any more."""
        with self._database.reading() as db:
            needed = upload_rows.exists(db, upload_id)
        if not needed:
            self.forget(upload_id)

    def forget(self, upload_id: str) -> None:
        """Delete the file of an upload whose row is deleted."""
        with self._lock:
            upload = self._by_id.pop(upload_id, None)
        if upload is not None:
            upload.writer = None
            upload.path.unlink(missing_ok=True)

    def discard(self, upload: Upload) -> None:
        """Delete an upload that is spooled, or was begun without an id."""
        if upload.lasting:
            self.delete(upload.upload_id)
        upload.path.unlink(missing_ok=True)

    def _begin(self, upload_id: str, file_name: str, total_bytes: int, folder: Path) -> Upload:
        if not 0 <= total_bytes <= self._max_bytes:
            raise InvalidArgument(
                f"a file of {total_bytes} bytes; at most {self._max_bytes} are allowed "
                "(max_upload_bytes)"
            )
        coming = sum(max(0, one.total_bytes - one.size_bytes) for one in list(self._by_id.values()))
        disk = os.statvfs(folder)
        if disk.f_bavail * disk.f_frsize < coming + total_bytes + MIN_FREE_BYTES:
            raise Overloaded(f"the server's disk has no room for {total_bytes} bytes more")
        path = folder / f"{upload_id}{SUFFIX}"
        path.touch()
        return Upload(upload_id, safe_name(file_name), path, total_bytes, writer=object())

    def _check_offset(self, upload: Upload, offset_bytes: int) -> None:
        if offset_bytes != upload.size_bytes:
            raise FailedPrecondition(
                f"{upload.size_bytes} bytes of upload {upload.upload_id!r} have arrived; the "
                f"offset is {offset_bytes}"
            )

    def _record(self, upload: Upload, sha256: str = "") -> None:
        """Put what has arrived on the disk, then say so in the catalog."""
        upload.sync()
        row = UploadRow(
            upload.upload_id,
            upload.file_name,
            upload.total_bytes,
            upload.synced_bytes,
            sha256 or upload.sha256 or None,
            int(upload.touched_s * 1000),
        )
        with self._database.writing() as db:
            upload_rows.put(db, row)

    def _recover(self) -> None:
        """Take up what the catalog names and delete every other file."""
        with self._database.reading() as db:
            rows = upload_rows.everything(db)
        for row in rows:
            path = self._folder / f"{row.upload_id}{SUFFIX}"
            if path.is_file() and path.stat().st_size >= row.size_bytes:
                os.truncate(path, row.size_bytes)
                self._by_id[row.upload_id] = Upload(
                    *row[:2],
                    path,
                    row.total_bytes,
                    row.size_bytes,
                    row.size_bytes,
                    row.sha256 or "",
                    lasting=True,
                    resumable=True,
                    touched_s=row.touched_ms / 1000,
                )
        kept = {upload.path.name for upload in self._by_id.values()}
        for entry in list(os.scandir(self._folder)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            elif entry.name not in kept:
                os.unlink(entry.path)
        with self._database.writing() as db:
            for row in rows:
                if row.upload_id not in self._by_id:
                    db.execute("DELETE FROM upload WHERE upload_id = ?", (row.upload_id,))

    def _delete_forgotten(self) -> None:
        limit = time.time() - FORGOTTEN_S
        old = [one.upload_id for one in list(self._by_id.values()) if one.touched_s < limit]
        with self._database.writing() as db:
            gone = [upload_id for upload_id in old if upload_rows.delete(db, upload_id)]
        for upload_id in gone:
            self.forget(upload_id)


def check_upload_id(text: str) -> str:
    """Return the id of an upload in its usual form; raises InvalidArgument."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidArgument(f"upload_id is {text[:80]!r}; a UUID is allowed") from None
