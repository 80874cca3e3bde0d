"""Results as a person reads them: times, sentences, notes."""

from __future__ import annotations

from mitate.clients.results import Alternative, Answer, Match, Timeline, Verdict

VERDICT_WORDS = {
    Verdict.MATCH: "match",
    Verdict.AMBIGUOUS: "ambiguous",
    Verdict.NO_MATCH: "no match",
    Verdict.UNINFORMATIVE: "uninformative",
}
SEGMENT_WORDS = VERDICT_WORDS | {Verdict.NO_MATCH: "uncertain"}
_SAME_SPEED = 0.01  # speeds this near to 1 are not worth a word


def shown(text: str) -> str:
    """Return a text with everything that a terminal could take for a command replaced."""
    return "".join(c if c.isprintable() else "?" for c in text)


def clock(ms: int) -> str:
    """Return a time as m:ss.s, from an hour on as h:mm:ss.s."""
    tenths = (abs(ms) + 50) // 100
    minutes, rest = divmod(tenths, 600)
    sign, seconds = "-" if ms < 0 and tenths else "", f"{rest // 10:02}.{rest % 10}"
    if minutes < 60:
        return f"{sign}{minutes}:{seconds}"
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{seconds}"


def time_range(from_ms: int, to_ms: int) -> str:
    """Return a range of times, or the one moment that it is."""
    start, end = clock(from_ms), clock(to_ms)
    return start if start == end else f"{start}–{end}"


def place(title: str, episode: str) -> str:
    """Return the name of an episode; one named like its title is said once."""
    title, episode = shown(title), shown(episode)
    return title if episode in ("", title) else f"{title}, {episode}"


def where(match: Match | Alternative) -> str:
    """Return the episode of a match and the time in it."""
    return f"{place(match.title, match.episode)} at {time_range(match.from_ms, match.to_ms)}"


def notes(match: Match) -> str:
    """Return what is special about a match."""
    found = ["mirrored"] if match.mirrored else []
    if match.query_to_ms > match.query_from_ms:
        found += _speed_notes(match.speed)
    if match.verdict is not Verdict.NO_MATCH:
        found += _view_notes(shown(match.view.replace("-mirrored", "")))
    return ", ".join(found)


def _view_notes(view: str) -> list[str]:
    """Return which part of the picture shows which part of the frame, as far as not the whole."""
    part, _, window = view.partition(" in ")
    said = "" if part in ("", "full", "mirrored") else f"{part.removeprefix('full ')} part"
    said = "inside its border" if part == "inner" else said
    if window:
        said = f"{said} in {window} of the frame".lstrip()
    return [said] if said else []


def _speed_notes(speed: float) -> list[str]:
    if speed == 0:
        return ["freeze"]
    found = ["backwards"] if speed < 0 else []
    return found if abs(abs(speed) - 1) < _SAME_SPEED else [*found, f"{abs(speed):.3g}× speed"]


def answer_sentence(answer: Answer) -> str:
    """Return what an answer says, in one sentence."""
    query = "picture" if answer.kind == "image" else "clip"
    if answer.kind == "signature":
        query = "signature"
    best = answer.matches[0] if answer.matches else None
    if answer.verdict is Verdict.UNINFORMATIVE:
        return f"uninformative: the {query} shows too little to recognise (black, flat or faded)"
    if best is None or answer.verdict is Verdict.NO_MATCH:
        nearest = f"; nearest: {_with_similarity(best, query)}" if best else ""
        return f"no match: nothing stored is near enough{nearest}"
    if answer.verdict is Verdict.AMBIGUOUS:
        others = [one for one in _others(answer) if one != place(best.title, best.episode)]
        also = f"; also {_joined(others)}" if others else ""
        return f"ambiguous: several episodes show this; first: {where(best)}{also}"
    return f"match: {where(best)}{_query_part(best, query)}"


def _with_similarity(match: Match, query: str) -> str:
    said = [*_part_of_query(match, query), f"similarity {match.similarity:.2f}"]
    return f"{where(match)} ({'; '.join(said)})"


def _query_part(match: Match, query: str) -> str:
    said = _part_of_query(match, query) + ([notes(match)] if notes(match) else [])
    return f" ({'; '.join(said)})" if said else ""


def _part_of_query(match: Match, query: str) -> list[str]:
    if match.query_to_ms <= match.query_from_ms:
        return []
    return [f"{time_range(match.query_from_ms, match.query_to_ms)} of the {query}"]


def _others(answer: Answer) -> list[str]:
    """Return the names of other episodes that hold the best match's moment, each once."""
    named = [place(one.title, one.episode) for one in answer.matches[0].alternatives]
    named += [
        place(one.title, one.episode)
        for one in answer.matches[1:]
        if one.verdict is Verdict.AMBIGUOUS
    ]
    return list(dict.fromkeys(named))


def others(match: Match) -> str:
    """Return the names of other episodes that hold the moment of a match."""
    return _joined(list(dict.fromkeys(place(o.title, o.episode) for o in match.alternatives)))


def _joined(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more


def timeline_sentence(timeline: Timeline) -> str:
    """Return what a scan found, in one sentence."""
    length = clock(timeline.duration_ms)
    told = [one for one in timeline.segments if one.verdict.is_believed]
    n_uncertain = len(timeline.segments) - len(told)
    more = f"; {counted(n_uncertain, 'uncertain segment')}" if n_uncertain else ""
    if not told:
        return f"nothing recognised in {length}{more}"
    n_segments = counted(len(told), "segment")
    n_episodes = counted(len({one.episode_id for one in told}), "episode")
    part = percent(timeline.matched_ms, timeline.duration_ms)
    said = f"{n_segments} from {n_episodes}: {clock(timeline.matched_ms)} of {length} recognised"
    return f"{said} ({part}){more}"


def percent(part_ms: int, whole_ms: int) -> str:
    """Return a share of time that does not contradict both times as `clock` tells them.

    100% and 0% are told of all and of nothing only.
    """
    part, whole = ((ms + 50) // 100 for ms in (part_ms, whole_ms))
    if part in (0, whole):
        return "100%" if part else "0%"
    return f"{min(max(round(100 * part / whole), 1), 99)}%"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it belongs."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(n_bytes: int) -> str:
    """Return a size in the unit that suits it."""
    amount, units = float(n_bytes), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"
