"""Files that a request names: an upload, or a path below the media roots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mitate.kernels.errors import InvalidArgument, NotFound, PermissionRefused
from mitate.server.app import App
from mitate.v1 import media_pb2


@dataclass(frozen=True, slots=True)
class Media:
    """A file at the server."""

    path: Path
    file_name: str  # for people
    sha256: str | None  # of its content, when it is known already


def media_of(app: App, source: media_pb2.MediaSource) -> Media:
    """Return the file that a request names.

    Raises:
        InvalidArgument, NotFound, FailedPrecondition, PermissionRefused: it cannot be used.
    """
    location = source.WhichOneof("location")
    if location is None:
        raise InvalidArgument("media names no file; give upload_id or path")
    if location == "path":
        path = readable_path(source.path, app.settings.media_roots)
        return Media(path, path.name, None)
    upload = app.uploads.complete(source.upload_id)
    return Media(upload.path, upload.file_name, upload.sha256)


def readable_path(text: str, roots: Iterable[Path]) -> Path:
    """Return a file that callers may name by its path.

    Raises:
        PermissionRefused: it lies outside the media roots.
        NotFound: there is no such file.
    """
    allowed = [root.resolve() for root in roots]
    try:
        resolved = Path(text).resolve()
        readable = Path(text).is_absolute() and any(resolved.is_relative_to(r) for r in allowed)
        found = readable and resolved.is_file()
    except (OSError, ValueError):  # no name of a file: a null byte, too long, a loop of links
        readable = found = False
    if not readable:
        shown = ", ".join(map(str, allowed)) or "none are set"
        raise PermissionRefused(
            f"the server may not read {text!r}; allowed are absolute paths below its media_roots "
            f"({shown})"
        )
    if not found:
        raise NotFound(f"there is no file {text!r} at the server")
    return resolved
