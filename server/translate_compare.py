"""What `translate` does, for comparisons."""

from __future__ import annotations

from mitate.kernels.borders import Rect
from mitate.kernels.codec import encode33
from mitate.server.comparison import Comparison, Measure, Outcome, Side, Stage
from mitate.server.translate import KINDS, VERDICTS
from mitate.v1 import compare_pb2, match_pb2

OUTCOMES = {
    Outcome.TOLD: compare_pb2.STAGE_OUTCOME_TOLD,
    Outcome.PASSED: compare_pb2.STAGE_OUTCOME_PASSED,
    Outcome.FAILED: compare_pb2.STAGE_OUTCOME_FAILED,
    Outcome.SKIPPED: compare_pb2.STAGE_OUTCOME_SKIPPED,
}


def comparison(record: Comparison, picture: bytes) -> compare_pb2.Comparison:
    """Return the message of a comparison."""
    return compare_pb2.Comparison(
        verdict=VERDICTS[record.verdict],
        probability=record.probability,
        summary=record.summary,
        query=_side(record.query),
        reference=_side(record.reference),
        swapped=record.query.letter == "B",
        mirrored=record.mirrored,
        distance=record.distance,
        plain_distance=record.plain_distance,
        stages=[_stage(stage) for stage in record.stages],
        picture=picture,
    )


def _side(side: Side) -> compare_pb2.ComparedSide:
    return compare_pb2.ComparedSide(
        name=side.name,
        kind=KINDS.get(side.kind, match_pb2.MEDIA_KIND_SIGNATURE),
        at_ms=side.at_ms,
        width=side.width,
        height=side.height,
        inner=_area(side.inner),
        part=None if side.part is None else _area(side.part),
        part_name=side.part_name,
        descriptor=encode33(side.layout),
        quality=side.quality,
        episode_id=0 if side.stored is None else side.stored.episode_id,
        source_id=0 if side.stored is None else side.stored.source_id,
    )


def _area(rect: Rect) -> compare_pb2.Area:
    return compare_pb2.Area(left=rect.left, top=rect.top, right=rect.right, bottom=rect.bottom)


def _stage(stage: Stage) -> compare_pb2.Stage:
    return compare_pb2.Stage(
        name=stage.name,
        outcome=OUTCOMES[stage.outcome],
        text=stage.text,
        measures=[_measure(measure) for measure in stage.measures],
    )


def _measure(measure: Measure) -> compare_pb2.StageMeasure:
    return compare_pb2.StageMeasure(
        name=measure.name,
        text=measure.text,
        value=measure.value,
        least=measure.least,
        most=measure.most,
    )
