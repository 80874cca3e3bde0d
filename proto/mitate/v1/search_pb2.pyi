from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.rpc import status_pb2 as _status_pb2
from mitate.v1 import match_pb2 as _match_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SignatureType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGNATURE_TYPE_UNSPECIFIED: _ClassVar[SignatureType]
    SIGNATURE_TYPE_CLD_33: _ClassVar[SignatureType]
    SIGNATURE_TYPE_CLD_35: _ClassVar[SignatureType]
SIGNATURE_TYPE_UNSPECIFIED: SignatureType
SIGNATURE_TYPE_CLD_33: SignatureType
SIGNATURE_TYPE_CLD_35: SignatureType

class SignatureBatch(_message.Message):
    __slots__ = ("type", "data", "count", "descriptor_version")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    type: SignatureType
    data: bytes
    count: int
    descriptor_version: str
    def __init__(self, type: _Optional[_Union[SignatureType, str]] = ..., data: _Optional[bytes] = ..., count: _Optional[int] = ..., descriptor_version: _Optional[str] = ...) -> None: ...

class EpisodeEntry(_message.Message):
    __slots__ = ("episode_id", "episode", "title_id", "title", "refs")
    class RefsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    episode_id: int
    episode: str
    title_id: int
    title: str
    refs: _containers.ScalarMap[str, str]
    def __init__(self, episode_id: _Optional[int] = ..., episode: _Optional[str] = ..., title_id: _Optional[int] = ..., title: _Optional[str] = ..., refs: _Optional[_Mapping[str, str]] = ...) -> None: ...

class HitColumns(_message.Message):
    __slots__ = ("top_k", "episode_indexes", "source_ids", "from_ms", "to_ms", "at_ms", "distances", "mirrored", "verdicts", "hit_counts", "query_verdicts", "episodes", "exact", "probabilities", "views")
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    EPISODE_INDEXES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_IDS_FIELD_NUMBER: _ClassVar[int]
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    TO_MS_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    DISTANCES_FIELD_NUMBER: _ClassVar[int]
    MIRRORED_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    HIT_COUNTS_FIELD_NUMBER: _ClassVar[int]
    QUERY_VERDICTS_FIELD_NUMBER: _ClassVar[int]
    EPISODES_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    top_k: int
    episode_indexes: bytes
    source_ids: bytes
    from_ms: bytes
    to_ms: bytes
    at_ms: bytes
    distances: bytes
    mirrored: bytes
    verdicts: bytes
    hit_counts: bytes
    query_verdicts: bytes
    episodes: _containers.RepeatedCompositeFieldContainer[EpisodeEntry]
    exact: bool
    probabilities: bytes
    views: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, top_k: _Optional[int] = ..., episode_indexes: _Optional[bytes] = ..., source_ids: _Optional[bytes] = ..., from_ms: _Optional[bytes] = ..., to_ms: _Optional[bytes] = ..., at_ms: _Optional[bytes] = ..., distances: _Optional[bytes] = ..., mirrored: _Optional[bytes] = ..., verdicts: _Optional[bytes] = ..., hit_counts: _Optional[bytes] = ..., query_verdicts: _Optional[bytes] = ..., episodes: _Optional[_Iterable[_Union[EpisodeEntry, _Mapping]]] = ..., exact: _Optional[bool] = ..., probabilities: _Optional[bytes] = ..., views: _Optional[_Iterable[str]] = ...) -> None: ...

class SearchImageRequest(_message.Message):
    __slots__ = ("image", "options")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    options: _match_pb2.SearchOptions
    def __init__(self, image: _Optional[bytes] = ..., options: _Optional[_Union[_match_pb2.SearchOptions, _Mapping]] = ...) -> None: ...

class SearchImageResponse(_message.Message):
    __slots__ = ("verdict", "matches", "exact", "diagnostics")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    verdict: _match_pb2.Verdict
    matches: _containers.RepeatedCompositeFieldContainer[_match_pb2.Match]
    exact: bool
    diagnostics: _match_pb2.Diagnostics
    def __init__(self, verdict: _Optional[_Union[_match_pb2.Verdict, str]] = ..., matches: _Optional[_Iterable[_Union[_match_pb2.Match, _Mapping]]] = ..., exact: _Optional[bool] = ..., diagnostics: _Optional[_Union[_match_pb2.Diagnostics, _Mapping]] = ...) -> None: ...

class BatchSearchSignaturesRequest(_message.Message):
    __slots__ = ("signatures", "options")
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    signatures: SignatureBatch
    options: _match_pb2.SearchOptions
    def __init__(self, signatures: _Optional[_Union[SignatureBatch, _Mapping]] = ..., options: _Optional[_Union[_match_pb2.SearchOptions, _Mapping]] = ...) -> None: ...

class BatchSearchSignaturesResponse(_message.Message):
    __slots__ = ("hits", "diagnostics")
    HITS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    hits: HitColumns
    diagnostics: _match_pb2.Diagnostics
    def __init__(self, hits: _Optional[_Union[HitColumns, _Mapping]] = ..., diagnostics: _Optional[_Union[_match_pb2.Diagnostics, _Mapping]] = ...) -> None: ...

class StreamSearchConfig(_message.Message):
    __slots__ = ("options", "preserve_order")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRESERVE_ORDER_FIELD_NUMBER: _ClassVar[int]
    options: _match_pb2.SearchOptions
    preserve_order: bool
    def __init__(self, options: _Optional[_Union[_match_pb2.SearchOptions, _Mapping]] = ..., preserve_order: _Optional[bool] = ...) -> None: ...

class StreamSearchRequest(_message.Message):
    __slots__ = ("sequence", "config", "signatures", "image")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    config: StreamSearchConfig
    signatures: SignatureBatch
    image: bytes
    def __init__(self, sequence: _Optional[int] = ..., config: _Optional[_Union[StreamSearchConfig, _Mapping]] = ..., signatures: _Optional[_Union[SignatureBatch, _Mapping]] = ..., image: _Optional[bytes] = ...) -> None: ...

class StreamSearchResponse(_message.Message):
    __slots__ = ("sequence", "hits", "error", "diagnostics")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    hits: HitColumns
    error: _status_pb2.Status
    diagnostics: _match_pb2.Diagnostics
    def __init__(self, sequence: _Optional[int] = ..., hits: _Optional[_Union[HitColumns, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., diagnostics: _Optional[_Union[_match_pb2.Diagnostics, _Mapping]] = ...) -> None: ...

class SearchVideoConfig(_message.Message):
    __slots__ = ("options", "total_bytes")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    options: _match_pb2.SearchOptions
    total_bytes: int
    def __init__(self, options: _Optional[_Union[_match_pb2.SearchOptions, _Mapping]] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class SearchVideoRequest(_message.Message):
    __slots__ = ("config", "chunk")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    config: SearchVideoConfig
    chunk: bytes
    def __init__(self, config: _Optional[_Union[SearchVideoConfig, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ClipAnswer(_message.Message):
    __slots__ = ("kind", "verdict", "matches", "exact")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    kind: _match_pb2.MediaKind
    verdict: _match_pb2.Verdict
    matches: _containers.RepeatedCompositeFieldContainer[_match_pb2.Match]
    exact: bool
    def __init__(self, kind: _Optional[_Union[_match_pb2.MediaKind, str]] = ..., verdict: _Optional[_Union[_match_pb2.Verdict, str]] = ..., matches: _Optional[_Iterable[_Union[_match_pb2.Match, _Mapping]]] = ..., exact: _Optional[bool] = ...) -> None: ...

class SearchVideoResponse(_message.Message):
    __slots__ = ("progress", "answer", "diagnostics")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    progress: _match_pb2.Progress
    answer: ClipAnswer
    diagnostics: _match_pb2.Diagnostics
    def __init__(self, progress: _Optional[_Union[_match_pb2.Progress, _Mapping]] = ..., answer: _Optional[_Union[ClipAnswer, _Mapping]] = ..., diagnostics: _Optional[_Union[_match_pb2.Diagnostics, _Mapping]] = ...) -> None: ...

class ComputeSignatureRequest(_message.Message):
    __slots__ = ("image", "type", "keep_borders")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KEEP_BORDERS_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    type: SignatureType
    keep_borders: bool
    def __init__(self, image: _Optional[bytes] = ..., type: _Optional[_Union[SignatureType, str]] = ..., keep_borders: _Optional[bool] = ...) -> None: ...

class ComputeSignatureResponse(_message.Message):
    __slots__ = ("signature", "descriptor_version", "preprocessing_version", "quality")
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_VERSION_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    signature: bytes
    descriptor_version: str
    preprocessing_version: str
    quality: int
    def __init__(self, signature: _Optional[bytes] = ..., descriptor_version: _Optional[str] = ..., preprocessing_version: _Optional[str] = ..., quality: _Optional[int] = ...) -> None: ...
