"""CatalogService: titles, episodes, and files that become sources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar

import grpc
from google.longrunning import operations_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from mitate.kernels import signature_file
from mitate.kernels.errors import CorruptData, InvalidArgument, InvalidSignature
from mitate.kernels.signature import Signature
from mitate.server import translate
from mitate.server.admission import caller_name
from mitate.server.app import App
from mitate.server.ingest import Ingested
from mitate.server.media import media_of
from mitate.server.operation import Operation
from mitate.server.placement import Placement, check_sha256
from mitate.server.receiving import receive
from mitate.server.reports import report_progress
from mitate.server.service_media import first_then_chunks
from mitate.server.upload import Upload
from mitate.v1 import catalog_pb2, catalog_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
Result = TypeVar("Result")
KIND = "ingest"
MAX_SIGNATURE_FILE_BYTES = 256 << 20


def placement_of(message: catalog_pb2.Placement) -> Placement:
    """Return where a source goes."""
    return Placement(
        title=message.title or None,
        episode=message.episode or None,
        refs=dict(message.refs),
        episode_id=message.episode_id or None,
        replace_episode_id=message.replace_episode_id or None,
    )


def changes(
    mask: FieldMask, allowed: str, name: str, refs: Mapping[str, str]
) -> tuple[str | None, Mapping[str, str] | None]:
    """Return the new name and references of an update, None for what stays.

    Raises:
        InvalidArgument: the mask names something else than `allowed` and `refs`.
    """
    unknown = set(mask.paths) - {allowed, "refs"}
    if unknown:
        raise InvalidArgument(
            f"update_mask names {', '.join(sorted(unknown))}; allowed are {allowed}, refs"
        )
    paths = set(mask.paths) or {path for path, value in ((allowed, name), ("refs", refs)) if value}
    return (name if allowed in paths else None, dict(refs) if "refs" in paths else None)


def ingest_result(status: str, ingested: Ingested, generation: int) -> catalog_pb2.IngestResult:
    """Return the message of what became of a file."""
    result = ingested.result
    return catalog_pb2.IngestResult(
        status=translate.INGEST[status],
        episode=translate.episode(result.episode),
        source=translate.source(result.source),
        diagnostics=translate.diagnostics(generation, ingested.timings_ms),
    )


def uploaded_signature(upload: Upload) -> Signature:
    """Return the signature in an uploaded file.

    Raises:
        InvalidSignature: it is none, or it was damaged on the way.
    """
    if not 0 < upload.size_bytes <= MAX_SIGNATURE_FILE_BYTES:
        raise InvalidSignature(
            f"a signature file of {upload.size_bytes} bytes; 1 to {MAX_SIGNATURE_FILE_BYTES} "
            "are allowed"
        )
    try:
        return signature_file.read(upload.path.read_bytes())
    except CorruptData as error:
        raise InvalidSignature(f"the signature file is damaged: {error.message}") from error


class CatalogService(catalog_pb2_grpc.CatalogServiceServicer):
    """Translates; the work is done by catalog, store and ingest."""

    def __init__(self, app: App) -> None:
        self._app = app
        app.operations.register(
            KIND, catalog_pb2.IngestEpisodeRequest, catalog_pb2.IngestMetadata, self._ingest
        )

    async def _call(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        self._app.check_ready()
        return await asyncio.to_thread(function, *args, **kwargs)

    async def CreateTitle(
        self, request: catalog_pb2.CreateTitleRequest, context: Context
    ) -> catalog_pb2.Title:
        """Create a title."""
        title = request.title
        catalog = self._app.store.catalog
        return translate.title(await self._call(catalog.create_title, title.name, dict(title.refs)))

    async def GetTitle(
        self, request: catalog_pb2.GetTitleRequest, context: Context
    ) -> catalog_pb2.Title:
        """Return a title."""
        return translate.title(
            await self._call(self._app.store.catalog.get_title, request.title_id)
        )

    async def ListTitles(
        self, request: catalog_pb2.ListTitlesRequest, context: Context
    ) -> catalog_pb2.ListTitlesResponse:
        """List titles."""
        page = await self._call(
            self._app.store.catalog.list_titles, request.page_size, request.page_token
        )
        return catalog_pb2.ListTitlesResponse(
            titles=[translate.title(one) for one in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def UpdateTitle(
        self, request: catalog_pb2.UpdateTitleRequest, context: Context
    ) -> catalog_pb2.Title:
        """Change a title."""
        title = request.title
        name, refs = changes(request.update_mask, "name", title.name, title.refs)
        catalog = self._app.store.catalog
        return translate.title(await self._call(catalog.update_title, title.title_id, name, refs))

    async def DeleteTitle(
        self, request: catalog_pb2.DeleteTitleRequest, context: Context
    ) -> catalog_pb2.DeleteTitleResponse:
        """Delete a title."""
        await self._call(self._app.ingest.remove_title, request.title_id, force=request.force)
        return catalog_pb2.DeleteTitleResponse()

    async def CreateEpisode(
        self, request: catalog_pb2.CreateEpisodeRequest, context: Context
    ) -> catalog_pb2.Episode:
        """Create an episode."""
        episode = request.episode
        return translate.episode(
            await self._call(
                self._app.store.catalog.create_episode,
                episode.title_id,
                episode.episode,
                dict(episode.refs),
            )
        )

    async def GetEpisode(
        self, request: catalog_pb2.GetEpisodeRequest, context: Context
    ) -> catalog_pb2.Episode:
        """Return an episode."""
        return translate.episode(
            await self._call(self._app.store.catalog.get_episode, request.episode_id)
        )

    async def ListEpisodes(
        self, request: catalog_pb2.ListEpisodesRequest, context: Context
    ) -> catalog_pb2.ListEpisodesResponse:
        """List episodes."""
        page = await self._call(
            self._app.store.catalog.list_episodes,
            request.title_id,
            request.page_size,
            request.page_token,
        )
        return catalog_pb2.ListEpisodesResponse(
            episodes=[translate.episode(one) for one in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def UpdateEpisode(
        self, request: catalog_pb2.UpdateEpisodeRequest, context: Context
    ) -> catalog_pb2.Episode:
        """Change an episode."""
        episode = request.episode
        label, refs = changes(request.update_mask, "episode", episode.episode, episode.refs)
        catalog = self._app.store.catalog
        return translate.episode(
            await self._call(catalog.update_episode, episode.episode_id, label, refs)
        )

    async def DeleteEpisode(
        self, request: catalog_pb2.DeleteEpisodeRequest, context: Context
    ) -> catalog_pb2.DeleteEpisodeResponse:
        """Delete an episode."""
        await self._call(self._app.ingest.remove_episode, request.episode_id)
        return catalog_pb2.DeleteEpisodeResponse()

    async def IngestEpisode(
        self, request: catalog_pb2.IngestEpisodeRequest, context: Context
    ) -> operations_pb2.Operation:
        """Start to add a file."""
        operation = await self._call(self._start_ingest, request)
        return operation.message()

    def _start_ingest(self, request: catalog_pb2.IngestEpisodeRequest) -> Operation:
        started = self._app.operations.started(KIND, request.request_id)
        if started is not None:
            return started
        placement_of(request.placement).checked()
        media_of(self._app, request.media)
        return self._app.operations.start(
            KIND, request, request.request_id, request.media.upload_id, caller_name()
        )

    def _ingest(
        self, request: catalog_pb2.IngestEpisodeRequest, operation: Operation
    ) -> catalog_pb2.IngestResult:
        media = media_of(self._app, request.media)

        def result(ingested: Ingested) -> catalog_pb2.IngestResult:
            return ingest_result(ingested.result.status, ingested, self._app.engine.generation)

        return result(
            self._app.ingest.add_file(
                media.path,
                media.file_name,
                placement_of(request.placement),
                media.sha256,
                report_progress(operation),
                operation.cancelled,
                request.allow_partial,
                lambda db, ingested: operation.commit(db, result(ingested)),
            )
        )

    async def ImportSignatures(
        self,
        request_iterator: AsyncIterator[catalog_pb2.ImportSignaturesRequest],
        context: Context,
    ) -> catalog_pb2.IngestResult:
        """Add a source by its signature file."""
        self._app.check_ready()
        config, chunks = await first_then_chunks(request_iterator, "config")
        placement = placement_of(config.placement).checked()
        sha256 = check_sha256(config.sha256)
        uploads = self._app.uploads
        upload = await asyncio.to_thread(uploads.spool, config.file_name, 0)
        await receive(uploads, upload, chunks)

        def work() -> Ingested:
            try:
                signature = uploaded_signature(upload)
            finally:
                uploads.discard(upload)
            result = self._app.ingest.add_signature(
                signature,
                sha256,
                config.file_name,
                placement,
                allow_partial=config.allow_partial,
            )
            return Ingested(result, {})

        ingested = await asyncio.to_thread(work)
        return ingest_result(ingested.result.status, ingested, self._app.engine.generation)

    async def GetStats(
        self, request: catalog_pb2.GetStatsRequest, context: Context
    ) -> catalog_pb2.Stats:
        """Tell how much is stored."""
        return self._app.stats(await self._call(self._app.store.catalog.stats))
