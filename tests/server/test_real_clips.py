"""Real clips are recognised: pictures cut from them, and other encodes of the same content."""

from __future__ import annotations

import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from clip_pairs import RIGHT_MS, frame_at_or_after, is_moment, jpeg_of_half_size, pairs
from numpy.typing import NDArray

from bench.timeline.pairs import Pair
from mitate.kernels.quality import GATE
from mitate.kernels.sign import sign
from mitate.kernels.signature import Signature
from mitate.kernels.views import picture_views
from mitate.server.index import Neighbours, make_index
from mitate.server.library import Library, NewSource, Scope, Snapshot
from mitate.server.records import Match, Names
from mitate.server.search_clip import scan, search_clip
from mitate.server.search_picture import search_pictures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FRAMES_PER_CLIP = 3


@dataclass(frozen=True)
class Found:
    neighbours: Neighbours
    snapshot: Snapshot


class Clips:
    """All clips in one library, each its own episode."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = sorted(path.name for path in folder.iterdir())
        largest_first = sorted(self.names, key=lambda name: -(folder / name).stat().st_size)
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            signed = pool.map(sign, [folder / name for name in largest_first])
            self.signatures = dict(zip(largest_first, signed, strict=True))
        self.library = Library(make_index)
        self.library.add(
            *(NewSource(i, i, i, self.signatures[name]) for i, name in enumerate(self.names))
        )

    def name_of(self, source_id: int) -> Names:
        return Names(self.names[source_id], source_id, "", source_id, source_id)

    def find(self, queries: NDArray[np.int8], k: int, without: tuple[str, ...] = ()) -> Found:
        snapshot = self.library.snapshot()
        excluded = frozenset(self.names.index(name) for name in without)
        allowed = snapshot.allowed(Scope(excluded_episode_ids=excluded))
        return Found(self.library.index.search(queries, k, allowed), snapshot)


@pytest.fixture(scope="module")
def all_clips(clips: Path) -> Clips:
    return Clips(clips)


def some_times(signature: Signature, name: str) -> NDArray[np.int64]:
    rng = np.random.default_rng(sum(name.encode()))
    good = np.flatnonzero(
        signature.quality[signature.kept_of(np.arange(signature.n_frames))] >= GATE
    )
    frames = rng.choice(good, min(FRAMES_PER_CLIP, len(good)), replace=False)
    return np.sort(signature.times_ms[frames])


def error_ms(match: Match, pair: Pair) -> float:
    """How far the middle of the match is from where it should be."""
    query_ms = (match.query_from_ms + match.query_to_ms) / 2
    return abs((match.from_ms + match.to_ms) / 2 - pair.reference_ms(query_ms))


def test_a_picture_finds_its_moment_first(all_clips: Clips) -> None:
    misses, n, known = [], 0, pairs()
    for name in all_clips.names:
        times_ms = some_times(all_clips.signatures[name], name)
        stills = [frame_at_or_after(all_clips.folder / name, time_ms) for time_ms in times_ms]
        views = [picture_views(jpeg_of_half_size(image)) for _, image in stills]
        answers = search_pictures(views, all_clips.find, all_clips.name_of, 5)
        n += len(answers)
        for time_ms, answer in zip(times_ms, answers, strict=True):
            assert answer.exact
            best = answer.matches[0]
            if not is_moment(best, best.title, name, int(time_ms), known.get(name, {})):
                misses.append((name, int(time_ms), best))
    assert n > 150
    assert len(misses) <= 0.05 * n, f"{len(misses)} of {n}: {misses}"


def test_another_encode_is_found_first_where_it_belongs(all_clips: Clips) -> None:
    misses = []
    for name, known in pairs().items():
        answer = search_clip(
            all_clips.signatures[name],
            lambda queries, k, name=name: all_clips.find(queries, k, (name,)),  # type: ignore[misc]
            all_clips.name_of,
            10,
        )
        best = answer.matches[0]
        if best.title not in known or error_ms(best, known[best.title]) > RIGHT_MS:
            misses.append((name, best))
    assert len(misses) <= 0.1 * len(pairs()), misses


def test_a_video_of_many_clips_is_taken_apart(all_clips: Clips) -> None:
    names = [
        "vdf_dog.1.mp4",
        "pennychip_cycling.mp4",
        "blupi_history2.mkv",
        "popeye_sinbad_pgs_T00-1.mkv",
    ]
    cuts = [(10_000, 13_000), (4_000, 6_500), (3_000, 6_000), (20_000, 24_000)]
    joined = joined_signature([all_clips.signatures[name] for name in names], cuts)
    timeline = scan(joined, all_clips.find, all_clips.name_of)
    begin_ms, known = 0, pairs()
    assert len(timeline.segments) == len(names)
    for segment, name, (from_ms, to_ms) in zip(timeline.segments, names, cuts, strict=True):
        same = {name, *known.get(name, {})}
        assert segment.title in same
        assert abs(segment.query_from_ms - begin_ms) <= 100
        assert abs(segment.from_ms - from_ms) <= 150
        assert abs(segment.speed - 1) < 0.05
        assert same >= {segment.title, *(other.title for other in segment.alternatives)}
        begin_ms += to_ms - from_ms
    assert timeline.matched_ms >= 0.97 * begin_ms


def joined_signature(parts: list[Signature], cuts: list[tuple[int, int]]) -> Signature:
    """One video of stretches of others."""
    columns: dict[str, list[NDArray[np.generic]]] = defaultdict(list)
    begin_ms = n_frames = 0
    for part, (from_ms, to_ms) in zip(parts, cuts, strict=True):
        frames = np.flatnonzero((part.times_ms >= from_ms) & (part.times_ms < to_ms))
        kept = part.kept_of(frames)
        columns["times_ms"].append(part.times_ms[frames] - part.times_ms[frames[0]] + begin_ms)
        columns["kept_first"].append(np.arange(n_frames, n_frames + len(frames), dtype=np.uint32))
        for name in ("layouts", "mirrored", "quality"):
            columns[name].append(getattr(part, name)[kept])
        begin_ms, n_frames = begin_ms + to_ms - from_ms, n_frames + len(frames)
    joined = {name: np.concatenate(column) for name, column in columns.items()}
    one = parts[0]
    return Signature(
        one.kind,
        one.descriptor_version,
        one.preprocessing_version,
        one.width,
        one.height,
        one.rect,
        begin_ms,
        *(joined[name] for name in ("times_ms", "kept_first", "layouts", "mirrored", "quality")),  # type: ignore[arg-type]
    )
