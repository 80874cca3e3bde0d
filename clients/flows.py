"""The jobs that take more than one exchange: adding, scanning, searching files."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from google.longrunning import operations_pb2
from google.protobuf import duration_pb2

from mitate.clients import answers, requests, signing
from mitate.clients.flows_upload import OnProgress, forget, sent, upload
from mitate.clients.flows_watch import OnSegment, cancel, watch
from mitate.clients.media import (
    CHUNK_BYTES,
    MAX_PICTURE_BYTES,
    PathLike,
    content_of,
    local_file,
    picture_bytes,
)
from mitate.clients.patience import patiently
from mitate.clients.results import (
    Added,
    Answer,
    SearchOptions,
    Timeline,
)
from mitate.clients.steps import Call, Feed, Flow, Local
from mitate.clients.transport import status_error
from mitate.kernels.errors import DeadlineExceeded, InternalError, MitateError
from mitate.v1 import catalog_pb2, media_pb2, scan_pb2, search_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mitate.kernels.signature import Signature

WAIT_S = 0.5  # how long the server holds one question after an operation


def search(
    path: PathLike, options: SearchOptions | None, on_progress: OnProgress | None
) -> Flow[Answer]:
    """Search a file as what its content is: a picture, a signature or a video."""
    file = local_file(path)
    content = content_of(file)
    if content == "signature":
        return (yield from search_signature(path, options))
    if content == "picture" and file.size_bytes <= MAX_PICTURE_BYTES:
        return (yield from search_image(path, options))
    return (yield from search_video(path, options, on_progress))


def search_image(picture: PathLike | bytes, options: SearchOptions | None) -> Flow[Answer]:
    """Search a picture."""
    request = search_pb2.SearchImageRequest(
        image=picture_bytes(picture), options=requests.options_message(options)
    )
    reply = yield Call("SearchService/SearchImage", request)
    return answers.picture_answer(reply)


def search_video(
    path: PathLike, options: SearchOptions | None, on_progress: OnProgress | None
) -> Flow[Answer]:
    """Send a clip and search it."""
    file = local_file(path)
    return (
        yield from _search_clip(
            requests.clip_requests(
                options,
                file.size_bytes,
                file.chunks(sent(on_progress)),
            ),
            on_progress,
        )
    )


def search_signature(
    signature: PathLike | bytes | Signature, options: SearchOptions | None
) -> Flow[Answer]:
    """Send a signature and search it."""
    data = yield Local(partial(signing.signature_bytes, signature))
    return (
        yield from _search_clip(
            requests.clip_requests(options, len(data), pieces(data)),
            None,
        )
    )


def _search_clip(
    messages: Iterator[search_pb2.SearchVideoRequest], on_progress: OnProgress | None
) -> Flow[Answer]:
    def read(message: search_pb2.SearchVideoResponse) -> None:
        if on_progress is not None and message.HasField("progress"):
            on_progress(answers.progress(message.progress))

    last = yield Call("SearchService/SearchVideo", Feed(messages), on_message=read, long=True)
    return answers.clip_answer(last)


def add(
    path: PathLike,
    where: catalog_pb2.Placement,
    allow_partial: bool,
    on_progress: OnProgress | None,
    limit_s: float,
) -> Flow[Added]:
    """Send a file and have the server sign and store it."""
    sent = yield from upload(path, on_progress)
    request = catalog_pb2.IngestEpisodeRequest(
        media=media_pb2.MediaSource(upload_id=sent.upload_id),
        placement=where,
        request_id=str(uuid.uuid4()),
        allow_partial=allow_partial,
    )
    try:
        operation = yield Call("CatalogService/IngestEpisode", request)
        done = yield from _wait(operation, on_progress, limit_s)
        result = _result(done, catalog_pb2.IngestResult())
    except MitateError:
        yield from forget(sent.upload_id)
        raise
    yield from forget(sent.upload_id)
    return answers.added(result)


def add_signed(
    path: PathLike,
    where: catalog_pb2.Placement,
    allow_partial: bool,
    on_progress: OnProgress | None,
) -> Flow[Added]:
    """Sign a file here and send only its signature."""
    file = local_file(path)
    signed = yield Local(partial(signing.sign_file, file, on_progress))
    config = catalog_pb2.ImportSignaturesConfig(
        file_name=file.name,
        sha256=signed.sha256,
        placement=where,
        allow_partial=allow_partial,
    )
    messages = requests.import_requests(config, pieces(signed.data))
    reply = yield Call("CatalogService/ImportSignatures", Feed(messages), long=True)
    return answers.added(reply)


def scan(
    path: PathLike,
    options: SearchOptions | None,
    draw: bool,
    on_progress: OnProgress | None,
    on_segment: OnSegment | None,
) -> Flow[Timeline]:
    """Send a video and have the server find what it is made of, and draw that if wanted."""
    uploaded = yield from upload(path, on_progress)
    request = scan_pb2.ScanVideoRequest(
        media=media_pb2.MediaSource(upload_id=uploaded.upload_id),
        options=requests.options_message(options),
        request_id=str(uuid.uuid4()),
        with_picture=draw,
    )
    try:
        operation = yield from patiently(
            lambda: _call("ScanService/ScanVideo", request), partial(sent(on_progress), 1.0)
        )
        done = yield from watch(operation.name, on_progress, on_segment)
        result = _result(done, scan_pb2.ScanVideoResponse())
    except MitateError:
        yield from forget(uploaded.upload_id)
        raise
    yield from forget(uploaded.upload_id)
    return answers.timeline(result)


def _wait(
    operation: operations_pb2.Operation, on_progress: OnProgress | None, limit_s: float
) -> Flow[operations_pb2.Operation]:
    """Ask after an operation until it is done; stop it when the caller or the time says so."""
    request = operations_pb2.WaitOperationRequest(
        name=operation.name, timeout=duration_pb2.Duration(nanos=int(WAIT_S * 1e9))
    )
    end_s = time.monotonic() + limit_s
    try:
        while not operation.done:
            metadata = catalog_pb2.IngestMetadata()
            if on_progress is not None and operation.metadata.Unpack(metadata):
                on_progress(answers.progress(metadata.progress))
            if time.monotonic() > end_s:
                raise DeadlineExceeded(f"not finished after {limit_s:g} s")
            operation = yield Call("Operations/WaitOperation", request)
    except MitateError:
        yield from cancel(request.name)
        raise
    return operation


def _call(method: str, request: Message) -> Flow[Any]:
    return (yield Call(method, request))


def _result(operation: operations_pb2.Operation, into: Any) -> Any:
    if operation.HasField("error"):
        raise status_error(operation.error)
    if not operation.response.Unpack(into):
        raise InternalError(
            f"the server answered {operation.response.TypeName() or 'nothing'}; "
            f"{into.DESCRIPTOR.full_name} was expected"
        )
    return into


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut bytes into the chunks of a stream."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]
