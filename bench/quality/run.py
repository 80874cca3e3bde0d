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
from bench.quality import figure, mpeg7, pdq, sheet, table
from bench.quality.cache import Cache, default_folder
from bench.quality.figures import Judged
from bench.quality.method import Answer, Method, Reference
from bench.quality.mpeg7 import Mpeg7
from bench.quality.ours import Mitate
from bench.quality.pdq import Pdq
from bench.quality.protocol import FULL, Ask, Looks, Protocol, Sizes, as_edited, chunks_of
from bench.quality.titles import find
from bench.quality.tracemoe import TraceMoe
from bench.quality.work import Workshop

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
    media = find(options.media)
    shop = Workshop(Cache(options.cache or default_folder()), media, options.seed, options.jobs)
    surveys = shop.surveys()
    pool = shop.pool([len(survey.times_ms) for survey in surveys])
    protocol = Protocol(media, surveys, options.sizes, options.seed)
    asks = protocol.asks()
    chunks, of_chunks = shop.chunk_references(methods, pool, options.sizes.distractors)
    of_clips = shop.clip_references(methods)
    looks = Looks()
    queries = shop.queries([looks, *methods], asks)
    asks = as_edited(asks, queries[looks.name])
    groups = grouped(protocol, asks, [chunk.titles for chunk in chunks])
    results: dict[str, Any] = {}
    for method in methods:
        references = list(enumerate([*of_clips[method.name], *of_chunks[method.name]]))
        answers, seconds, n = answer(method, references, queries[method.name], groups)
        judged = Judged(protocol, asks, answers)
        results[method.name] = judged.figures(options.seed) | {
            "descriptors": n,
            "search_s": round(seconds, 1),
        }
        if method.name == "mitate":
            made_from = sheet.Sources(shop, protocol, chunks, pool)
            sheet.write(report.RESULTS / f"{options.name}-", made_from, judged)
    found = _described(options, protocol, asks) | {"missing": missing, "methods": results}
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
    protocol: Protocol, asks: Sequence[Ask], chunk_titles: Sequence[Sequence[str]]
) -> dict[frozenset[int], list[int]]:
    """Return the places of the queries for which the same videos are left out."""
    first = len(protocol.media.clips)
    own = {
        title: chunks_of(chunk_titles, title, first)
        for title in {protocol.title(ask) for ask in asks}
    }
    groups: defaultdict[frozenset[int], list[int]] = defaultdict(list)
    for place, ask in enumerate(asks):
        groups[protocol.left_out(ask) | own[protocol.title(ask)]].append(place)
    return groups


def answer(
    method: Method,
    references: Sequence[tuple[int, Reference]],
    queries: Sequence[Any],
    groups: dict[frozenset[int], list[int]],
) -> tuple[list[Answer], float, int]:
    """Return the answers in order, the seconds they took, and how much was searched."""
    searcher = method.searcher(references)
    found: dict[int, Answer] = {}
    started = time.perf_counter()
    for left_out, places in groups.items():
        answers = searcher.answer([queries[place] for place in places], left_out)
        found.update(zip(places, answers, strict=True))
    seconds = time.perf_counter() - started
    print(f"{method.name} answered {len(found)} queries in {seconds:.0f} s", file=sys.stderr)
    return [found[place] for place in range(len(queries))], seconds, searcher.n_descriptors


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
