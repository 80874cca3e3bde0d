"""Programs that change a store until they are killed; run as `store_program.py MODE DIR ...`.

steps    adds, replaces or removes in a forked process that is killed before a line of the code that
         does it, then starts again in one that is killed too, and checks that the store is as
         before or as after; so for each line.
churn    adds, replaces and removes from several threads for ever, and reports what is done.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType

from make_signature import content, equal, make_signature

from mitate.kernels import signature_file
from mitate.server import catalog, database, directory, rows, store
from mitate.server.placement import Placement
from mitate.server.store import Store

TRACED = {module.__file__ for module in (store, catalog, rows, database, directory, signature_file)}
N_THREADS = 3

State = dict[int, int]  # source id -> episode id


def commit(seed: int, placement: Placement, opened: Store, n_frames: int = 40) -> None:
    opened.commit_source(make_signature(seed, n_frames), content(seed), f"{seed}.mkv", placement)


ACTIONS: dict[str, Callable[[Store], object]] = {
    "add": lambda opened: commit(3, Placement(), opened),
    "replace": lambda opened: commit(3, Placement(replace_episode_id=1), opened),
    "remove": lambda opened: opened.remove_episode(1),
}
AFTER: dict[str, State] = {
    "add": {1: 1, 2: 2, 3: 3},
    "replace": {2: 2, 3: 1},
    "remove": {2: 2},
}


def steps(folder: Path, action: str) -> None:
    """Kill before each line of `action`, and of the start that follows."""
    before: State = {1: 1, 2: 2}
    base, copy = folder / "base", folder / "copy"
    with closing(Store(base)) as opened:
        for seed in before:
            commit(seed, Placement(), opened)
    n_killed, killed, found, states = 0, True, before, set()
    while killed:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(base, copy)
        killed = _killed(copy, n_killed, ACTIONS[action])
        _killed(copy, n_killed % 60, None)
        found = _state(copy)
        if found not in (before, AFTER[action]):
            sys.exit(f"after a kill before line {n_killed} of {action}: {found}")
        states.add(found == before)
        n_killed += killed
    print(n_killed, len(states), found == AFTER[action])  # noqa: T201


def _killed(folder: Path, number: int, action: Callable[[Store], object] | None) -> bool:
    """Run `action`, or the start without one, up to the line `number` of those it runs."""
    process = os.fork()
    if process == 0:
        if action is None:
            _kill_before_line(number)
        opened = Store(folder)
        if action is not None:
            _kill_before_line(number)
            action(opened)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    if status not in (0, signal.SIGKILL):
        sys.exit(f"the process ended with status {status}")
    return status != 0


def _kill_before_line(number: int) -> None:
    seen: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> object:
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
            if len(seen) > number:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]


def _state(folder: Path) -> State:
    with closing(Store(folder)) as opened:
        damaged = list(opened.verify())
        found = {}
        for stored, signature in opened.load_all():
            if not equal(signature, make_signature(stored.source.source_id)):
                sys.exit(f"source {stored.source.source_id} has another signature")
            found[stored.source.source_id] = stored.source.episode_id
        n_files = len(os.listdir(folder / "signatures"))
        left = os.listdir(folder / "tmp")
    if damaged or left or n_files != len(found):
        sys.exit(f"{damaged}, {left}, {n_files} files of {len(found)} sources")
    return found


def churn(folder: Path, first_seed: int) -> None:
    """Report `added SEED`, `replacing SEED by SEED` and so on, each before or after it is done."""
    opened = Store(folder)
    threads = [
        threading.Thread(target=_churn, args=(opened, first_seed + 100_000 * i))
        for i in range(N_THREADS)
    ]
    for thread in threads:
        thread.start()


def _churn(opened: Store, seed: int) -> None:
    while True:
        commit(seed, Placement(), opened, 3000)
        _report("added", seed)
        if seed % 3 == 1:
            found = opened.catalog.find_commit(content(seed), Placement())
            assert found is not None
            _report("leaving", seed)
            commit(seed + 1, Placement(replace_episode_id=found.episode.episode_id), opened, 3000)
            _report("left", seed)
            _report("added", seed + 1)
            seed += 1
        if seed % 5 == 0:
            found = opened.catalog.find_commit(content(seed), Placement())
            assert found is not None
            _report("leaving", seed)
            opened.remove_episode(found.episode.episode_id)
            _report("left", seed)
        seed += 1


def _report(what: str, seed: int) -> None:
    os.write(1, f"{what} {seed}\n".encode())


if __name__ == "__main__":
    if sys.argv[1] == "steps":
        steps(Path(sys.argv[2]), sys.argv[3])
    else:
        churn(Path(sys.argv[2]), int(sys.argv[3]))
