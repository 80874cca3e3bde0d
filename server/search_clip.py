"""Search of clips and scan of videos made of many sources, both by alignment in time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mitate.kernels.signature import Signature
from mitate.kernels.views import MIRRORED
from mitate.server.align import Alignment, align, sample
from mitate.server.clip_stretches import (
    LEAST_PROBABILITY,
    Chance,
    chosen_of,
    most_probable_first,
)
from mitate.server.emissions import Frames, Likelihood, Line
from mitate.server.hypotheses import Hits
from mitate.server.library import LoadedSource
from mitate.server.likeness import compared, likeness
from mitate.server.query_views import SomeViews
from mitate.server.records import Alternative, Answer, Match, Timeline, Verdict
from mitate.server.search import TIE_SHARE, Find, NameOf, make_alternative, make_match
from mitate.server.search_frames import FrameSearch, frames_of
from mitate.server.search_picture import search_pictures
from mitate.server.second_look import look_again
from mitate.server.segments import clip_calibration, segment_calibration
from mitate.server.stretches import Follower, Stretch, overlap

SMALLEST_EVIDENCE = 1.0  # frames' worth of content below which a clip is uninformative
TOLD_PROBABILITY = 0.4  # of a segment that is told
SURE_PROBABILITY = 0.8  # of a segment, from which its rivals are not compared by pictures
_COMPARED_RIVALS = 3
_OVERLAP_SHARE = 0.5  # of a stretch that another must cover to rival it


@dataclass(frozen=True, slots=True)
class _Aligned:
    """A query aligned with what its frames hit."""

    signature: Signature
    frames: Frames
    alignment: Alignment
    sources: Mapping[int, LoadedSource]
    follower: Follower
    close: Hits  # frames of sources that sampled frames came close to
    informative: bool
    timings_ms: Mapping[str, float]

    def episode_of(self, one: Stretch) -> int:
        """Return the episode that a stretch is of."""
        return self.sources[one.line.source_id].episode_id

    def looked_at(self, one: Stretch) -> Stretch:
        """Return a stretch with the likeness of its pictures."""
        source = self.sources[one.line.source_id].signature
        alike = likeness(self.signature, source, one.line, (one.first, one.stop))
        return replace(one, likeness=alike)

    def compared(self, lines: Sequence[Line], shot: tuple[int, int]) -> Sequence[float]:
        """Return roughly how well the pictures of frames first..stop-1 agree with lines."""
        played = [(self.sources[line.source_id].signature, line) for line in lines]
        return compared(self.signature, played, shot)


def search_clip(
    signature: Signature,
    find: Find,
    name_of: NameOf,
    n_matches: int,
    *,
    mirrored: bool = True,
    find_windows: Find | None = None,
) -> Answer:
    """Answer a clip with the sources it is from, the most probable first.

    `exact` means that the neighbours of every searched frame were found exactly; frames are
    searched ten times a second.
    """
    if signature.n_frames == 1:
        views = SomeViews(
            ("full", "full" + MIRRORED),
            np.concatenate([signature.layouts, signature.mirrored]),
            np.repeat(signature.quality, 2),
        )
        return search_pictures([views], find, name_of, n_matches, mirrored=mirrored)[0]
    aligned = _aligned(signature, find, find_windows, mirrored)
    chances = _chances(aligned)
    matches = tuple(
        _match(aligned, one, _rivals(aligned, one.stretch, chances), name_of)
        for one in chances[:n_matches]
    )
    verdict = matches[0].verdict if matches else Verdict.NO_MATCH
    if not aligned.informative:
        verdict = Verdict.UNINFORMATIVE
    return Answer("video", verdict, matches, exact=True, timings_ms=aligned.timings_ms)


def scan(
    signature: Signature,
    find: Find,
    name_of: NameOf,
    *,
    mirrored: bool = True,
    find_windows: Find | None = None,
) -> Timeline:
    """Return the segments of a video in query order, with other episodes that show the same.

    Segments that are not believed, though told, have the verdict NO_MATCH.
    """
    aligned = _aligned(signature, find, find_windows, mirrored, keep_close=True)
    if not aligned.informative:
        return Timeline(signature.duration_ms, (), aligned.timings_ms)
    held = [
        _most_probable(aligned, one, rivals)
        for one, rivals in zip(aligned.alignment.timeline, aligned.alignment.rivals, strict=True)
    ]
    told = [(chance, rivals) for chance, rivals in held if chance.probability >= TOLD_PROBABILITY]
    begun = time.perf_counter()
    told += _looked_at_again(aligned, [chance.stretch for chance, _ in told])
    again_ms = (time.perf_counter() - begun) * 1000
    segments = tuple(
        _match(aligned, chance, _other_episodes(aligned, chance.stretch, rivals), name_of)
        for chance, rivals in sorted(told, key=lambda one: one[0].stretch.first)
    )
    timings_ms = {**aligned.timings_ms, "align": aligned.timings_ms["align"] + again_ms}
    return Timeline(signature.duration_ms, segments, timings_ms)


def _most_probable(
    aligned: _Aligned, one: Stretch, rivals: Sequence[Stretch]
) -> tuple[Chance, list[Stretch]]:
    """Return the most probable of a stretch and its rivals, and the others; pictures decide."""
    probability = segment_calibration().probability
    chances = [Chance(looked, probability(looked)) for looked in [aligned.looked_at(one)]]
    if chances[0].probability >= SURE_PROBABILITY or not rivals:
        return chances[0], list(rivals)
    looks = map(aligned.looked_at, rivals[:_COMPARED_RIVALS])
    chances += [Chance(looked, probability(looked)) for looked in looks]
    best = max(chances, key=lambda chance: chance.probability)
    others = [chance.stretch for chance in chances if chance is not best and chance.is_believed]
    return best, others


def _looked_at_again(
    aligned: _Aligned, told: Sequence[Stretch]
) -> list[tuple[Chance, list[Stretch]]]:
    """Return what shots that nothing told explains show and its rivals, by their pictures."""
    found: list[tuple[Chance, list[Stretch]]] = []
    for some in look_again(aligned.follower, aligned.close, told, aligned):
        chances = [Chance(one, segment_calibration().probability(one)) for one in some]
        believed = [one for one in chances if one.probability >= TOLD_PROBABILITY]
        if believed:
            found.append((believed[0], [one.stretch for one in believed[1:]]))
    return found


def _aligned(
    signature: Signature,
    find: Find,
    find_windows: Find | None,
    mirrored: bool,
    keep_close: bool = False,  # hits, for a second look
) -> _Aligned:
    started = time.perf_counter()
    frames = frames_of(signature)
    sampled = sample(frames.times_ms)
    search = FrameSearch(frames.take(sampled), find, find_windows, mirrored, keep_close)
    hits = search.whole()
    searched = time.perf_counter()
    likelihood = Likelihood.for_rows(search.n_rows)
    more = None if find_windows is None else search.parts
    alignment = align(frames, sampled, search.references, hits, likelihood, more)
    timings_ms = {
        "search": (searched - started + search.parts_s) * 1000,
        "align": (time.perf_counter() - searched - search.parts_s) * 1000,
    }
    informative = bool(search.frames.shares().sum() >= SMALLEST_EVIDENCE)
    follower = Follower(frames, sampled, search.references, likelihood)
    close = Hits.joined(search.found)
    return _Aligned(
        signature, frames, alignment, search.sources, follower, close, informative, timings_ms
    )


def _chances(aligned: _Aligned) -> list[Chance]:
    """Return what a clip may show, the most probable first."""
    chosen = map(aligned.looked_at, chosen_of(aligned.alignment, aligned.episode_of))
    probability, n_frames = clip_calibration().probability, len(aligned.frames.times_ms)
    return most_probable_first(
        Chance(one, probability(one, (one.stop - one.first) / n_frames)) for one in chosen
    )


def _rivals(aligned: _Aligned, one: Stretch, others: Iterable[Chance]) -> list[Stretch]:
    """Return what other episodes show over much of a stretch with nearly as much evidence."""
    return _other_episodes(
        aligned,
        one,
        (
            other
            for other, probability in others
            if probability >= LEAST_PROBABILITY
            and overlap(one, other) >= _OVERLAP_SHARE * (one.stop - one.first)
            and other.score >= TIE_SHARE * one.score
        ),
    )


def _other_episodes(aligned: _Aligned, one: Stretch, rivals: Iterable[Stretch]) -> list[Stretch]:
    seen = {aligned.episode_of(one)}
    found = []
    for rival in rivals:
        episode_id = aligned.episode_of(rival)
        if episode_id not in seen:
            seen.add(episode_id)
            found.append(rival)
    return found


def _match(
    aligned: _Aligned,
    chance: Chance,
    rivals: Sequence[Stretch],
    name_of: NameOf,
) -> Match:
    one = chance.stretch
    verdict = Verdict.AMBIGUOUS if rivals else Verdict.MATCH
    if not aligned.informative:
        verdict = Verdict.UNINFORMATIVE
    elif not chance.is_believed:
        verdict = Verdict.NO_MATCH
    frame_times = aligned.frames.times_ms
    best_ms = int(frame_times[one.best_frame])
    source = aligned.sources[one.line.source_id]
    return make_match(
        name_of(one.line.source_id),
        query_range_ms=_query_range_ms(aligned, one),
        range_ms=_range_ms(aligned, one),
        at_ms=_within(source, one.line.speed * best_ms + one.line.offset_ms),
        mirrored=one.line.mirrored,
        speed=one.line.speed,
        distance=one.distance,
        verdict=verdict,
        view=_view(aligned.signature, one.line),
        alternatives=tuple(_alternative(aligned, rival, name_of) for rival in rivals),
        probability=chance.probability,
    )


def _alternative(aligned: _Aligned, rival: Stretch, name_of: NameOf) -> Alternative:
    return make_alternative(
        name_of(rival.line.source_id), _range_ms(aligned, rival), rival.distance
    )


def _query_range_ms(aligned: _Aligned, one: Stretch) -> tuple[int, int]:
    times_ms = aligned.signature.times_ms
    stop_ms = times_ms[one.stop] if one.stop < len(times_ms) else aligned.signature.duration_ms
    return int(times_ms[one.first]), int(stop_ms)


def _range_ms(aligned: _Aligned, one: Stretch) -> tuple[int, int]:
    source = aligned.sources[one.line.source_id]
    begin_ms, end_ms = (
        _within(source, one.line.speed * at_ms + one.line.offset_ms)
        for at_ms in _query_range_ms(aligned, one)
    )
    return begin_ms, end_ms


def _within(source: LoadedSource, at_ms: float) -> int:
    return min(max(round(at_ms), 0), source.signature.duration_ms)


def _view(signature: Signature, line: Line) -> str:
    whole = tuple(signature.rect) == (0, 0, signature.width, signature.height)
    inner = line.inner or not whole
    return ("inner" if inner else "full") + (MIRRORED if line.mirrored else "")
