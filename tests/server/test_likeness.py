"""Small pictures agree with those of their source, mirrored, zoomed or between bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from signatures import moving_layouts, signature

from mitate.kernels.borders import Rect
from mitate.kernels.signature import N_WINDOWS, THUMB_COLS, THUMB_ROWS, Signature
from mitate.server.emissions import Line
from mitate.server.likeness import compared, likeness

N_RUNS, RUN = 12, 8  # frames of each
PLAIN = Line(1, False, 1.0, 0.0)
Pictures = NDArray[np.uint8]


def pictures(seed: int, rows: int = 4 * THUMB_ROWS, cols: int = 4 * THUMB_COLS) -> Pictures:
    """Return large pictures with shapes of every size, one for each run."""
    rng = np.random.default_rng(seed)
    made = np.zeros((N_RUNS, rows, cols))
    for cells in (2, 4, 8, 16):
        for one in made:
            coarse = Image.fromarray(rng.uniform(0, 60, (cells, 2 * cells)).astype(np.float32))
            one += np.asarray(coarse.resize((cols, rows), Image.Resampling.BICUBIC))
    return made.clip(0, 255).astype(np.uint8)


def small(large: Pictures) -> Pictures:
    size = THUMB_COLS, THUMB_ROWS
    resized = [Image.fromarray(one).resize(size, Image.Resampling.BOX) for one in large]
    return np.stack([np.asarray(one) for one in resized])


def film(thumbnails: Pictures) -> Signature:
    whole = signature(moving_layouts(np.random.default_rng(0), N_RUNS * RUN, RUN, 1))
    first = np.flatnonzero(np.isin(whole.kept_first, np.arange(0, N_RUNS * RUN, RUN)))
    return replace(
        whole,
        rect=Rect(0, 0, 640, 360),
        run_first=first.astype(np.uint32),
        windows=np.full((N_RUNS, N_WINDOWS, 33), 16, np.uint8),
        thumbnails=thumbnails,
    )


LARGE = pictures(1)
SOURCE = film(small(LARGE))
WHOLE = (0, N_RUNS * RUN)


def look(query: Pictures, line: Line = PLAIN) -> float:
    found = likeness(film(query), SOURCE, line, WHOLE)
    assert found is not None
    return found


def test_copies_are_alike_and_others_are_not() -> None:
    assert look(small(LARGE)) > 0.95
    assert look(small(pictures(2))) < 0.6
    later = PLAIN._replace(offset_ms=4 * RUN * 1000 / 24)
    assert look(small(LARGE), later) < 0.6


def test_mirrored_and_zoomed_copies_are_alike() -> None:
    mirrored = small(LARGE[:, :, ::-1])
    assert look(mirrored, PLAIN._replace(mirrored=True)) > 0.95
    assert look(mirrored) < 0.7
    assert look(small(LARGE[:, 8:72, 16:144]), PLAIN._replace(windows=(1,))) > 0.85


def test_bars_around_a_copy_do_no_harm() -> None:
    framed = np.zeros_like(LARGE)
    inner = [np.asarray(Image.fromarray(one).resize((120, 80))) for one in LARGE]
    framed[:, :, 20:140] = np.stack(inner)
    assert look(small(framed), PLAIN._replace(inner=True)) > 0.8


def test_a_dark_side_is_taken_for_a_border_only_where_it_is_one() -> None:
    dark = LARGE.copy()
    dark[:, :, :60] //= 40
    shown = likeness(film(small(dark)), film(small(dark)), PLAIN, WHOLE)
    assert shown is not None and shown > 0.95


@pytest.mark.parametrize("thumbnails", [np.zeros((N_RUNS, THUMB_ROWS, THUMB_COLS), np.uint8)])
def test_nothing_is_said_without_pictures(thumbnails: Pictures) -> None:
    whole = film(small(LARGE))
    bare = whole.part(*WHOLE)
    assert likeness(bare, SOURCE, PLAIN, WHOLE) is None
    assert likeness(whole, bare, PLAIN, WHOLE) is None
    assert likeness(film(thumbnails), SOURCE, PLAIN, WHOLE) is None


@pytest.mark.parametrize("span", [(0, 3), (4, 6), (95, 96), (40, 96)])
def test_any_stretch_is_looked_at(span: tuple[int, int]) -> None:
    found = likeness(film(small(LARGE)), SOURCE, PLAIN, span)
    assert found is not None and found > 0.9


def test_a_part_keeps_the_pictures_of_what_is_left() -> None:
    part = SOURCE.part(3 * RUN + 2, 9 * RUN, with_runs=True)
    assert part.run_first[0] == 0 and len(part.run_first) == 6
    assert np.array_equal(part.thumbnails, SOURCE.thumbnails[3:9])
    assert part.windows.shape == (6, N_WINDOWS, 33)
    runs = part.run_of(part.kept_of(np.arange(part.n_frames)))
    assert runs.tolist() == [frame // RUN - 3 for frame in range(3 * RUN + 2, 9 * RUN)]
    assert len(SOURCE.part(3, 9).run_first) == 0


def test_lines_are_compared_in_one_go_and_the_right_one_agrees_most() -> None:
    mirrored = PLAIN._replace(mirrored=True)
    query = film(small(LARGE)[:, :, ::-1])
    played = [(SOURCE, PLAIN), (SOURCE, mirrored), (film(small(pictures(2))), mirrored)]
    found = compared(query, played, WHOLE)
    assert found[1] > 0.9 and max(found[0], found[2]) < 0.6
    assert compared(query, [], WHOLE) == []


def test_sources_without_pictures_do_not_agree() -> None:
    bare = signature(moving_layouts(np.random.default_rng(0), N_RUNS * RUN, RUN, 1))
    assert not len(bare.run_first)
    found = compared(film(small(LARGE)), [(bare, PLAIN), (SOURCE, PLAIN)], WHOLE)
    assert found[0] == 0 and found[1] > 0.9
    assert compared(bare, [(SOURCE, PLAIN)], WHOLE) == [0.0]
