"""Files that are read again when they change, while the server runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from mitate.kernels.errors import SettingsError

log = logging.getLogger(__name__)
T = TypeVar("T")
State = tuple[tuple[int, int, int] | None, ...]


class Reloading(Generic[T]):
    """What `read` makes of some files; safe to use from several threads.

    Files are compared by inode, size and time of change, so replacing a file and following a
    symbolic link to another one are both seen. What cannot be read leaves the last good value in
    force and an error in the log, so a certificate and a key may be replaced one after the other.

    Raises:
        SettingsError: the first reading failed.
    """

    def __init__(self, paths: Sequence[Path], read: Callable[[], T], check_s: float = 1.0) -> None:
        self._paths, self._read, self._check_s = tuple(paths), read, check_s
        self._lock = threading.Lock()
        self._state = self._seen()
        self._value = read()
        self._next_check = time.monotonic() + check_s

    @property
    def value(self) -> T:
        """The value of the files as they were at most `check_s` ago."""
        if time.monotonic() >= self._next_check:
            with self._lock:
                self._refresh()
        return self._value

    def _refresh(self) -> None:
        self._next_check = time.monotonic() + self._check_s
        state = self._seen()
        if state == self._state:
            return
        self._state = state
        names = ", ".join(map(str, self._paths))
        try:
            self._value = self._read()
        except SettingsError as error:
            log.error("not reloaded, the former is kept files=%r error=%r", names, error.message)
            return
        log.info("reloaded files=%r", names)

    def _seen(self) -> State:
        return tuple(_state(path) for path in self._paths)


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def read_file(path: Path, what: str) -> bytes:
    """Return the content of a file that a setting names; raises SettingsError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot read the {what} {path}: {error.strerror}") from error
