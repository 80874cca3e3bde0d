"""Files that a request names: an upload, or a path below the media roots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mitate.kernels.errors import InvalidArgument
from mitate.server.app import App
from mitate.server.uploads import readable_path
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
