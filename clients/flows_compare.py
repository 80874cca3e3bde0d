"""The job of comparing two things: bring what are files, compare, forget the files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mitate.clients import answers, requests, signing
from mitate.clients.compared import Comparison, Subject, comparison, subject_message
from mitate.clients.flows import pieces
from mitate.clients.flows_upload import OnProgress, forget, upload
from mitate.clients.media import PathLike, content_of, local_file
from mitate.clients.results import Upload
from mitate.clients.steps import Call, Feed, Flow, Local
from mitate.kernels.errors import InvalidSignature, MitateError
from mitate.v1 import compare_pb2


def compare(
    a: PathLike | Subject, b: PathLike | Subject, draw: bool, on_progress: OnProgress | None
) -> Flow[Comparison]:
    """Have the server compare two things."""
    subjects = [one if isinstance(one, Subject) else Subject(file=one) for one in (a, b)]
    for subject in subjects:
        if subject.file is not None:
            local_file(subject.file)
    uploads: list[str] = []
    try:
        messages = []
        for subject in subjects:
            upload_id = None
            if subject.file is not None:
                sent = yield from _bring(subject.file, on_progress)
                upload_id = sent.upload_id
                uploads.append(upload_id)
            messages.append(subject_message(subject, upload_id))
        request = compare_pb2.CompareRequest(a=messages[0], b=messages[1], without_picture=not draw)
        call = Call("CompareService/Compare", request, on_message=_told(on_progress), long=True)
        last = yield call
    except MitateError:
        yield from _forget_all(uploads)
        raise
    yield from _forget_all(uploads)
    return comparison(last)


def _bring(path: PathLike, on_progress: OnProgress | None) -> Flow[Upload]:
    """Send a file; one that holds a descriptor only is sent as a signature file."""
    file = local_file(path)
    small = file.size_bytes <= signing.MAX_DESCRIPTOR_BYTES
    if not small or content_of(file) != "media":
        return (yield from upload(path, on_progress))
    try:
        data = yield Local(partial(signing.signature_bytes, path))
    except InvalidSignature:
        return (yield from upload(path, on_progress))
    messages = requests.upload_requests(file.name, len(data), pieces(data))
    reply = yield Call("MediaService/UploadMedia", Feed(messages), long=True)
    return answers.upload(reply)


def _told(on_progress: OnProgress | None) -> Callable[[compare_pb2.CompareResponse], None]:
    def read(message: compare_pb2.CompareResponse) -> None:
        if on_progress is not None and message.HasField("progress"):
            on_progress(answers.progress(message.progress))

    return read


def _forget_all(uploads: list[str]) -> Flow[None]:
    for upload_id in uploads:
        yield from forget(upload_id)
