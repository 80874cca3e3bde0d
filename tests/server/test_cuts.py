"""Cuts are seen where the picture jumps, and nowhere else."""

from __future__ import annotations

import numpy as np
from signatures import moving_layouts, signature

from mitate.server.cuts import cuts_between, cuts_of
from mitate.server.search_frames import frames_of

SHOT, SHOTS = 30, 6


def test_a_film_is_cut_between_its_shots_and_at_its_ends() -> None:
    film = signature(moving_layouts(np.random.default_rng(1), SHOT * SHOTS, SHOT))
    found = cuts_of(frames_of(film))
    assert len(found) == SHOT * SHOTS + 1
    assert np.flatnonzero(found > 0.5).tolist() == list(range(0, SHOT * SHOTS + 1, SHOT))
    assert np.delete(found, np.arange(0, SHOT * SHOTS + 1, SHOT)).max() < 0.2


def test_a_cut_between_sampled_frames_belongs_to_the_later_one() -> None:
    cuts = np.array([1, 0, 0, 0.7, 0, 0, 0.2, 0, 1])
    assert cuts_between(cuts, np.array([0, 2, 4, 7])).tolist() == [1, 0, 0.7, 0.2]
    assert cuts_between(cuts, np.array([0])).tolist() == [1]


def test_a_single_frame_has_two_ends() -> None:
    film = signature(moving_layouts(np.random.default_rng(2), 1))
    assert cuts_of(frames_of(film)).tolist() == [1, 1]
