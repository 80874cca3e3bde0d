"""Views of a queried picture: the parts of it, plain and mirrored, that a search looks for.

The picture as it is and the part within its flat border are summed exactly, as references are. All
other views come from an integral image of the picture at a bounded size, so each costs little: the
inner rectangles that may hold a picture of their own, and the middle of the picture. Where these
leave it undecided, more of them follow, the picture turned, and parts of it, which are looked for
among the same parts of references: an overlay rarely covers them all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect, find_border
from mitate.kernels.canvas import Canvas, reduced
from mitate.kernels.decode import Limits, luma_of
from mitate.kernels.decode_pillow import PillowDecoder
from mitate.kernels.grids import FINE_CELLS
from mitate.kernels.layout import describe, mirror_means
from mitate.kernels.quality import is_textured, quality
from mitate.kernels.view_cuts import (
    LEVELS,
    Cut,
    Level,
    Plan,
    exact_cuts,
    inner_rects,
    part_cuts,
    rect_cuts,
    turned_cuts,
)
from mitate.kernels.windows import ANY_WINDOW, WINDOWS, mirrored_window

MIRRORED = "-mirrored"  # how the names of mirrored views end


@dataclass(frozen=True, slots=True)
class Reserve:
    """What the views are cut from that are looked at where the first leave it undecided."""

    pixels: npt.NDArray[np.uint8]  # (h, w, 3) RGB, the reduced picture
    plan: Plan
    rects: dict[str, Rect]  # boxes and centres


@dataclass(frozen=True, slots=True)
class PictureViews:
    """The views of a picture: as it is, within its border, boxes and the middle, and mirrored."""

    names: tuple[str, ...]  # "full", "full-mirrored", where there is a border "inner", ...
    layouts: npt.NDArray[np.uint8]  # (v, 33)
    quality: npt.NDArray[np.uint8]  # (v,); 0 where too few parts of the view show anything
    rects: tuple[Rect, ...]  # the part that each view shows
    width: int  # of the picture, pixels
    height: int
    windows: npt.NDArray[np.int64]  # (v,) the only window it is looked for in, or ANY_WINDOW
    bases: npt.NDArray[np.int64]  # (v,) number of the small picture that it is, or is part of
    parts: npt.NDArray[np.float64]  # (v, 4) left, top, right, bottom in it, 0..1
    grids: npt.NDArray[np.float32]  # (b, GRID_ROWS, GRID_COLS) luma, the small pictures
    aspects: npt.NDArray[np.float64]  # (b,) width by height
    n_first: int  # of the views that are looked for first
    reserve: Reserve | None  # None once its views are cut

    def more(self) -> PictureViews:
        """Return these views and, after them, those for when they leave it undecided."""
        if self.reserve is None:
            return self
        plan, n_bases = self.reserve.plan, len(self.grids) // 2
        canvas = Canvas(self.reserve.pixels, Rect(0, 0, self.width, self.height))
        cuts = rect_cuts(self.reserve.rects, canvas, n_bases)
        known = zip(self.names[::2], self.rects[::2], range(n_bases), self.grids[::2], strict=True)
        whole = [*known, *((cut.name, cut.rect, cut.base, cut.luma) for cut in cuts)]
        cuts += turned_cuts(plan.later_turns, canvas, n_bases + len(cuts))
        for view in [view for view in whole if not view[0].startswith("centre")][: plan.n_parted]:
            cuts += part_cuts(*view, canvas)
        return _joined(self, _views(cuts, canvas.whole, None)) if cuts else self


def picture_views(
    source: str | os.PathLike[str] | bytes,
    *,
    limits: Limits | None = None,
    keep_borders: bool = False,
    level: Level = "normal",
) -> PictureViews:
    """Return the views of a picture that a search looks for first.

    Args:
        source: path of a picture, or its bytes; of an animation the first frame counts.
        limits: what is refused.
        keep_borders: take a flat border for part of the picture and give no inner view.
        level: how many views there are.

    Raises:
        InvalidMedia: not a picture, or over a limit.
    """
    with PillowDecoder(source, limits or Limits()) as decoder:
        picture = next(decoder.frames())
    whole = Rect(0, 0, picture.width, picture.height)
    inner = whole if keep_borders else find_border(luma_of(picture))
    exact = {"full": whole} | ({"inner": inner} if inner != whole else {})
    canvas, plan = Canvas(reduced(picture), whole), LEVELS[level]
    first, later = inner_rects(canvas, plan, exact.values(), keep_borders)
    cuts = exact_cuts(picture, exact, canvas)
    cuts += rect_cuts(first, canvas, len(cuts))
    return _views(cuts, whole, Reserve(canvas.pixels, plan, later))


def _views(cuts: Sequence[Cut], whole: Rect, reserve: Reserve | None) -> PictureViews:
    """Return views, each followed by its mirror; small pictures are those not known before."""
    means = np.stack([cut.means for cut in cuts])
    both = np.concatenate((means, mirror_means(means)))
    order = np.arange(len(both)).reshape(2, -1).T.ravel()
    found = quality(both)
    found[~np.tile(is_textured(np.stack([cut.luma for cut in cuts])), 2)] = 0
    windows = [window for cut in cuts for window in _both_windows(cut.window)]
    own = [cut for cut in cuts if cut.window == ANY_WINDOW]
    luma = np.stack([cut.luma for cut in own])
    return PictureViews(
        names=tuple(cut.name + mirror for cut in cuts for mirror in ("", MIRRORED)),
        layouts=describe(both)[order],
        quality=found[order],
        rects=tuple(cut.rect for cut in cuts for _ in range(2)),
        width=whole.width,
        height=whole.height,
        windows=np.array(windows, np.int64),
        bases=np.array([2 * cut.base + mirror for cut in cuts for mirror in range(2)], np.int64),
        parts=np.array([_part(window) for window in windows]),
        grids=np.stack((luma, luma[:, :, ::-1]), axis=1)
        .reshape(-1, *luma.shape[1:])
        .astype(np.float32),
        aspects=np.repeat([cut.rect.width / cut.rect.height for cut in own], 2),
        n_first=2 * len(cuts),
        reserve=reserve,
    )


def _joined(first: PictureViews, later: PictureViews) -> PictureViews:
    return replace(
        first,
        names=first.names + later.names,
        layouts=np.concatenate([first.layouts, later.layouts]),
        quality=np.concatenate([first.quality, later.quality]),
        rects=first.rects + later.rects,
        windows=np.concatenate([first.windows, later.windows]),
        bases=np.concatenate([first.bases, later.bases]),
        parts=np.concatenate([first.parts, later.parts]),
        grids=np.concatenate([first.grids, later.grids]),
        aspects=np.concatenate([first.aspects, later.aspects]),
        reserve=None,
    )


def _both_windows(window: int) -> tuple[int, int]:
    """Return a window, and the one that is it when the picture is mirrored."""
    return window, ANY_WINDOW if window == ANY_WINDOW else mirrored_window(window)


def _part(window: int) -> tuple[float, ...]:
    if window == ANY_WINDOW:
        return 0.0, 0.0, 1.0, 1.0
    return tuple(side / FINE_CELLS for side in WINDOWS[window].rect)
