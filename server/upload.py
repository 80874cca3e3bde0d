"""One file being brought: written in order, hashed on the way, synced now and then."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from mitate.server.directory import space_errors

SYNC_BYTES = 32 << 20  # at most so much is lost of an upload when the machine dies


@dataclass(slots=True, eq=False)
class Upload:
    """A file and how much of it is there. One stream writes it at a time."""

    upload_id: str
    file_name: str
    path: Path
    total_bytes: int  # 0 when the caller did not say
    size_bytes: int = 0
    synced_bytes: int = 0
    sha256: str = ""  # of the content in hexadecimal digits, once complete
    lasting: bool = False  # the catalog knows it
    resumable: bool = False  # the caller chose its id, so can go on after a break
    touched_s: float = field(default_factory=time.time)
    writer: object = None  # the stream that brings it; a later one takes its place
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)  # over each change
    _hash: hashlib._Hash | None = field(default=None, repr=False)

    @property
    def complete(self) -> bool:
        """All bytes are there."""
        return bool(self.sha256)

    def write(self, chunk: bytes) -> None:
        """Append to the file; raises Overloaded when the disk is full."""
        running = self._running_hash()
        with space_errors(self.path.parent), self.path.open("ab") as file:
            file.write(chunk)
        running.update(chunk)
        self.size_bytes += len(chunk)
        self.touched_s = time.time()

    def sync(self) -> None:
        """Wait until all that has arrived is on the disk."""
        with space_errors(self.path.parent), self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.synced_bytes = self.size_bytes

    def digest(self) -> str:
        """Return the SHA-256 of what has arrived, 64 hexadecimal digits."""
        return self._running_hash().hexdigest()

    def _running_hash(self) -> hashlib._Hash:
        if self._hash is None:
            with self.path.open("rb") as file:
                self._hash = hashlib.file_digest(file, "sha256")
        return self._hash


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_name(file_name: str) -> str:
    """Return the last part of a file name as it may be shown and stored."""
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c if c.isprintable() else "?" for c in name).strip()
    return name[:255] or "unnamed"
