"""A server with canned answers: every method of the wire contract, no recognition behind it."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from fake_answers import (
    State,
    a_match,
    collected,
    hit_columns,
    progress,
    status_of,
    verdict_of,
)
from fake_compare import Compare
from fake_recorder import Recorder
from google.longrunning import operations_pb2_grpc
from google.protobuf import empty_pb2
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import HealthServicer

from mitate.kernels.errors import AlreadyExists, InvalidMedia, MitateError, NotFound
from mitate.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    compare_pb2_grpc,
    match_pb2,
    media_pb2,
    media_pb2_grpc,
    scan_pb2,
    scan_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
)

OPTIONS = [("grpc.max_receive_message_length", 16 << 20)]


class Search(search_pb2_grpc.SearchServiceServicer):
    def __init__(self, state: State) -> None:
        self.state = state

    def SearchImage(self, request: Any, context: Any) -> Any:
        if b"bad" in request.image:
            raise InvalidMedia("the picture cannot be decoded")
        verdict = verdict_of(request.image)
        second = match_pb2.VERDICT_NO_MATCH if verdict == match_pb2.VERDICT_MATCH else verdict
        matches = [a_match(1, verdict, probability=0.9), a_match(2, second, mirrored=True)]
        matches[0].alternatives.add(title="Tears of Steel", episode="S01E02", episode_id=2)
        return search_pb2.SearchImageResponse(
            verdict=verdict,
            matches=matches[: request.options.top_k or 10],
            exact=True,
            diagnostics=match_pb2.Diagnostics(timings_ms={"search": 1.5}),
        )

    def BatchSearchSignatures(self, request: Any, context: Any) -> Any:
        return search_pb2.BatchSearchSignaturesResponse(hits=hit_columns(request.signatures.count))

    def StreamSearch(self, requests: Any, context: Any) -> Any:
        assert next(requests).WhichOneof("content") == "config"
        for request in requests:
            if request.image == b"bad":
                error = status_of(InvalidMedia("the picture cannot be decoded"))
                yield search_pb2.StreamSearchResponse(sequence=request.sequence, error=error)
            else:
                hits = hit_columns(request.signatures.count or 1)
                yield search_pb2.StreamSearchResponse(sequence=request.sequence, hits=hits)

    def SearchVideo(self, requests: Any, context: Any) -> Any:
        _, content = collected("config", requests)
        if content.startswith(b"bad"):
            raise InvalidMedia("no video stream in it")
        yield search_pb2.SearchVideoResponse(progress=progress(0.5))
        kind = match_pb2.MEDIA_KIND_VIDEO
        if content.startswith(b"\x89MSIG"):
            kind = match_pb2.MEDIA_KIND_SIGNATURE
        verdict = verdict_of(content)
        match = a_match(3, verdict, query_to_ms=2000, to_ms=10_400, speed=-1.0)
        answer = search_pb2.ClipAnswer(kind=kind, verdict=verdict, matches=[match], exact=False)
        yield search_pb2.SearchVideoResponse(answer=answer)

    def ComputeSignature(self, request: Any, context: Any) -> Any:
        return search_pb2.ComputeSignatureResponse(
            signature=bytes(range(33)),
            descriptor_version="cld-21-6-6-mean/1",
            preprocessing_version="rgb/1",
            quality=200,
        )


class Media(media_pb2_grpc.MediaServiceServicer):
    def __init__(self, state: State) -> None:
        self.state = state

    def UploadMedia(self, requests: Any, context: Any) -> Any:
        start, content = collected("start", requests)
        with self.state.lock:
            upload_id = (
                f"upload-{self.state.calls['/mitate.v1.MediaService/UploadMedia']}-{id(start)}"
            )
            self.state.uploads[upload_id] = start.file_name, content
        return self._message(upload_id)

    def _message(self, upload_id: str) -> media_pb2.Upload:
        if upload_id not in self.state.uploads:
            raise NotFound(f"there is no upload {upload_id!r}")
        name, content = self.state.uploads[upload_id]
        return media_pb2.Upload(
            upload_id=upload_id,
            file_name=name,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            complete=True,
        )

    def GetUpload(self, request: Any, context: Any) -> Any:
        return self._message(request.upload_id)

    def DeleteUpload(self, request: Any, context: Any) -> Any:
        self.state.uploads.pop(request.upload_id, None)
        return media_pb2.DeleteUploadResponse()


class Scan(scan_pb2_grpc.ScanServiceServicer):
    def __init__(self, state: State) -> None:
        self.state = state

    def ScanVideo(self, request: Any, context: Any) -> Any:
        _, content = self.state.uploads[request.media.upload_id]
        segments = [
            a_match(1, query_from_ms=0, query_to_ms=800),
            a_match(2, query_from_ms=1000, query_to_ms=2000, mirrored=True),
        ]
        result: Any = scan_pb2.ScanVideoResponse(
            segments=[] if b"none" in content else segments,
            duration_ms=2000,
            matched_ms=1800,
            picture=b"drawn" if request.with_picture else b"",
        )
        if content.startswith(b"bad"):
            result = InvalidMedia("no video stream in it")
        metadata = scan_pb2.ScanMetadata(progress=progress(0.5))
        return self.state.operation(f"operations/{request.request_id}", result, metadata)

    def ScanLive(self, requests: Any, context: Any) -> Any:
        for number, request in enumerate(requests):
            if request.HasField("frames"):
                self.state.live.append(request.frames)
                yield scan_pb2.ScanLiveResponse(new_segments=[a_match(number)], position_ms=number)
            else:
                self.state.live_configs.append(request.config)

    def WatchScan(self, request: Any, context: Any) -> Any:
        done = self.state.operations[request.operation][-1]
        events: list[Any] = [
            scan_pb2.WatchScanResponse(
                event=1, metadata=scan_pb2.ScanMetadata(progress=progress(0.5))
            ),
            scan_pb2.WatchScanResponse(event=2, new_segments=[a_match(1)]),
            "break",
            scan_pb2.WatchScanResponse(event=3, done=done),
        ]
        for event in events[request.after_event :]:
            if event == "break":
                self.state.fail("/mitate.v1.ScanService/WatchScan", context)
            else:
                yield event


class Catalog(catalog_pb2_grpc.CatalogServiceServicer):
    def __init__(self, state: State) -> None:
        self.state = state

    def IngestEpisode(self, request: Any, context: Any) -> Any:
        name, content = self.state.uploads[request.media.upload_id]
        result: Any
        try:
            result = self.state.add(name, content, request.placement, request.allow_partial)
        except MitateError as error:
            result = error
        metadata = catalog_pb2.IngestMetadata(progress=progress(0.5))
        return self.state.operation(f"operations/{request.request_id}", result, metadata)

    def ImportSignatures(self, requests: Any, context: Any) -> Any:
        config, content = collected("config", requests)
        return self.state.add(config.file_name, content, config.placement, config.allow_partial)

    def GetStats(self, request: Any, context: Any) -> Any:
        return catalog_pb2.Stats(
            title_count=1, episode_count=2, frame_count=3000, index="numpy", server_version="0.1.0"
        )

    def CreateTitle(self, request: Any, context: Any) -> Any:
        if any(one.name == request.title.name for one in self.state.titles.values()):
            raise AlreadyExists(f"there is a title {request.title.name!r} already")
        number = len(self.state.titles) + 1
        made = catalog_pb2.Title(
            title_id=number, name=request.title.name, refs=request.title.refs, created_ms=5
        )
        self.state.titles[number] = made
        return made

    def GetTitle(self, request: Any, context: Any) -> Any:
        return self._of(self.state.titles, request.title_id, "title")

    @staticmethod
    def _of(stored: dict[int, Any], number: int, noun: str) -> Any:
        if number not in stored:
            raise NotFound(f"there is no {noun} {number}")
        return stored[number]

    def ListTitles(self, request: Any, context: Any) -> Any:
        titles, token = self._page(list(self.state.titles.values()), request.page_token)
        return catalog_pb2.ListTitlesResponse(titles=titles, next_page_token=token)

    def ListEpisodes(self, request: Any, context: Any) -> Any:
        episodes = [
            one for one in self.state.episodes.values() if request.title_id in (0, one.title_id)
        ]
        episodes, token = self._page(episodes, request.page_token)
        return catalog_pb2.ListEpisodesResponse(episodes=episodes, next_page_token=token)

    def _page(self, rows: list[Any], token: str) -> tuple[list[Any], str]:
        start = int(token or 0)
        end = start + self.state.page_size
        return rows[start:end], str(end) if end < len(rows) else ""

    def UpdateTitle(self, request: Any, context: Any) -> Any:
        title = self._of(self.state.titles, request.title.title_id, "title")
        for path in request.update_mask.paths:
            title.ClearField(path)
        title.MergeFrom(request.title)
        return title

    def DeleteTitle(self, request: Any, context: Any) -> Any:
        self._of(self.state.titles, request.title_id, "title")
        del self.state.titles[request.title_id]
        return catalog_pb2.DeleteTitleResponse()

    def CreateEpisode(self, request: Any, context: Any) -> Any:
        number = len(self.state.episodes) + 1
        made = catalog_pb2.Episode(episode_id=number)
        made.MergeFrom(request.episode)
        self.state.episodes[number] = made
        return made

    def GetEpisode(self, request: Any, context: Any) -> Any:
        return self._of(self.state.episodes, request.episode_id, "episode")

    def UpdateEpisode(self, request: Any, context: Any) -> Any:
        episode = self._of(self.state.episodes, request.episode.episode_id, "episode")
        for path in request.update_mask.paths:
            episode.ClearField(path)
        episode.MergeFrom(request.episode)
        return episode

    def DeleteEpisode(self, request: Any, context: Any) -> Any:
        self._of(self.state.episodes, request.episode_id, "episode")
        del self.state.episodes[request.episode_id]
        return catalog_pb2.DeleteEpisodeResponse()


class Operations(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    def __init__(self, state: State) -> None:
        self.state = state

    def WaitOperation(self, request: Any, context: Any) -> Any:
        steps = self.state.operations[request.name]
        return steps.pop(0) if len(steps) > 1 else steps[0]

    def CancelOperation(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


class FakeServer:
    """The fake on a free port."""

    def __init__(self) -> None:
        self.state = State()
        self.server = grpc.server(
            ThreadPoolExecutor(16), interceptors=[Recorder(self.state)], options=OPTIONS
        )
        search_pb2_grpc.add_SearchServiceServicer_to_server(Search(self.state), self.server)
        media_pb2_grpc.add_MediaServiceServicer_to_server(Media(self.state), self.server)
        scan_pb2_grpc.add_ScanServiceServicer_to_server(Scan(self.state), self.server)
        compare_pb2_grpc.add_CompareServiceServicer_to_server(Compare(self.state), self.server)
        catalog_pb2_grpc.add_CatalogServiceServicer_to_server(Catalog(self.state), self.server)
        operations_pb2_grpc.add_OperationsServicer_to_server(Operations(self.state), self.server)
        self.health = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def stop(self) -> None:
        self.server.stop(0).wait()
