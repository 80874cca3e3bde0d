"""MediaService: bringing files to the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from mitate.kernels.errors import InvalidArgument
from mitate.server.receiving import receive
from mitate.server.upload import Upload
from mitate.server.uploads import Uploads
from mitate.v1 import media_pb2, media_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


def upload_message(upload: Upload) -> media_pb2.Upload:
    """Return the message of an upload."""
    return media_pb2.Upload(
        upload_id=upload.upload_id,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        sha256=upload.sha256,
        complete=upload.complete,
    )


async def first_then_chunks(
    requests: AsyncIterator[Any], first: str
) -> tuple[Any, AsyncIterator[bytes]]:
    """Split a stream into its first message's field `first` and the chunks that follow.

    Raises:
        InvalidArgument: the stream starts with something else, or sends it again later.
    """
    opening = await anext(aiter(requests), None)
    if opening is None or opening.WhichOneof("content") != first:
        found = "nothing" if opening is None else opening.WhichOneof("content") or "an empty one"
        raise InvalidArgument(f"the first message holds {found}; it must hold `{first}`")

    async def chunks() -> AsyncIterator[bytes]:
        async for request in requests:
            if request.WhichOneof("content") != "chunk":
                raise InvalidArgument(f"after `{first}` every message holds a `chunk`")
            yield request.chunk

    return getattr(opening, first), chunks()


class MediaService(media_pb2_grpc.MediaServiceServicer):
    """Uploads by id."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def UploadMedia(
        self, request_iterator: AsyncIterator[media_pb2.UploadMediaRequest], context: Context
    ) -> media_pb2.Upload:
        """Spool a file."""
        start, chunks = await first_then_chunks(request_iterator, "start")
        upload = await asyncio.to_thread(
            self._uploads.open,
            start.file_name,
            start.total_bytes,
            start.upload_id,
            start.offset_bytes,
        )
        return upload_message(await receive(self._uploads, upload, chunks))

    async def GetUpload(
        self, request: media_pb2.GetUploadRequest, context: Context
    ) -> media_pb2.Upload:
        """Tell what has arrived."""
        return upload_message(await asyncio.to_thread(self._uploads.get, request.upload_id))

    async def DeleteUpload(
        self, request: media_pb2.DeleteUploadRequest, context: Context
    ) -> media_pb2.DeleteUploadResponse:
        """Delete an upload."""
        await asyncio.to_thread(self._uploads.delete, request.upload_id)
        return media_pb2.DeleteUploadResponse()
