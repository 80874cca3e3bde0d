"""Local files: what may be sent, in which pieces, and what a file holds by its first bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Literal

from mitate.kernels.errors import (
    InvalidArgument,
    InvalidMedia,
    MitateError,
    NotFound,
    PermissionRefused,
)

CHUNK_BYTES = 1 << 20
MAX_PICTURE_BYTES = 8 << 20  # of a picture in one message

PathLike = str | os.PathLike[str]
Content = Literal["picture", "signature", "media"]

_HEAD_BYTES = 1 << 16
_SIGNATURE = b"\x89MSIG\r\n\n"
_PNG = b"\x89PNG\r\n\x1a\n"
_PICTURES = (b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")
_WEBP_ANIMATED = 0x02


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A regular file that is there, can be read and is not empty."""

    path: Path
    size_bytes: int

    @property
    def name(self) -> str:
        """Name without folders; bytes that are no text are replaced."""
        return self.path.name.encode("utf-8", "replace").decode()

    def chunks(self, on_sent: Callable[[float], None], offset: int = 0) -> Iterator[bytes]:
        """Yield the content in pieces, telling before each the part sent so far, 0..1."""
        with reading(self.path) as file:
            file.seek(offset)
            for start in range(offset, self.size_bytes, CHUNK_BYTES):
                on_sent(start / self.size_bytes)
                yield self._read(file, min(CHUNK_BYTES, self.size_bytes - start))
        on_sent(1.0)

    def _read(self, file: BufferedReader, n_bytes: int) -> bytes:
        try:
            return file.read(n_bytes)
        except OSError as error:
            raise _refusal(error, self.path) from error


def reading(path: Path) -> BufferedReader:
    """Open a file.

    Raises:
        NotFound: there is no such file.
        PermissionRefused: it may not be read.
        InvalidArgument: it cannot be opened for another reason.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise _refusal(error, path) from error


def local_file(path: PathLike) -> LocalFile:
    """Check that a file can be sent.

    Raises:
        NotFound: there is no such file.
        PermissionRefused: it may not be read.
        InvalidMedia: it is empty, a directory, or no regular file.
    """
    path = Path(path)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _refusal(error, path) from error
    if stat.S_ISDIR(status.st_mode):
        raise InvalidMedia(f"{path}: it is a directory; a file is needed")
    if not stat.S_ISREG(status.st_mode):
        raise InvalidMedia(f"{path}: not a regular file")
    if status.st_size == 0:
        raise InvalidMedia(f"{path}: the file is empty")
    return LocalFile(path, status.st_size)


def _refusal(error: OSError | ValueError, path: Path) -> MitateError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFound(f"{path}: no such file")
    if isinstance(error, PermissionError):
        return PermissionRefused(f"{path}: not allowed to read it")
    text = error.strerror if isinstance(error, OSError) else str(error)
    return InvalidArgument(f"{path}: cannot be read: {text}")


def content_of(file: LocalFile) -> Content:
    """Tell by its first bytes what a file holds; what is not surely a still is `media`."""
    with reading(file.path) as opened:
        head = opened.read(_HEAD_BYTES)
    if head.startswith(_SIGNATURE):
        return "signature"
    return "picture" if _is_still(head) else "media"


def _is_still(head: bytes) -> bool:
    if head.startswith(_PNG):
        return b"acTL" not in head.partition(b"IDAT")[0]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return not (head[12:16] == b"VP8X" and head[20:21] and head[20] & _WEBP_ANIMATED)
    return head.startswith(_PICTURES) or head[4:12] == b"ftypavif"


def picture_bytes(picture: PathLike | bytes) -> bytes:
    """Return the content of a picture file, or the content itself.

    Raises:
        InvalidMedia: it is empty or too large for one message.
    """
    if isinstance(picture, bytes):
        size = len(picture)
    else:
        file = local_file(picture)
        size = file.size_bytes
    if not 1 <= size <= MAX_PICTURE_BYTES:
        raise InvalidMedia(
            f"a picture of {size} bytes; 1 to {MAX_PICTURE_BYTES} are allowed, "
            "search_video takes larger ones"
        )
    if isinstance(picture, bytes):
        return picture
    with reading(file.path) as opened:
        return opened.read(MAX_PICTURE_BYTES)
