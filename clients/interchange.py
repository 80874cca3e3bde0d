"""Timelines as files that editing programs and tables read: OpenTimelineIO, CMX 3600 EDL, CSV.

OpenTimelineIO and its EDL adapter are optional. Times are rounded to frames of a rate that the
caller names, so that segments which touch still touch.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mitate.clients.cli_files import write_file
from mitate.clients.cli_text import place
from mitate.clients.results import Match, Timeline
from mitate.kernels.errors import InvalidArgument

if TYPE_CHECKING:
    import opentimelineio as otio

SUFFIXES = (".otio", ".edl", ".csv")
RATE = 24.0  # frames per second of a timeline when none is named
_SPEED_TOLERANCE = 0.005  # of a speed that counts as that of the source
_TIMECODE = r"[\d:;]{11}"
_EVENT = re.compile(rf"\d+ +(?P<reel>.+?) +V +C +{_TIMECODE} (?P<out>{_TIMECODE}) ")
_COLUMNS = (
    *("query_from_ms", "query_to_ms", "title", "episode", "episode_id", "source_id"),
    *("from_ms", "to_ms", "speed", "mirrored", "similarity", "probability", "verdict"),
    "alternatives",
)


def exported(timeline: Timeline, name: str, suffix: str, rate: float = RATE) -> str:
    """Return a timeline as the text of a file with that suffix.

    Raises:
        InvalidArgument: no such format, a rate that no timeline has, or OpenTimelineIO is missing.
    """
    if suffix not in SUFFIXES:
        raise InvalidArgument(f"{suffix!r} names no format; allowed are {', '.join(SUFFIXES)}")
    _check_rate(rate)
    if suffix == ".csv":
        return as_csv(timeline)
    adapter = "cmx_3600" if suffix == ".edl" else "otio_json"
    made = as_otio(timeline, name, rate)
    options = {"rate": rate} if suffix == ".edl" else {}
    text = str(_otio().adapters.write_to_string(made, adapter_name=adapter, **options))
    return _with_speeds(text, made, rate) if suffix == ".edl" else text


def check(path: Path, rate: float = RATE) -> None:
    """Raise what `export` would raise, before long work."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidArgument(
            f"{path}: the suffix {suffix!r} names no format; allowed are {', '.join(SUFFIXES)}"
        )
    _check_rate(rate)
    if suffix != ".csv":
        _otio()


def _check_rate(rate: float) -> None:
    if not 1 <= rate <= 1000:
        raise InvalidArgument(f"rate {rate:g}; 1 to 1000 frames per second are allowed")


def export(timeline: Timeline, path: Path, name: str, rate: float = RATE) -> None:
    """Write a timeline to a file whose suffix says how; raises as `exported`.

    Raises:
        PermissionRefused: it cannot be written.
    """
    write_file(path, exported(timeline, name, path.suffix.lower(), rate).encode())


def as_csv(timeline: Timeline) -> str:
    """Return a line for each segment, after one with the names of the columns."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for segment in timeline.segments:
        others = "; ".join(place(one.title, one.episode) for one in segment.alternatives)
        values = [getattr(segment, name) for name in _COLUMNS[:-1]]
        writer.writerow([*("" if value is None else value for value in values), others])
    return file.getvalue()


def as_otio(timeline: Timeline, name: str, rate: float = RATE) -> otio.schema.Timeline:
    """Return a timeline of one video track, with gaps where nothing was recognised."""
    schema = _otio().schema
    track = schema.Track(name="mitate", kind=schema.TrackKind.Video)
    reached = 0
    for segment in timeline.segments:
        first = max(reached, _frame(segment.query_from_ms, rate))
        stop = _frame(segment.query_to_ms, rate)
        if stop <= first:
            continue
        if first > reached:
            track.append(schema.Gap(source_range=_range(0, first - reached, rate)))
        track.append(_clip(segment, stop - first, rate))
        reached = stop
    end = _frame(timeline.duration_ms, rate)
    if end > reached:
        track.append(schema.Gap(source_range=_range(0, end - reached, rate)))
    made = schema.Timeline(name=name)
    made.tracks.append(track)
    return made


def _clip(segment: Match, n_frames: int, rate: float) -> otio.schema.Clip:
    schema = _otio().schema
    name = place(segment.title, segment.episode)
    known = _frame(max(segment.from_ms, segment.to_ms), rate) + 1
    reference = schema.MissingReference(name=name, available_range=_range(0, known, rate))
    begin = _frame(min(segment.from_ms, segment.to_ms), rate)
    clip = schema.Clip(
        name=name, media_reference=reference, source_range=_range(begin, n_frames, rate)
    )
    if segment.speed == 0:
        clip.effects.append(schema.FreezeFrame())
    elif abs(segment.speed - 1) > _SPEED_TOLERANCE:
        clip.effects.append(schema.LinearTimeWarp(time_scalar=segment.speed))
    clip.metadata["mitate"] = _metadata(segment)
    comments = ["mirrored"] if segment.mirrored else []
    comments += [] if segment.verdict.is_believed else ["uncertain"]
    if comments:
        clip.metadata["cmx_3600"] = {"comments": comments}
    return clip


def _with_speeds(text: str, timeline: otio.schema.Timeline, rate: float) -> str:
    """Return an EDL with the source ranges and reels of clips at another speed.

    The adapter divides their length by the speed, and names them in M2 lines as no event does.
    """
    clips, reel, lines = iter(timeline.find_clips()), "", []
    for line in text.splitlines(keepends=True):
        event = _EVENT.match(line)
        if event is not None:
            reel = event["reel"]
            line = (
                line[: event.start("out")]
                + _source_out(next(clips), rate, event["out"])
                + (line[event.end("out") :])
            )
        elif line.startswith("M2 "):
            line = f"M2   {reel}\t\t" + line.split("\t\t", 1)[1]
        lines.append(line)
    return "".join(lines)


def _source_out(clip: otio.schema.Clip, rate: float, written: str) -> str:
    schema, time = _otio().schema, _otio().opentime
    speeds = [one.time_scalar for one in clip.effects if isinstance(one, schema.LinearTimeWarp)]
    if not speeds or not speeds[0]:
        return written
    shown = clip.source_range
    n_frames = round(shown.duration.value * abs(speeds[0]))
    return str(time.to_timecode(shown.start_time + time.RationalTime(n_frames, rate), rate))


def _metadata(segment: Match) -> dict[str, Any]:
    return {
        "title_id": segment.title_id,
        "episode_id": segment.episode_id,
        "source_id": segment.source_id,
        "query_from_ms": segment.query_from_ms,
        "query_to_ms": segment.query_to_ms,
        "from_ms": segment.from_ms,
        "to_ms": segment.to_ms,
        "mirrored": segment.mirrored,
        "similarity": segment.similarity,
        "probability": segment.probability,
        "verdict": segment.verdict.value,
        "also_in": [place(one.title, one.episode) for one in segment.alternatives],
        "refs": dict(segment.refs),
    }


def _frame(time_ms: int, rate: float) -> int:
    return round(time_ms * rate / 1000)


def _range(first: int, n_frames: int, rate: float) -> otio.opentime.TimeRange:
    time = _otio().opentime
    return time.TimeRange(time.RationalTime(first, rate), time.RationalTime(n_frames, rate))


def _otio() -> Any:
    try:
        import opentimelineio
    except ImportError as error:
        raise InvalidArgument(
            "OpenTimelineIO is not installed; pip install 'mitate[editing]', or export .csv"
        ) from error
    return opentimelineio
