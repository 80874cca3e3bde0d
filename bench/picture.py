"""What one picture costs beside one brute-force query, over a million frames with their windows.

CPU time of cutting the views of a picture file, searching them among frames and windows, and
looking at the best candidates, against one query of FAISS IndexFlatL2 over the same frames: once
while the pictures are none of the frames, so that the second look follows, and once after they were
added, so that the first look decides.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.measure import Spread, machine
from bench.quality.pictures import frames, query_picture
from bench.signatures import video_of
from bench.vectors import like_real, real_layouts
from mitate.kernels.runs import run_starts
from mitate.kernels.sign import sign
from mitate.kernels.signature import N_WINDOWS, THUMB_COLS, THUMB_ROWS, Signature
from mitate.kernels.vector import derive
from mitate.kernels.views import picture_views
from mitate.kernels.windows import ANY_WINDOW
from mitate.server.calibration import default_calibration
from mitate.server.engine import Found
from mitate.server.index import make_index
from mitate.server.library import Library, NewSource, Scope
from mitate.server.records import Names, Verdict
from mitate.server.search_close import Closer
from mitate.server.search_picture import search_pictures

COUNT, EPISODE_FRAMES, SEED, N_PICTURES = 1_000_000, 34_000, 17, 12


def run(media: Path, rounds: int) -> dict[str, Any]:
    """Measure pictures of the clips against an index made of them."""
    faiss.omp_set_num_threads(1)
    layouts = like_real(real_layouts(media), COUNT, SEED)
    library = _library(layouts)
    flat = faiss.IndexFlatL2(layouts.shape[1])
    flat.add(layouts.astype(np.float32))
    pictures = _pictures(media)
    queries = layouts[:: COUNT // len(pictures)][: len(pictures)].astype(np.float32)
    cases = {}
    for name in ("not indexed: two looks", "indexed: the first look decides"):
        if name.startswith("indexed"):
            _add_stills(library, pictures)
        look = partial(_look, library)
        verdicts = [look(picture) for picture in pictures]
        ours, theirs, ratios = [], [], []
        for _ in range(rounds):
            ours.append(_ms(look, pictures))
            theirs.append(_ms(lambda query: flat.search(query[None], 10), queries))
            ratios.append(ours[-1] / theirs[-1])
        cases[f"one picture among {COUNT:,} frames, {name}"] = {
            "picture_ms": Spread.of(ours),
            "flat_ms": Spread.of(theirs),
            "ratio": Spread.of(ratios),
            "matches": verdicts.count(Verdict.MATCH),
            "pictures": len(pictures),
        }
    n_windows = library.windows.n_rows
    return {"machine": machine(), "rounds": rounds, "windows": n_windows, "cases": cases}


def _library(layouts: NDArray[np.uint8]) -> Library:
    library = Library(make_index, partial(make_index, runs=False))
    for number, first in enumerate(range(0, len(layouts), EPISODE_FRAMES), 1):
        signature = _signature(layouts[first : first + EPISODE_FRAMES], number)
        library.add(NewSource(number, number, number, signature))
    return library


def _signature(layouts: NDArray[np.uint8], seed: int) -> Signature:
    """Return an episode whose windows are descriptors of the same kind and thumbnails are noise."""
    n, rng = len(layouts), np.random.default_rng(seed)
    starts = run_starts(derive(layouts))
    drawn = layouts[rng.integers(0, n, (len(starts), N_WINDOWS))]
    return replace(
        video_of(layouts),
        run_first=starts.astype(np.uint32),
        windows=drawn,
        thumbnails=rng.integers(0, 256, (len(starts), THUMB_ROWS, THUMB_COLS)).astype(np.uint8),
    )


def _pictures(media: Path) -> list[bytes]:
    """Return frames of clips as JPEG files."""
    files = []
    for path in sorted(media.glob("*.m*"))[::3][:N_PICTURES]:
        *_, frame = (frame for frame, _ in zip(frames(path), range(20), strict=False))
        file = io.BytesIO()
        Image.fromarray(query_picture(frame.picture)).save(file, "JPEG", quality=85)
        files.append(file.getvalue())
    return files


def _add_stills(library: Library, pictures: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, picture in enumerate(pictures, 1_000_000):
            path = Path(folder) / f"{number}.jpg"
            path.write_bytes(picture)
            library.add(NewSource(number, number, number, sign(path)))


def _look(library: Library, picture: bytes) -> Verdict:
    snapshot = library.snapshot()

    def find(queries: NDArray[np.int8], k: int) -> Found:
        return Found(library.index.search(queries, k), snapshot, 0.0, 1)

    def find_windows(queries: NDArray[np.int8], k: int, window: int = ANY_WINDOW) -> Found:
        allowed = snapshot.allowed(Scope(window=window), windows=True)
        return Found(library.windows.search(queries, k, allowed), snapshot, 0.0, 1)

    closer = Closer(find_windows, default_calibration(), 0.001)
    (found,) = search_pictures([picture_views(picture)], find, _names, 5, closer=closer)
    return found.verdict


def _names(source_id: int) -> Names:
    return Names("", source_id, "", source_id, source_id)


def _ms(work: Callable[[Any], object], items: Any) -> float:
    """Return the CPU time of work on one item."""
    started = time.process_time()
    for item in items:
        work(item)
    return (time.process_time() - started) / len(items) * 1000
