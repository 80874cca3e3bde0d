"""What a clip is made of is chosen from its timeline and from the best line of each source."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mitate.server.align import Alignment
from mitate.server.clip_stretches import Chance, chosen_of, most_probable_first
from mitate.server.emissions import Line
from mitate.server.stretches import Stretch, overlap


def stretch(
    source_id: int, span: tuple[int, int], score: float, distance: float = 500.0, speed: float = 1.0
) -> Stretch:
    return Stretch(Line(source_id, False, speed, 0.0), *span, score, 0.9, distance, span[0])


def episode_of(one: Stretch) -> int:
    """Two sources are one episode."""
    return one.line.source_id // 2


def test_parts_of_the_timeline_stand_for_the_line_through_all_of_them() -> None:
    parts = [stretch(2, (0, 95), 60.0), stretch(2, (95, 170), 50.0)]
    across = stretch(3, (80, 170), 44.0, speed=0.75)
    chosen = chosen_of(Alignment(parts, [[], []], [across]), episode_of)
    assert chosen == parts


def test_a_line_with_much_more_evidence_stands_for_parts_of_the_timeline() -> None:
    part, whole = stretch(2, (10, 30), 12.0), stretch(2, (0, 100), 80.0)
    assert chosen_of(Alignment([part], [[]], [whole]), episode_of) == [whole]


def test_other_episodes_over_the_same_frames_are_kept() -> None:
    part, rival, other = (stretch(n, (0, 50), 40.0 - n) for n in (0, 2, 4))
    chosen = chosen_of(Alignment([part], [[rival]], [part, other]), episode_of)
    assert chosen == [part, rival, other]


def test_of_believed_stretches_that_tie_the_nearest_comes_first() -> None:
    far, near = stretch(0, (0, 50), 40.0, 90.0), stretch(2, (0, 50), 39.0, 10.0)
    apart = stretch(4, (60, 90), 30.0)
    ordered = most_probable_first([Chance(far, 0.97), Chance(near, 0.9), Chance(apart, 0.93)])
    assert ordered == [Chance(near, 0.97), Chance(apart, 0.93), Chance(far, 0.9)]


def test_what_is_not_believed_ties_with_nothing() -> None:
    right, wrong = stretch(0, (0, 50), 40.0, 90.0), stretch(2, (0, 50), 40.0, 10.0)
    chances = [Chance(wrong, 0.3), Chance(right, 0.9)]
    assert most_probable_first(chances) == chances[::-1]


spans = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda ends: (ends[0], sum(ends)))
stretches = st.builds(
    stretch, st.integers(0, 5), spans, st.floats(0.1, 90), st.floats(0, 4000), st.just(1.0)
)


@given(st.lists(st.builds(Chance, stretches, st.floats(0, 1)), max_size=12))
def test_probabilities_fall_and_nothing_is_lost(chances: list[Chance]) -> None:
    ordered = most_probable_first(chances)
    given_, found = ([one.probability for one in some] for some in (chances, ordered))
    assert found == sorted(given_, reverse=True)
    assert sorted(id(one.stretch) for one in ordered) == sorted(id(one.stretch) for one in chances)


@given(st.lists(stretches, max_size=6), st.lists(stretches, max_size=6))
def test_stretches_of_an_episode_do_not_overlap(
    timeline: list[Stretch], best: list[Stretch]
) -> None:
    chosen = chosen_of(Alignment(timeline, [[] for _ in timeline], best), episode_of)
    for place, one in enumerate(chosen):
        for other in chosen[:place]:
            assert episode_of(one) != episode_of(other) or overlap(one, other) <= 0
