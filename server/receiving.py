"""Taking the chunks of a file from a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from mitate.kernels.errors import DeadlineExceeded
from mitate.server.upload import Upload
from mitate.server.uploads import Uploads


async def receive(uploads: Uploads, upload: Upload, chunks: AsyncIterator[bytes]) -> Upload:
    """Take all chunks of an upload.

    Raises:
        DeadlineExceeded: nothing came for too long.
    """
    writer = upload.writer
    try:
        while (chunk := await _next(chunks, uploads.stall_s)) is not None:
            await asyncio.to_thread(uploads.append, upload, writer, chunk)
        await asyncio.to_thread(uploads.finish, upload)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(uploads.broken, upload, writer))
        raise
    return upload


async def _next(chunks: AsyncIterator[bytes], stall_s: float) -> bytes | None:
    try:
        async with asyncio.timeout(stall_s):
            return await anext(chunks, None)
    except TimeoutError:
        raise DeadlineExceeded(
            f"no chunk has come for {stall_s:g} s, the limit (upload_stall_s)"
        ) from None
