"""What a search needs of the views of a queried picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.borders import Rect
from mitate.kernels.layout import Layouts, mirror_layouts
from mitate.kernels.quality import GATE, quality_of_layouts
from mitate.kernels.views import MIRRORED
from mitate.server.recognise import Looks


class Views(Protocol):
    """A picture as it is searched: as it is, mirrored, within its border."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the views; those of mirrored ones end in MIRRORED."""

    @property
    def layouts(self) -> Layouts:
        """Descriptors, (v, 33)."""

    @property
    def quality(self) -> NDArray[np.uint8]:
        """Quality, (v,)."""


class AllViews(Views, Looks, Protocol):
    """A picture with views by which it can be looked at closely."""

    @property
    def rects(self) -> tuple[Rect, ...]:
        """The part of the picture that each view shows."""

    @property
    def windows(self) -> NDArray[np.int64]:
        """The only window a view is looked for in, or ANY_WINDOW, (v,)."""

    @property
    def n_first(self) -> int:
        """How many are looked for first; the rest only where these leave it undecided."""

    def more(self) -> AllViews:
        """Return these views and all that follow where they leave it undecided."""


@dataclass(frozen=True, slots=True)
class SomeViews:
    """Views made from descriptors."""

    names: tuple[str, ...]
    layouts: Layouts
    quality: NDArray[np.uint8]


def views_of_layouts(
    layouts: Layouts,  # (n, 33)
) -> list[Views]:
    """Return plain and mirrored views of each descriptor.

    Mirroring a descriptor is right to within 1 per coefficient.
    """
    both = np.stack([layouts, mirror_layouts(layouts)], axis=1)
    names = ("full", "full" + MIRRORED)
    qualities = quality_of_layouts(both.reshape(-1, both.shape[2])).reshape(-1, 2)
    return [SomeViews(names, *pair) for pair in zip(both, qualities, strict=True)]


def close_views(views: Views) -> AllViews | None:
    """Return views that have small pictures of their own as such, else None."""
    return cast(AllViews, views) if hasattr(views, "grids") else None


def wanted(views: Views, mirrored: bool) -> NDArray[np.bool_]:
    """Tell which views are looked for, (v,)."""
    return np.array([mirrored or not name.endswith(MIRRORED) for name in views.names])


def voting(views: Views, mirrored: bool) -> NDArray[np.bool_]:
    """Tell which of these show enough to vote, (v,)."""
    return wanted(views, mirrored) & (views.quality >= GATE)
