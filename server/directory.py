"""What the data directory needs from the operating system: a lock, synced folders, clear errors."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mitate.kernels.errors import FailedPrecondition, Overloaded

CATALOG_NAME = "catalog.sqlite"
LOCK_NAME = "lock"

_FULL = (errno.ENOSPC, errno.EDQUOT)
_OURS = frozenset({LOCK_NAME, "signatures", "tmp", "uploads", "lost+found"})


class DirectoryLock:
    """An exclusive lock on a file; the kernel releases it when the process ends, however it ends.

    The lock passes to forked processes and outlives their parent in them, so processes beside the
    server are to be spawned, not forked.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise FailedPrecondition(
                f"cannot write into the data directory {path.parent}: {error.strerror}"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise FailedPrecondition(
                f"data directory {path.parent} is in use by another server "
                f"(pid {holder or 'unknown'})"
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Release the lock; again does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def make_folder(path: Path) -> None:
    """Make a folder with its parents where there is none."""
    if path.is_dir():
        return
    if path.exists():
        raise FailedPrecondition(f"{path} is a file; a folder is needed, see --data")
    try:
        path.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise FailedPrecondition(f"cannot make the folder {path}: {error.strerror}") from error


def check_ours(directory: Path) -> None:
    """Refuse a folder that is not empty and has no catalog, since files get deleted in it."""
    names = {entry.name for entry in os.scandir(directory)}
    foreign = names - _OURS
    if foreign and CATALOG_NAME not in names:
        raise FailedPrecondition(
            f"data directory {directory} has no {CATALOG_NAME}, but has {min(foreign)!r}; "
            f"give an empty directory or one made by mitate"
        )


def allow_open_files() -> None:
    """Let the process open as many files as the system permits it: a mapped file stays open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def space_errors(path: Path) -> Iterator[None]:
    """Raise Overloaded where the disk or a quota is full."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Overloaded(f"no space left in {path}") from error
        raise
