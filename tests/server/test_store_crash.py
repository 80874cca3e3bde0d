from __future__ import annotations

import random
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from make_signature import content, equal, make_signature
from store_program import ACTIONS, N_THREADS

from mitate.server.store import Store

PROGRAM = str(Path(__file__).with_name("store_program.py"))
N_KILLS = 12


@pytest.mark.parametrize("action", ACTIONS)
def test_process_killed_before_any_line_leaves_the_state_before_or_after(
    tmp_path: Path, action: str
) -> None:
    command = [sys.executable, PROGRAM, "steps", str(tmp_path), action]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    n_killed, n_states, completed = done.stdout.split()
    assert int(n_killed) > 40
    assert (n_states, completed) == ("2", "True")


def test_killed_at_random_moments_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    moments = random.Random(7)
    stored: set[int] = set()
    for number in range(N_KILLS):
        lines = _killed_after(tmp_path, number * 1_000_000, moments.uniform(0.05, 0.4))
        added = {seed for what, seed in lines if what == "added"}
        leaving = {seed for what, seed in lines if what == "leaving"}
        left = {seed for what, seed in lines if what == "left"}
        stored |= added
        with closing(Store(tmp_path)) as store:
            found = _seeds(store, stored | {seed + 1 for seed in stored} | {number * 1_000_000})
            assert stored - leaving <= found
            assert not found & left
            n_sources = store.catalog.stats().n_sources
        assert n_sources - len(stored - left) <= N_THREADS
        stored = found


def _killed_after(folder: Path, first_seed: int, seconds: float) -> list[tuple[str, int]]:
    command = [sys.executable, PROGRAM, "churn", str(folder), str(first_seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        lines += process.stdout.readlines()
        timer.join()
    words = [line.split() for line in lines]
    return [(what, int(seed)) for what, seed in words]


def _seeds(store: Store, known: set[int]) -> set[int]:
    """Check every source that is there, and return the seeds it was made from."""
    assert list(store.verify()) == []
    by_content = {content(seed): seed for seed in known}
    found = set()
    for entry, signature in store.load_all():
        assert signature.n_frames == 3000
        seed = by_content.get(entry.source.sha256)
        if seed is not None:
            assert equal(signature, make_signature(seed, 3000))
            found.add(seed)
    return found
