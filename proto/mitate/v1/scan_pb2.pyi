from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from mitate.v1 import match_pb2 as _match_pb2
from mitate.v1 import media_pb2 as _media_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScanLiveConfig(_message.Message):
    __slots__ = ("options", "lag_ms")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    LAG_MS_FIELD_NUMBER: _ClassVar[int]
    options: _match_pb2.SearchOptions
    lag_ms: int
    def __init__(self, options: _Optional[_Union[_match_pb2.SearchOptions, _Mapping]] = ..., lag_ms: _Optional[int] = ...) -> None: ...

class ScanLiveRequest(_message.Message):
    __slots__ = ("config", "frames")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    config: ScanLiveConfig
    frames: bytes
    def __init__(self, config: _Optional[_Union[ScanLiveConfig, _Mapping]] = ..., frames: _Optional[bytes] = ...) -> None: ...

class ScanLiveResponse(_message.Message):
    __slots__ = ("new_segments", "position_ms")
    NEW_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    POSITION_MS_FIELD_NUMBER: _ClassVar[int]
    new_segments: _containers.RepeatedCompositeFieldContainer[_match_pb2.Match]
    position_ms: int
    def __init__(self, new_segments: _Optional[_Iterable[_Union[_match_pb2.Match, _Mapping]]] = ..., position_ms: _Optional[int] = ...) -> None: ...

class ScanVideoRequest(_message.Message):
    __slots__ = ("media", "options", "request_id", "with_picture")
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WITH_PICTURE_FIELD_NUMBER: _ClassVar[int]
    media: _media_pb2.MediaSource
    options: _match_pb2.SearchOptions
    request_id: str
    with_picture: bool
    def __init__(self, media: _Optional[_Union[_media_pb2.MediaSource, _Mapping]] = ..., options: _Optional[_Union[_match_pb2.SearchOptions, _Mapping]] = ..., request_id: _Optional[str] = ..., with_picture: _Optional[bool] = ...) -> None: ...

class ScanVideoResponse(_message.Message):
    __slots__ = ("segments", "duration_ms", "matched_ms", "diagnostics", "picture")
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    MATCHED_MS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[_match_pb2.Match]
    duration_ms: int
    matched_ms: int
    diagnostics: _match_pb2.Diagnostics
    picture: bytes
    def __init__(self, segments: _Optional[_Iterable[_Union[_match_pb2.Match, _Mapping]]] = ..., duration_ms: _Optional[int] = ..., matched_ms: _Optional[int] = ..., diagnostics: _Optional[_Union[_match_pb2.Diagnostics, _Mapping]] = ..., picture: _Optional[bytes] = ...) -> None: ...

class ScanMetadata(_message.Message):
    __slots__ = ("progress", "segments")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    progress: _match_pb2.Progress
    segments: int
    def __init__(self, progress: _Optional[_Union[_match_pb2.Progress, _Mapping]] = ..., segments: _Optional[int] = ...) -> None: ...

class WatchScanRequest(_message.Message):
    __slots__ = ("operation", "after_event")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_FIELD_NUMBER: _ClassVar[int]
    operation: str
    after_event: int
    def __init__(self, operation: _Optional[str] = ..., after_event: _Optional[int] = ...) -> None: ...

class WatchScanResponse(_message.Message):
    __slots__ = ("event", "metadata", "new_segments", "done")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    NEW_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    event: int
    metadata: ScanMetadata
    new_segments: _containers.RepeatedCompositeFieldContainer[_match_pb2.Match]
    done: _operations_pb2.Operation
    def __init__(self, event: _Optional[int] = ..., metadata: _Optional[_Union[ScanMetadata, _Mapping]] = ..., new_segments: _Optional[_Iterable[_Union[_match_pb2.Match, _Mapping]]] = ..., done: _Optional[_Union[_operations_pb2.Operation, _Mapping]] = ...) -> None: ...
