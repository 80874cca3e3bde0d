from google.api import field_behavior_pb2 as _field_behavior_pb2
from mitate.v1 import match_pb2 as _match_pb2
from mitate.v1 import media_pb2 as _media_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StageOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAGE_OUTCOME_UNSPECIFIED: _ClassVar[StageOutcome]
    STAGE_OUTCOME_TOLD: _ClassVar[StageOutcome]
    STAGE_OUTCOME_PASSED: _ClassVar[StageOutcome]
    STAGE_OUTCOME_FAILED: _ClassVar[StageOutcome]
    STAGE_OUTCOME_SKIPPED: _ClassVar[StageOutcome]
STAGE_OUTCOME_UNSPECIFIED: StageOutcome
STAGE_OUTCOME_TOLD: StageOutcome
STAGE_OUTCOME_PASSED: StageOutcome
STAGE_OUTCOME_FAILED: StageOutcome
STAGE_OUTCOME_SKIPPED: StageOutcome

class Subject(_message.Message):
    __slots__ = ("media", "episode_id", "source_id", "at_ms")
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    media: _media_pb2.MediaSource
    episode_id: int
    source_id: int
    at_ms: int
    def __init__(self, media: _Optional[_Union[_media_pb2.MediaSource, _Mapping]] = ..., episode_id: _Optional[int] = ..., source_id: _Optional[int] = ..., at_ms: _Optional[int] = ...) -> None: ...

class CompareRequest(_message.Message):
    __slots__ = ("a", "b", "without_picture")
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_PICTURE_FIELD_NUMBER: _ClassVar[int]
    a: Subject
    b: Subject
    without_picture: bool
    def __init__(self, a: _Optional[_Union[Subject, _Mapping]] = ..., b: _Optional[_Union[Subject, _Mapping]] = ..., without_picture: _Optional[bool] = ...) -> None: ...

class StageMeasure(_message.Message):
    __slots__ = ("name", "text", "value", "least", "most")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LEAST_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    value: float
    least: float
    most: float
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ..., value: _Optional[float] = ..., least: _Optional[float] = ..., most: _Optional[float] = ...) -> None: ...

class Stage(_message.Message):
    __slots__ = ("name", "outcome", "text", "measures")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MEASURES_FIELD_NUMBER: _ClassVar[int]
    name: str
    outcome: StageOutcome
    text: str
    measures: _containers.RepeatedCompositeFieldContainer[StageMeasure]
    def __init__(self, name: _Optional[str] = ..., outcome: _Optional[_Union[StageOutcome, str]] = ..., text: _Optional[str] = ..., measures: _Optional[_Iterable[_Union[StageMeasure, _Mapping]]] = ...) -> None: ...

class Area(_message.Message):
    __slots__ = ("left", "top", "right", "bottom")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    left: int
    top: int
    right: int
    bottom: int
    def __init__(self, left: _Optional[int] = ..., top: _Optional[int] = ..., right: _Optional[int] = ..., bottom: _Optional[int] = ...) -> None: ...

class ComparedSide(_message.Message):
    __slots__ = ("name", "kind", "at_ms", "width", "height", "inner", "part", "part_name", "descriptor", "quality", "episode_id", "source_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    INNER_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    PART_NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: _match_pb2.MediaKind
    at_ms: int
    width: int
    height: int
    inner: Area
    part: Area
    part_name: str
    descriptor: bytes
    quality: int
    episode_id: int
    source_id: int
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[_match_pb2.MediaKind, str]] = ..., at_ms: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., inner: _Optional[_Union[Area, _Mapping]] = ..., part: _Optional[_Union[Area, _Mapping]] = ..., part_name: _Optional[str] = ..., descriptor: _Optional[bytes] = ..., quality: _Optional[int] = ..., episode_id: _Optional[int] = ..., source_id: _Optional[int] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("verdict", "probability", "summary", "query", "reference", "swapped", "mirrored", "distance", "plain_distance", "stages", "picture")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    SWAPPED_FIELD_NUMBER: _ClassVar[int]
    MIRRORED_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    PLAIN_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    verdict: _match_pb2.Verdict
    probability: float
    summary: str
    query: ComparedSide
    reference: ComparedSide
    swapped: bool
    mirrored: bool
    distance: float
    plain_distance: float
    stages: _containers.RepeatedCompositeFieldContainer[Stage]
    picture: bytes
    def __init__(self, verdict: _Optional[_Union[_match_pb2.Verdict, str]] = ..., probability: _Optional[float] = ..., summary: _Optional[str] = ..., query: _Optional[_Union[ComparedSide, _Mapping]] = ..., reference: _Optional[_Union[ComparedSide, _Mapping]] = ..., swapped: _Optional[bool] = ..., mirrored: _Optional[bool] = ..., distance: _Optional[float] = ..., plain_distance: _Optional[float] = ..., stages: _Optional[_Iterable[_Union[Stage, _Mapping]]] = ..., picture: _Optional[bytes] = ...) -> None: ...

class CompareResponse(_message.Message):
    __slots__ = ("progress", "comparison", "diagnostics")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    progress: _match_pb2.Progress
    comparison: Comparison
    diagnostics: _match_pb2.Diagnostics
    def __init__(self, progress: _Optional[_Union[_match_pb2.Progress, _Mapping]] = ..., comparison: _Optional[_Union[Comparison, _Mapping]] = ..., diagnostics: _Optional[_Union[_match_pb2.Diagnostics, _Mapping]] = ...) -> None: ...
