"""What is known of a comparison before it is told: both sides, the best pair, the judgement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mitate.kernels.borders import Rect
from mitate.kernels.distance import lire_distance
from mitate.kernels.quality import quality_of_layouts
from mitate.kernels.signature import Signature
from mitate.kernels.vector import derive
from mitate.kernels.views import MIRRORED
from mitate.kernels.windows import WINDOWS
from mitate.server.candidates import PLACES, WHOLE, Candidate
from mitate.server.compare_pair import Judged
from mitate.server.compare_query import Query
from mitate.server.compare_sides import Loaded
from mitate.server.comparison import Side
from mitate.server.records import Names, place


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """A comparison that is done."""

    query: Side
    reference: Side
    views: Query
    judged: Judged
    place_of: Callable[[Candidate], str]  # title, episode and time

    @property
    def mirrored(self) -> bool:
        """Whether the query shows the reference mirrored."""
        return self.views.name(self.judged.best).endswith(MIRRORED)

    @property
    def plain_distance(self) -> float:
        """LIRE's distance of the two descriptors."""
        return float(lire_distance(self.query.layout, self.reference.layout))

    @property
    def needed(self) -> float | None:
        """Score from which the pair would be believed; None without the second stage."""
        recognition, score = self.judged.recognition, self.judged.score
        if recognition is None or score is None:
            return None
        return recognition.threshold + score - recognition.evidence(score)


def query_side(loaded: Loaded, views: Query, judged: Judged, names: Names | None) -> Side:
    """Return the query with the view that was compared."""
    best = judged.best
    number = best.view
    name = views.name(best).removesuffix(MIRRORED)
    part = None
    if loaded.still is not None and views.looks is not None:
        seen = loaded.still.views
        scale = loaded.still.width / seen.width, loaded.still.height / seen.height
        part = _scaled(views.looks.rects[number], *scale)
    return _side(
        loaded,
        loaded.signature,
        loaded.kept or 0,
        part=part,
        part_name=name if part else "descriptor",
        quality=int(views.views.quality[number]),
        layout=views.layout(best),
        names=names,
    )


def reference_side(loaded: Loaded, judged: Judged, names: Names | None) -> Side:
    """Return the reference with the window that was compared."""
    best = judged.best
    signature = best.source.signature
    whole = best.window == WHOLE
    layout = signature.layouts[best.kept] if whole else signature.windows[best.run][best.window]
    inner, (width, height) = _inner(loaded, signature)
    left, top, right, bottom = PLACES[best.window]
    part = Rect(
        round(inner.left + left * inner.width),
        round(inner.top + top * inner.height),
        round(inner.left + right * inner.width),
        round(inner.top + bottom * inner.height),
    )
    quality = signature.quality[best.kept] if whole else quality_of_layouts(layout[None])[0]
    return _side(
        loaded,
        signature,
        best.kept,
        part=part if min(width, height) > 1 else None,
        part_name="whole" if whole else WINDOWS[best.window].name,
        quality=int(quality),
        layout=layout,
        names=names,
    )


def _side(
    loaded: Loaded,
    signature: Signature,
    kept: int,
    *,
    part: Rect | None,
    part_name: str,
    quality: int,
    layout: NDArray[np.uint8],
    names: Names | None,
) -> Side:
    inner, (width, height) = _inner(loaded, signature)
    run = int(signature.run_of(kept))
    still = loaded.still
    return Side(
        letter=loaded.subject.letter,
        name=loaded.subject.name if names is None else place(names),
        kind=loaded.kind,
        at_ms=loaded.frame_ms(signature, kept),
        width=width,
        height=height,
        inner=inner,
        part=part,
        part_name=part_name,
        quality=quality,
        layout=layout,
        vector=derive(layout[None])[0],
        pixels=None if still is None else still.pixels,
        thumbnail=signature.thumbnails[run] if run >= 0 else None,
        stored=names,
    )


def _inner(loaded: Loaded, signature: Signature) -> tuple[Rect, tuple[int, int]]:
    """Return the part within the border, and width and height of the whole."""
    still = loaded.still
    if still is not None:
        return still.inner, (still.width, still.height)
    return signature.rect, (signature.width, signature.height)


def _scaled(rect: Rect, x: float, y: float) -> Rect:
    return Rect(*(round(side * by) for side, by in zip(rect, (x, y, x, y), strict=True)))
