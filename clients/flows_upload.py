"""Bringing files to a server, and tidying up after them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import partial

from mitate.clients import answers, requests
from mitate.clients.media import PathLike, local_file
from mitate.clients.patience import patiently
from mitate.clients.results import Progress, Upload
from mitate.clients.steps import Call, Feed, Flow
from mitate.kernels.errors import MitateError, NotFound, NotReady
from mitate.v1 import media_pb2

OnProgress = Callable[[Progress], None]
RESUMES = 3  # of an upload that breaks off


def upload(path: PathLike, on_progress: OnProgress | None) -> Flow[Upload]:
    """Send a file to the server; what has arrived is not sent again when the connection breaks."""
    file, upload_id, offset, taken = local_file(path), str(uuid.uuid4()), 0, [0]
    for attempt in range(RESUMES + 1):
        tell = sent(on_progress)
        chunks = _counted(file.chunks(tell, offset), taken)
        messages = requests.upload_requests(file.name, file.size_bytes, chunks, upload_id, offset)
        try:
            reply = yield Call("MediaService/UploadMedia", Feed(messages), long=True)
        except NotReady:
            if attempt == RESUMES:
                raise
            if offset == 0 and taken[0] < 2:  # nothing shows that the server was ever there
                offset = yield from _arrived(upload_id)
            else:
                share = offset / max(1, file.size_bytes)
                offset = yield from patiently(lambda: _arrived(upload_id), partial(tell, share))
        except MitateError:
            yield from forget(upload_id)
            raise
        else:
            break
    return answers.upload(reply)


def _counted(chunks: Iterator[bytes], taken: list[int]) -> Iterator[bytes]:
    for chunk in chunks:
        taken[0] += 1
        yield chunk


def _arrived(upload_id: str) -> Flow[int]:
    """Ask how many bytes of an upload the server has."""
    request = media_pb2.GetUploadRequest(upload_id=upload_id)
    try:
        found = yield Call("MediaService/GetUpload", request)
    except NotFound:
        return 0
    return int(found.size_bytes)


def remove_upload(upload_id: str) -> Flow[None]:
    """Delete an upload."""
    yield Call("MediaService/DeleteUpload", media_pb2.DeleteUploadRequest(upload_id=upload_id))


def forget(upload_id: str) -> Flow[None]:
    """Delete an upload that is of no more use, if the server can be reached."""
    request = media_pb2.DeleteUploadRequest(upload_id=upload_id)
    yield from best_effort(Call("MediaService/DeleteUpload", request))


def best_effort(call: Call) -> Flow[None]:
    """Make a call that only tidies up: the server does the same by itself after a while."""
    try:
        yield call
    except MitateError:
        return


def sent(on_progress: OnProgress | None) -> Callable[[float], None]:
    """Return what takes the part sent so far, 0..1."""

    def tell(fraction: float) -> None:
        if on_progress is not None:
            on_progress(Progress("send", fraction))

    return tell
