"""Answers in columns: cut into parts and joined again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mitate.server import translate
from mitate.server.columns import ARRAYS, NUMBERS, Columns, columns_of, joined
from mitate.server.records import Answer, Match, Verdict


def match(episode_id: int, rank: int) -> Match:
    return Match(
        title=f"title {episode_id}",
        title_id=episode_id,
        episode=f"episode {episode_id}",
        episode_id=episode_id,
        source_id=10 * episode_id,
        query_from_ms=0,
        query_to_ms=0,
        from_ms=rank,
        to_ms=rank + 5,
        at_ms=rank + 2,
        mirrored=rank % 2 == 0,
        speed=1.0,
        distance=float(rank),
        similarity=0.5,
        probability=None,
        verdict=list(Verdict)[rank % 4],
        view="full",
        refs={"anidb": str(episode_id)},
    )


def answer(*episode_ids: int) -> Answer:
    matches = tuple(match(episode_id, rank) for rank, episode_id in enumerate(episode_ids))
    return Answer("signature", Verdict.NO_MATCH, matches, exact=True)


def rows(columns: Columns) -> list[object]:
    """What the columns say of every query, with episodes by name."""
    return [
        (
            int(columns.query_verdicts[q]),
            [
                (
                    columns.episodes[columns.episode_indexes[q, i]],
                    *(getattr(columns, name)[q, i].item() for name in ARRAYS[1:8]),
                )
                for i in range(int(columns.hit_counts[q]))
            ],
        )
        for q in range(columns.n_queries)
    ]


answers = st.lists(
    st.lists(st.integers(1, 5), max_size=4).map(lambda ids: answer(*ids)), min_size=1
)


@given(answers, st.data())
def test_parts_say_the_same_as_the_whole_and_can_be_joined(
    given_: list[Answer], data: st.DataObject
) -> None:
    whole = columns_of(given_, 3)
    cut = data.draw(st.integers(0, len(given_)))
    parts = [whole.part(0, cut), whole.part(cut, len(given_))]
    assert rows(parts[0]) + rows(parts[1]) == rows(whole) == rows(joined(parts))
    for part in parts:
        used = {int(i) for i in np.unique(part.episode_indexes)} - {0xFFFFFFFF}
        assert used == set(range(len(part.episodes)))


def test_verdicts_have_the_numbers_of_the_wire() -> None:
    assert translate.VERDICTS == NUMBERS
