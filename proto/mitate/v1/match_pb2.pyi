from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_MATCH: _ClassVar[Verdict]
    VERDICT_AMBIGUOUS: _ClassVar[Verdict]
    VERDICT_NO_MATCH: _ClassVar[Verdict]
    VERDICT_UNINFORMATIVE: _ClassVar[Verdict]

class MediaKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_KIND_UNSPECIFIED: _ClassVar[MediaKind]
    MEDIA_KIND_VIDEO: _ClassVar[MediaKind]
    MEDIA_KIND_IMAGE: _ClassVar[MediaKind]
    MEDIA_KIND_SIGNATURE: _ClassVar[MediaKind]

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_INTERACTIVE: _ClassVar[Priority]
    PRIORITY_BULK: _ClassVar[Priority]
VERDICT_UNSPECIFIED: Verdict
VERDICT_MATCH: Verdict
VERDICT_AMBIGUOUS: Verdict
VERDICT_NO_MATCH: Verdict
VERDICT_UNINFORMATIVE: Verdict
MEDIA_KIND_UNSPECIFIED: MediaKind
MEDIA_KIND_VIDEO: MediaKind
MEDIA_KIND_IMAGE: MediaKind
MEDIA_KIND_SIGNATURE: MediaKind
PRIORITY_UNSPECIFIED: Priority
PRIORITY_INTERACTIVE: Priority
PRIORITY_BULK: Priority

class Alternative(_message.Message):
    __slots__ = ("title", "title_id", "episode", "episode_id", "source_id", "from_ms", "to_ms", "distance")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TITLE_ID_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    TO_MS_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    title: str
    title_id: int
    episode: str
    episode_id: int
    source_id: int
    from_ms: int
    to_ms: int
    distance: float
    def __init__(self, title: _Optional[str] = ..., title_id: _Optional[int] = ..., episode: _Optional[str] = ..., episode_id: _Optional[int] = ..., source_id: _Optional[int] = ..., from_ms: _Optional[int] = ..., to_ms: _Optional[int] = ..., distance: _Optional[float] = ...) -> None: ...

class Match(_message.Message):
    __slots__ = ("title", "title_id", "episode", "episode_id", "source_id", "query_from_ms", "query_to_ms", "from_ms", "to_ms", "at_ms", "mirrored", "speed", "distance", "similarity", "probability", "verdict", "view", "alternatives", "refs")
    class RefsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TITLE_ID_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    QUERY_FROM_MS_FIELD_NUMBER: _ClassVar[int]
    QUERY_TO_MS_FIELD_NUMBER: _ClassVar[int]
    FROM_MS_FIELD_NUMBER: _ClassVar[int]
    TO_MS_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    MIRRORED_FIELD_NUMBER: _ClassVar[int]
    SPEED_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    title: str
    title_id: int
    episode: str
    episode_id: int
    source_id: int
    query_from_ms: int
    query_to_ms: int
    from_ms: int
    to_ms: int
    at_ms: int
    mirrored: bool
    speed: float
    distance: float
    similarity: float
    probability: float
    verdict: Verdict
    view: str
    alternatives: _containers.RepeatedCompositeFieldContainer[Alternative]
    refs: _containers.ScalarMap[str, str]
    def __init__(self, title: _Optional[str] = ..., title_id: _Optional[int] = ..., episode: _Optional[str] = ..., episode_id: _Optional[int] = ..., source_id: _Optional[int] = ..., query_from_ms: _Optional[int] = ..., query_to_ms: _Optional[int] = ..., from_ms: _Optional[int] = ..., to_ms: _Optional[int] = ..., at_ms: _Optional[int] = ..., mirrored: _Optional[bool] = ..., speed: _Optional[float] = ..., distance: _Optional[float] = ..., similarity: _Optional[float] = ..., probability: _Optional[float] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., view: _Optional[str] = ..., alternatives: _Optional[_Iterable[_Union[Alternative, _Mapping]]] = ..., refs: _Optional[_Mapping[str, str]] = ...) -> None: ...

class SearchOptions(_message.Message):
    __slots__ = ("top_k", "title_ids", "episode_ids", "excluded_episode_ids", "keep_borders", "unmirrored_only", "priority")
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TITLE_IDS_FIELD_NUMBER: _ClassVar[int]
    EPISODE_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_EPISODE_IDS_FIELD_NUMBER: _ClassVar[int]
    KEEP_BORDERS_FIELD_NUMBER: _ClassVar[int]
    UNMIRRORED_ONLY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    top_k: int
    title_ids: _containers.RepeatedScalarFieldContainer[int]
    episode_ids: _containers.RepeatedScalarFieldContainer[int]
    excluded_episode_ids: _containers.RepeatedScalarFieldContainer[int]
    keep_borders: bool
    unmirrored_only: bool
    priority: Priority
    def __init__(self, top_k: _Optional[int] = ..., title_ids: _Optional[_Iterable[int]] = ..., episode_ids: _Optional[_Iterable[int]] = ..., excluded_episode_ids: _Optional[_Iterable[int]] = ..., keep_borders: _Optional[bool] = ..., unmirrored_only: _Optional[bool] = ..., priority: _Optional[_Union[Priority, str]] = ...) -> None: ...

class Diagnostics(_message.Message):
    __slots__ = ("index_generation", "timings_ms", "batch_signatures")
    class TimingsMsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    INDEX_GENERATION_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_MS_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    index_generation: int
    timings_ms: _containers.ScalarMap[str, float]
    batch_signatures: int
    def __init__(self, index_generation: _Optional[int] = ..., timings_ms: _Optional[_Mapping[str, float]] = ..., batch_signatures: _Optional[int] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("decoded_frames", "position_ms", "duration_ms", "fraction")
    DECODED_FRAMES_FIELD_NUMBER: _ClassVar[int]
    POSITION_MS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    decoded_frames: int
    position_ms: int
    duration_ms: int
    fraction: float
    def __init__(self, decoded_frames: _Optional[int] = ..., position_ms: _Optional[int] = ..., duration_ms: _Optional[int] = ..., fraction: _Optional[float] = ...) -> None: ...
