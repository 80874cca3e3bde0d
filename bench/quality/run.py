"""The whole bench: prepare, ask every method the same queries, count, draw."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import report
from bench.measure import machine
from bench.quality import clips, figure, mpeg7, pdq, sheet, table
from bench.quality.cache import Cache, default_folder
from bench.quality.encodes import FAMILY, Encodes
from bench.quality.figures import Judged
from bench.quality.method import Answer, Method, Reference, Searcher
from bench.quality.mpeg7 import Mpeg7
from bench.quality.ours import Mitate
from bench.quality.pdq import Pdq
from bench.quality.protocol import FULL, Ask, Looks, Protocol, Sizes, Survey, as_edited, chunks_of
from bench.quality.titles import find
from bench.quality.tracemoe import TraceMoe
from bench.quality.work import Workshop
from bench.timeline.work import Workshop as ClipWorkshop

METHODS: dict[str, Callable[[], Method]] = {
    "trace.moe": TraceMoe,
    "PDQ": Pdq,
    "MPEG-7": Mpeg7,
    "mitate": Mitate,
    "mitate fast": partial(Mitate, "fast"),
    "mitate thorough": partial(Mitate, "thorough"),
}
USUAL = ("trace.moe", "PDQ", "MPEG-7", "mitate")


@dataclass(frozen=True, slots=True)
class Options:
    """What is run."""

    media: Path
    name: str = "quality"  # of the files that are written
    sizes: Sizes = FULL
    methods: tuple[str, ...] = USUAL
    cache: Path | None = None
    seed: int = 1
    jobs: int = 1


def measure(options: Options) -> dict[str, Any]:
    """Return every figure of every method, and write pictures of them beside the results."""
    methods, missing = chosen(options.methods)
    media, cache = find(options.media), Cache(options.cache or default_folder())
    shop = Workshop(cache, media, options.seed, options.jobs)
    surveys = shop.surveys()
    pool = shop.pool([len(survey.times_ms) for survey in surveys])
    protocol = Protocol(media, surveys, options.sizes, options.seed)
    asks = protocol.asks()
    chunks, of_chunks = shop.chunk_references(methods, pool, options.sizes.distractors)
    of_clips = shop.clip_references(methods)
    looks, titles = Looks(), [chunk.titles for chunk in chunks]
    queries = shop.queries([looks, *methods], asks)
    asks = as_edited(asks, queries[looks.name])
    groups = grouped(protocol, asks, titles, len(surveys))
    encoded = _Encoded.of(options, cache, protocol, methods, titles)
    of_clips_asked = _clips(options, cache, protocol, surveys, of_clips)
    results: dict[str, Any] = {}
    for method in methods:
        references = list(enumerate([*of_clips[method.name], *of_chunks[method.name]]))
        searcher = method.searcher(references)
        answers, seconds = answer(searcher, queries[method.name], groups)
        judged = Judged(protocol, asks, answers)
        results[method.name] = judged.figures(options.seed) | {
            "descriptors": searcher.n_descriptors,
            "search_s": round(seconds, 1),
        }
        encoded.ask(method.name, searcher, judged, results[method.name])
        if method.name == "mitate":
            made_from = sheet.Sources(shop, protocol, chunks, pool)
            sheet.write(report.RESULTS / f"{options.name}-", made_from, judged)
    found = _described(options, protocol, asks) | {"missing": missing, "methods": results}
    found["queries"][FAMILY] = len(encoded.asks)
    found |= {"encodes_unlike": encoded.encodes.unlike, "clips": of_clips_asked}
    figure.write(report.RESULTS / f"{options.name}.png", found)
    (report.RESULTS / f"{options.name}.md").write_text(table.markdown(found))
    return found


def chosen(names: Sequence[str]) -> tuple[list[Method], dict[str, str]]:
    """Return the methods that can run, and why others cannot."""
    missing = {}
    if not pdq.installed():
        missing["PDQ"] = "the package pdqhash is not installed"
    if not mpeg7.installed():
        missing["MPEG-7"] = "the program ffmpeg is not installed"
    for name in missing:
        print(f"{name} is left out: {missing[name]}", file=sys.stderr)
    return [METHODS[name]() for name in names if name not in missing], missing


def grouped(
    protocol: Protocol | Encodes,
    asks: Sequence[Ask],
    chunk_titles: Sequence[Sequence[str]],
    first: int,  # number of the first chunk
) -> dict[frozenset[int], list[int]]:
    """Return the places of the queries for which the same videos are left out."""
    own = {
        title: chunks_of(chunk_titles, title, first)
        for title in {protocol.title(ask) for ask in asks}
    }
    groups: defaultdict[frozenset[int], list[int]] = defaultdict(list)
    for place, ask in enumerate(asks):
        groups[protocol.left_out(ask) | own[protocol.title(ask)]].append(place)
    return groups


def answer(
    searcher: Searcher, queries: Sequence[Any], groups: dict[frozenset[int], list[int]]
) -> tuple[list[Answer], float]:
    """Return the answers in order, and the seconds they took."""
    found: dict[int, Answer] = {}
    started = time.perf_counter()
    for left_out, places in groups.items():
        answers = searcher.answer([queries[place] for place in places], left_out)
        found.update(zip(places, answers, strict=True))
    seconds = time.perf_counter() - started
    print(f"{len(found)} queries answered in {seconds:.0f} s", file=sys.stderr, flush=True)
    return [found[place] for place in range(len(queries))], seconds


@dataclass(frozen=True, slots=True)
class _Encoded:
    """Queries from other files of the episodes, asked after all others."""

    encodes: Encodes
    asks: list[Ask]
    queries: dict[str, list[Any]]
    groups: dict[frozenset[int], list[int]]

    @staticmethod
    def of(
        options: Options,
        cache: Cache,
        protocol: Protocol,
        methods: Sequence[Method],
        chunk_titles: Sequence[Sequence[str]],
    ) -> _Encoded:
        """Draw and describe them."""
        media = protocol.media
        shop = Workshop(cache, media.with_others(), options.seed, options.jobs)
        encodes = Encodes(media, shop.surveys(), options.sizes, options.seed)
        asks = encodes.asks()
        groups = grouped(encodes, asks, chunk_titles, len(media.clips))
        return _Encoded(encodes, asks, shop.queries(methods, asks), groups)

    def ask(self, name: str, searcher: Searcher, judged: Judged, result: dict[str, Any]) -> None:
        """Add the figures of a method to its others."""
        if self.asks:
            answers, _ = answer(searcher, self.queries[name], self.groups)
            found = self.encodes.figures(judged, self.asks, answers)
            result["cells"] += found["cells"]
            result["verdicts"][FAMILY] = found["verdicts"]


def _clips(
    options: Options,
    cache: Cache,
    protocol: Protocol,
    surveys: Sequence[Survey],
    references: dict[str, list[Reference]],
) -> dict[str, Any]:
    """Return the figures of clips; without mitate's signatures there are none."""
    if not options.sizes.clips or "mitate" not in references:
        return {}
    shop = ClipWorkshop(cache, protocol.media, options.seed, options.jobs)
    plan = clips.Plan(protocol.media, surveys, options.seed)
    return clips.measure(plan, protocol, shop, references["mitate"], options.sizes.clips)


def _described(options: Options, protocol: Protocol, asks: Sequence[Ask]) -> dict[str, Any]:
    kinds = [ask.kind for ask in asks]
    return {
        "machine": machine(),
        "seed": options.seed,
        "sizes": asdict(options.sizes),
        "titles": len({clip.title for clip in protocol.media.clips}),
        "episodes": len(protocol.media.clips),
        "queries": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "negatives_dropped_as_alike": protocol.n_alike_dropped,
    }
