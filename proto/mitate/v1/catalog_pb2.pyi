from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from mitate.v1 import match_pb2 as _match_pb2
from mitate.v1 import media_pb2 as _media_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IngestStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INGEST_STATUS_UNSPECIFIED: _ClassVar[IngestStatus]
    INGEST_STATUS_ADDED: _ClassVar[IngestStatus]
    INGEST_STATUS_EXISTS: _ClassVar[IngestStatus]
    INGEST_STATUS_REPLACED: _ClassVar[IngestStatus]
INGEST_STATUS_UNSPECIFIED: IngestStatus
INGEST_STATUS_ADDED: IngestStatus
INGEST_STATUS_EXISTS: IngestStatus
INGEST_STATUS_REPLACED: IngestStatus

class Title(_message.Message):
    __slots__ = ("title_id", "name", "refs", "created_ms", "episode_count")
    class RefsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TITLE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    EPISODE_COUNT_FIELD_NUMBER: _ClassVar[int]
    title_id: int
    name: str
    refs: _containers.ScalarMap[str, str]
    created_ms: int
    episode_count: int
    def __init__(self, title_id: _Optional[int] = ..., name: _Optional[str] = ..., refs: _Optional[_Mapping[str, str]] = ..., created_ms: _Optional[int] = ..., episode_count: _Optional[int] = ...) -> None: ...

class Episode(_message.Message):
    __slots__ = ("episode_id", "title_id", "title", "episode", "refs", "created_ms", "sources")
    class RefsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    episode_id: int
    title_id: int
    title: str
    episode: str
    refs: _containers.ScalarMap[str, str]
    created_ms: int
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    def __init__(self, episode_id: _Optional[int] = ..., title_id: _Optional[int] = ..., title: _Optional[str] = ..., episode: _Optional[str] = ..., refs: _Optional[_Mapping[str, str]] = ..., created_ms: _Optional[int] = ..., sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("source_id", "episode_id", "sha256", "file_name", "kind", "frame_count", "kept_count", "duration_ms", "width", "height", "descriptor_version", "preprocessing_version", "partial", "created_ms")
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    KEPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_VERSION_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    source_id: int
    episode_id: int
    sha256: str
    file_name: str
    kind: _match_pb2.MediaKind
    frame_count: int
    kept_count: int
    duration_ms: int
    width: int
    height: int
    descriptor_version: str
    preprocessing_version: str
    partial: bool
    created_ms: int
    def __init__(self, source_id: _Optional[int] = ..., episode_id: _Optional[int] = ..., sha256: _Optional[str] = ..., file_name: _Optional[str] = ..., kind: _Optional[_Union[_match_pb2.MediaKind, str]] = ..., frame_count: _Optional[int] = ..., kept_count: _Optional[int] = ..., duration_ms: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., descriptor_version: _Optional[str] = ..., preprocessing_version: _Optional[str] = ..., partial: _Optional[bool] = ..., created_ms: _Optional[int] = ...) -> None: ...

class CreateTitleRequest(_message.Message):
    __slots__ = ("title",)
    TITLE_FIELD_NUMBER: _ClassVar[int]
    title: Title
    def __init__(self, title: _Optional[_Union[Title, _Mapping]] = ...) -> None: ...

class GetTitleRequest(_message.Message):
    __slots__ = ("title_id",)
    TITLE_ID_FIELD_NUMBER: _ClassVar[int]
    title_id: int
    def __init__(self, title_id: _Optional[int] = ...) -> None: ...

class ListTitlesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTitlesResponse(_message.Message):
    __slots__ = ("titles", "next_page_token", "total_size")
    TITLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    titles: _containers.RepeatedCompositeFieldContainer[Title]
    next_page_token: str
    total_size: int
    def __init__(self, titles: _Optional[_Iterable[_Union[Title, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class UpdateTitleRequest(_message.Message):
    __slots__ = ("title", "update_mask")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    title: Title
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, title: _Optional[_Union[Title, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class DeleteTitleRequest(_message.Message):
    __slots__ = ("title_id", "force")
    TITLE_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    title_id: int
    force: bool
    def __init__(self, title_id: _Optional[int] = ..., force: _Optional[bool] = ...) -> None: ...

class DeleteTitleResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateEpisodeRequest(_message.Message):
    __slots__ = ("episode",)
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    episode: Episode
    def __init__(self, episode: _Optional[_Union[Episode, _Mapping]] = ...) -> None: ...

class GetEpisodeRequest(_message.Message):
    __slots__ = ("episode_id",)
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    episode_id: int
    def __init__(self, episode_id: _Optional[int] = ...) -> None: ...

class ListEpisodesRequest(_message.Message):
    __slots__ = ("title_id", "page_size", "page_token")
    TITLE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    title_id: int
    page_size: int
    page_token: str
    def __init__(self, title_id: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEpisodesResponse(_message.Message):
    __slots__ = ("episodes", "next_page_token", "total_size")
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    episodes: _containers.RepeatedCompositeFieldContainer[Episode]
    next_page_token: str
    total_size: int
    def __init__(self, episodes: _Optional[_Iterable[_Union[Episode, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class UpdateEpisodeRequest(_message.Message):
    __slots__ = ("episode", "update_mask")
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    episode: Episode
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, episode: _Optional[_Union[Episode, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class DeleteEpisodeRequest(_message.Message):
    __slots__ = ("episode_id",)
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    episode_id: int
    def __init__(self, episode_id: _Optional[int] = ...) -> None: ...

class DeleteEpisodeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Placement(_message.Message):
    __slots__ = ("title", "episode", "refs", "episode_id", "replace_episode_id")
    class RefsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TITLE_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    REPLACE_EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    title: str
    episode: str
    refs: _containers.ScalarMap[str, str]
    episode_id: int
    replace_episode_id: int
    def __init__(self, title: _Optional[str] = ..., episode: _Optional[str] = ..., refs: _Optional[_Mapping[str, str]] = ..., episode_id: _Optional[int] = ..., replace_episode_id: _Optional[int] = ...) -> None: ...

class IngestEpisodeRequest(_message.Message):
    __slots__ = ("media", "placement", "request_id", "allow_partial")
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    media: _media_pb2.MediaSource
    placement: Placement
    request_id: str
    allow_partial: bool
    def __init__(self, media: _Optional[_Union[_media_pb2.MediaSource, _Mapping]] = ..., placement: _Optional[_Union[Placement, _Mapping]] = ..., request_id: _Optional[str] = ..., allow_partial: _Optional[bool] = ...) -> None: ...

class IngestMetadata(_message.Message):
    __slots__ = ("progress",)
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    progress: _match_pb2.Progress
    def __init__(self, progress: _Optional[_Union[_match_pb2.Progress, _Mapping]] = ...) -> None: ...

class IngestResult(_message.Message):
    __slots__ = ("status", "episode", "source", "diagnostics")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    status: IngestStatus
    episode: Episode
    source: Source
    diagnostics: _match_pb2.Diagnostics
    def __init__(self, status: _Optional[_Union[IngestStatus, str]] = ..., episode: _Optional[_Union[Episode, _Mapping]] = ..., source: _Optional[_Union[Source, _Mapping]] = ..., diagnostics: _Optional[_Union[_match_pb2.Diagnostics, _Mapping]] = ...) -> None: ...

class ImportSignaturesConfig(_message.Message):
    __slots__ = ("file_name", "sha256", "placement", "allow_partial")
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    ALLOW_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    file_name: str
    sha256: str
    placement: Placement
    allow_partial: bool
    def __init__(self, file_name: _Optional[str] = ..., sha256: _Optional[str] = ..., placement: _Optional[_Union[Placement, _Mapping]] = ..., allow_partial: _Optional[bool] = ...) -> None: ...

class ImportSignaturesRequest(_message.Message):
    __slots__ = ("config", "chunk")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    config: ImportSignaturesConfig
    chunk: bytes
    def __init__(self, config: _Optional[_Union[ImportSignaturesConfig, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Stats(_message.Message):
    __slots__ = ("title_count", "episode_count", "source_count", "frame_count", "kept_count", "duration_ms", "stored_bytes", "index_generation", "index", "queued_signatures", "started_ms", "server_version", "descriptor_version", "vector_version")
    TITLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    EPISODE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    KEPT_COUNT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    INDEX_GENERATION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    QUEUED_SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    STARTED_MS_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    VECTOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    title_count: int
    episode_count: int
    source_count: int
    frame_count: int
    kept_count: int
    duration_ms: int
    stored_bytes: int
    index_generation: int
    index: str
    queued_signatures: int
    started_ms: int
    server_version: str
    descriptor_version: str
    vector_version: str
    def __init__(self, title_count: _Optional[int] = ..., episode_count: _Optional[int] = ..., source_count: _Optional[int] = ..., frame_count: _Optional[int] = ..., kept_count: _Optional[int] = ..., duration_ms: _Optional[int] = ..., stored_bytes: _Optional[int] = ..., index_generation: _Optional[int] = ..., index: _Optional[str] = ..., queued_signatures: _Optional[int] = ..., started_ms: _Optional[int] = ..., server_version: _Optional[str] = ..., descriptor_version: _Optional[str] = ..., vector_version: _Optional[str] = ...) -> None: ...
