"""`mitate group`: which of the files here show the same title, or are the same episode.

It needs no server: files are decoded by worker processes and compared among themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mitate.kernels.decode import Limits
from mitate.kernels.errors import MitateError, NotFound
from mitate.kernels.signature import Signature
from mitate.server.grouping import Group, group
from mitate.server.worker import Allowance
from mitate.server.workers import WorkerPool

SOME_FAILED = 1
_MEMORY_BYTES = 4 << 30
_STALL_S = 60.0
_CPU_S = 4 * 3600.0  # of one file
_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in [
        "avi",
        "flv",
        "m2ts",
        "m4v",
        "mkv",
        "mov",
        "mp4",
        "mpeg",
        "mpg",
        "ogv",
        "ts",
        "vob",
        "webm",
        "wmv",
        "avif",
        "bmp",
        "gif",
        "jpeg",
        "jpg",
        "png",
        "tif",
        "tiff",
        "webp",
    ]
)


def group_(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Group the files of directories; returns the exit code, 1 when a file failed."""
    parser = argparse.ArgumentParser(
        prog="mitate group",
        description="Tell which files show the same title, which are the same episode in other "
        "encodes, and which show nothing of any other. No server is needed.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="DIR", help="directory or file")
    parser.add_argument("--json", action="store_true", help="print one JSON object per group")
    given = parser.parse_args(arguments)
    files = _files(given.paths)
    signed, n_failed = _signed(files)
    for found in group([signature for _, signature in signed]):
        names = [[str(signed[n][0]) for n in episode] for episode in found.episodes]
        sys.stdout.write(json.dumps(_data(names)) + "\n" if given.json else _text(found, names))
    return SOME_FAILED if n_failed else 0


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the media files below directories, and files as they are named."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path}: no such file or directory")
        below = sorted(one for one in path.rglob("*") if one.suffix.lower() in _SUFFIXES)
        found += below if path.is_dir() else [path]
    return found


def _signed(files: Sequence[Path]) -> tuple[list[tuple[Path, Signature]], int]:
    """Return the files that can be read with their signatures, and how many cannot."""
    n_workers = os.cpu_count() or 1
    pool = WorkerPool(n_workers, Allowance(_MEMORY_BYTES, _CPU_S), _STALL_S, Limits())
    signed: list[tuple[Path, Signature]] = []
    n_failed = 0
    try:
        with ThreadPoolExecutor(n_workers) as threads:
            futures = [(file, threads.submit(pool.sign, file)) for file in files]
            for file, future in futures:
                try:
                    signed.append((file, future.result()))
                except MitateError as error:
                    n_failed += 1
                    sys.stderr.write(f"mitate group: {file}: {error.message}\n")
    finally:
        pool.close()
    return signed, n_failed


def _data(names: Sequence[Sequence[str]]) -> dict[str, object]:
    n_files = sum(len(episode) for episode in names)
    return {"files": n_files, "relation": _relation(names), "episodes": names}


def _relation(names: Sequence[Sequence[str]]) -> str:
    if len(names) > 1:
        return "title"
    return "episode" if len(names[0]) > 1 else "alone"


def _text(found: Group, names: Sequence[Sequence[str]]) -> str:
    words = {"title": "one title", "episode": "one episode", "alone": "alone"}
    n_files = len(found.videos)
    head = f"{words[_relation(names)]}, {n_files} file{'' if n_files == 1 else 's'}\n"
    lines = [f"  {' = '.join(episode)}\n" for episode in names]
    return head + "".join(lines)
