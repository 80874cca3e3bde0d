"""A comparison told stage by stage: what was found, and what a match needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mitate.kernels.agreement import PARTS
from mitate.kernels.fit import Fit
from mitate.kernels.quality import GATE
from mitate.kernels.vector import similarity
from mitate.kernels.views import MIRRORED
from mitate.server.candidates import MOST, PLACES, WHOLE
from mitate.server.compare_findings import Findings
from mitate.server.comparison import Measure, Outcome, Side, Stage, clock, number
from mitate.server.records import Verdict

_NAMED_RIVALS = 3


def stages(found: Findings) -> tuple[Stage, ...]:
    """Tell every stage, in the order of a search."""
    tell = (_quality, _borders, _views, _pair, _distance, _agreement, _evidence)
    return tuple(stage(found) for stage in tell)


def summary(found: Findings, told: Sequence[Stage]) -> str:
    """Tell the outcome in one sentence."""
    one, other = found.query, found.reference
    shown = f"{one.letter} shows {other.letter}{_at(other)}{' mirrored' * found.mirrored}"
    verdict = found.judged.verdict
    if verdict is Verdict.MATCH:
        return f"match: {shown}"
    if verdict is Verdict.AMBIGUOUS:
        return f"ambiguous: {shown}, and so do others: {_rivals(found)}"
    failed = next(stage for stage in told if stage.outcome is Outcome.FAILED)
    first = failed.measures[0]
    reason = f"{failed.text.partition(';')[0]} ({number(first.value)}; {first.needed})"
    return f"{verdict.replace('_', ' ')}: {reason}"


def _at(side: Side) -> str:
    return "" if side.at_ms is None else f" at {clock(side.at_ms)}"


def _quality(found: Findings) -> Stage:
    query, reference = found.query, found.reference
    passed = found.views.informative
    text = f"{query.letter} shows enough to be recognised"
    if not passed:
        text = (
            f"{query.letter} shows too little to be recognised: black, flat or faded, or with "
            "something to see in a few of its parts only"
        )
    if reference.quality < GATE:
        text += f"; {reference.letter} itself shows too little"
    measures = [
        Measure(f"quality_{role}", f"quality of {side.letter}", side.quality, least=GATE)
        for role, side in (("query", query), ("reference", reference))
    ]
    outcome = Outcome.PASSED if passed else Outcome.FAILED
    return Stage("quality", outcome, text, tuple(measures))


def _borders(found: Findings) -> Stage:
    return Stage(
        "borders", Outcome.TOLD, "; ".join(_border(side) for side in (found.query, found.reference))
    )


def _border(side: Side) -> str:
    if not side.sized:
        return f"{side.letter}: its size is not known"
    rect = side.inner
    sides = {
        "left": rect.left,
        "top": rect.top,
        "right": side.width - rect.right,
        "bottom": side.height - rect.bottom,
    }
    cut = ", ".join(f"{pixels} {name}" for name, pixels in sides.items() if pixels)
    size = f"{side.letter} has {side.width}×{side.height} pixels"
    return f"{size} and a flat border: {cut}" if cut else f"{size} and no flat border"


def _views(found: Findings) -> Stage:
    views, looks = found.views.views, found.views.looks
    n_first = len(views.names) if looks is None else looks.n_first
    named = zip(views.names, (np.arange(len(views.names)) >= n_first).tolist(), strict=True)
    plain = [(name, late) for name, late in named if not name.endswith(MIRRORED)]
    first, n_later = [name for name, late in plain if not late], sum(late for _, late in plain)
    rounds = found.views.rounds[: found.judged.n_rounds]
    query, reference = found.query, found.reference
    more = f" and {n_later} turned views, boxes and parts" if len(rounds) > 1 else ""
    text = f"{query.letter} was looked for as {', '.join(first)}{more}, each also mirrored"
    if found.views.looks is None:
        text = f"only the descriptor of {query.letter} is known; it was also looked for mirrored"
    n_windows = len(PLACES) - 1 if found.judged.best.run >= 0 else 0
    held = f"the whole frame and {n_windows} windows of it" if n_windows else "the whole frame only"
    n_votes = sum(len(one.numbers) for one in rounds) if found.views.informative else 0
    measures = (
        Measure("views", "views that show enough", n_votes),
        Measure("windows", f"windows of {reference.letter}", n_windows),
    )
    return Stage(
        "views", Outcome.TOLD, f"{text}; {reference.letter} can be met as {held}", measures
    )


def _pair(found: Findings) -> Stage:
    query, reference = found.query, found.reference
    turned = ", mirrored," if found.mirrored else ""
    whole = found.judged.best.window == WHOLE
    part = "the whole" if whole else f"the window “{reference.part_name}” of"
    view = f"the view “{query.part_name}” of " if query.part else ""
    text = (
        f"{view}{query.letter}{_at(query)}{turned} comes nearest to "
        f"{part} {reference.letter}{_at(reference)}"
    )
    return Stage("pair", Outcome.TOLD, text)


def _distance(found: Findings) -> Stage:
    judged = found.judged
    closely = found.views.looks is not None
    most = judged.reach if closely else round(judged.limit)
    passed = most is None or judged.best.distance <= most
    if closely:
        text = "the descriptors are near enough for a closer look"
        if not passed:
            text = f"the descriptors are too far apart: {MOST} others are nearer"
    else:
        text = "the descriptors are near enough" if passed else "the descriptors are too far apart"
    measures = (
        Measure("distance", "distance of the searched vectors", judged.best.distance, most=most),
        Measure("similarity", "the same as a similarity", _similarity(judged.best.distance)),
        *([Measure("place", "place among all that is indexed", judged.place)] if passed else []),
        Measure(
            "plain_distance",
            "LIRE's distance (copies below 8, others above 20)",
            found.plain_distance,
        ),
    )
    return Stage("distance", Outcome.PASSED if passed else Outcome.FAILED, text, measures)


def _similarity(distance: int) -> float:
    return float(similarity(distance))


def _agreement(found: Findings) -> Stage:
    fit, score, needed = found.judged.fit, found.judged.score, found.needed
    if fit is None or score is None or needed is None:
        one = found.query if found.views.looks is None else found.reference
        text = f"not looked at closely: of {one.letter} there are descriptors only"
        return Stage("agreement", Outcome.SKIPPED, text)
    least = needed + fit.agreement - score
    passed = fit.agreement >= least
    text = "the small pictures agree" if passed else "the small pictures do not agree enough"
    text += _moved(fit, found) + ("; at this distance nothing could" if least > 1 else "")
    parts = (
        Measure(f"agreement_{name.replace(' ', '_')}", f"of {name}", value)
        for name, value in zip(PARTS, fit.parts, strict=True)
    )
    measures = (
        Measure("agreement", "agreement", fit.agreement, least=least),
        *parts,
        Measure("overlap", "share of the view within the reference", fit.overlap),
        *_alignment(fit, found.judged.best.window),
    )
    return Stage("agreement", Outcome.PASSED if passed else Outcome.FAILED, text, measures)


def _alignment(fit: Fit, window: int) -> tuple[Measure, ...]:
    """Return how the view lies against its window: shares of the window, 1 is the same size."""
    left, top, right, bottom = PLACES[window].tolist()
    x, y, width, height, angle = fit.place.tolist()
    wide, high = width / (right - left), height / (bottom - top)
    return (
        Measure("shift_x", "moved right, share of the width", (x - (left + right) / 2) / width),
        Measure("shift_y", "moved down, share of the height", (y - (top + bottom) / 2) / height),
        Measure("scale", "scaled by", math.sqrt(wide * high)),
        Measure("stretch", "stretched across by", wide / high),
        Measure("angle_degrees", "turned by, degrees", math.degrees(angle)),
    )


def _moved(fit: Fit, found: Findings) -> str:
    values = {one.name: one.value for one in _alignment(fit, found.judged.best.window)}
    said = []
    shifts = round(100 * values["shift_x"]), round(100 * values["shift_y"])
    moved = [
        f"{percent:+}% {way}"
        for percent, way in zip(shifts, ("across", "down"), strict=True)
        if percent
    ]
    if moved:
        said.append(f"moved by {' and '.join(moved)}")
    if abs(values["scale"] - 1) >= 0.01:
        said.append(f"scaled by {values['scale']:.2f}")
    if abs(values["stretch"] - 1) >= 0.01:
        said.append(f"stretched by {values['stretch']:.2f}")
    if abs(values["angle_degrees"]) >= 0.5:
        said.append(f"turned by {values['angle_degrees']:+.1f}°")
    return f"; to fit, the view was {', '.join(said)}" if said else ""


def _evidence(found: Findings) -> Stage:
    judged = found.judged
    recognition, score, probability = judged.recognition, judged.score, judged.probability
    if recognition is None or score is None or probability is None:
        text = "the distance alone decides, and no probability is known"
        return Stage("evidence", Outcome.SKIPPED, _with_rivals(text, found))
    evidence = recognition.evidence(score)
    passed = evidence >= recognition.threshold
    text = (
        "it stands out from what unrelated pictures score"
        if passed
        else "it does not stand out enough from what unrelated pictures score"
    )
    measures = (
        Measure("score", "score (agreement less distance)", score, least=found.needed),
        Measure("background", "score of unrelated pictures", recognition.background),
        Measure("evidence", "evidence", evidence, least=recognition.threshold),
        Measure("probability", "probability", probability),
        Measure("titles", "titles it is calibrated on", recognition.calibration.n_titles),
    )
    outcome = Outcome.PASSED if passed else Outcome.FAILED
    return Stage("evidence", outcome, _with_rivals(text, found), measures)


def _with_rivals(text: str, found: Findings) -> str:
    better = _better(found)
    text += f"; a better one is indexed: {better}" if better else ""
    return text + (f"; indexed and as good: {_rivals(found)}" if found.judged.rivals else "")


def _better(found: Findings) -> str:
    """Name the best of another episode that scores higher than the pair does."""
    recognition, judged = found.judged.recognition, found.judged
    if recognition is None or judged.score is None:
        return ""
    best, score = recognition.scored[0]
    if score <= judged.score or best.source.episode_id == judged.best.source.episode_id:
        return ""
    return f"{found.place_of(best)} (score {score:.2f})"


def _rivals(found: Findings) -> str:
    rivals = found.judged.rivals
    names = [found.place_of(rival) for rival in rivals[:_NAMED_RIVALS]]
    more = len(rivals) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
