"""Which files the arguments of a command stand for, and how files are written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mitate.kernels.errors import InvalidArgument, InvalidMedia, MitateError, PermissionRefused

_VIDEOS = (
    "3gp asf avi divx f4v flv m2ts m2v m4v mkv mov mp4 mpeg mpg mts mxf ogm ogv rm rmvb ts vob "
    "webm wmv y4m"
)
_PICTURES = "apng avif bmp gif jfif jpe jpeg jpg png tif tiff webp"
MEDIA_SUFFIXES = frozenset("." + suffix for suffix in f"{_VIDEOS} {_PICTURES}".split())


@dataclass(frozen=True, slots=True)
class Job:
    """One file to process, or the error in its place."""

    file: str  # as it was named
    error: MitateError | None = None


def expand(arguments: list[str]) -> list[Job]:
    """Return the files that arguments name, in order; directories are searched for media.

    A file that is named is always taken. Below a directory suffixes decide, and what is hidden is
    left out.
    """
    jobs: list[Job] = []
    for argument in arguments:
        jobs += _below(argument) if os.path.isdir(argument) else [Job(argument)]
    return jobs


def _below(directory: str) -> list[Job]:
    unreadable: list[OSError] = []
    found: list[str] = []
    for folder, folders, names in os.walk(directory, onerror=unreadable.append):
        folders[:] = sorted((name for name in folders if name[0] != "."), key=_in_order)
        found += [
            os.path.join(folder, name)
            for name in sorted(names, key=_in_order)
            if name[0] != "." and os.path.splitext(name)[1].lower() in MEDIA_SUFFIXES
        ]
    failed = [
        Job(
            str(error.filename or directory),
            PermissionRefused(f"{error.filename}: cannot be listed: {error.strerror}"),
        )
        for error in unreadable
    ]
    if not found and not failed:
        refusal = InvalidMedia(f"{directory}: no video or picture file in this directory")
        return [Job(directory, refusal)]
    return [Job(path) for path in found] + failed


def _in_order(name: str) -> list[tuple[int, int, str]]:
    """Sort key by which episode 2 stands before episode 10."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def targets(files: list[str], path: Path) -> dict[str, Path]:
    """Return where what is made of each file goes, if `path` was named for it.

    That is `path` itself for a single file. Several go beside it, each with the stem of its file
    before the name: STEM-NAME, or STEM-2-NAME and so on where stems are the same.
    """
    if len(set(files)) == 1:
        return {files[0]: path}
    found: dict[str, Path] = {}
    counts: dict[str, int] = {}
    for file in dict.fromkeys(files):
        stem = Path(file).stem
        counts[stem] = counts.get(stem, 0) + 1
        numbered = stem if counts[stem] == 1 else f"{stem}-{counts[stem]}"
        found[file] = path.with_name(f"{numbered}-{path.name}")
    return found


def check_apart(target: Path, files: Iterable[str | os.PathLike[str]]) -> None:
    """Raise InvalidArgument if writing `target` would destroy one of the files that are read."""
    for file in files:
        with suppress(OSError):
            if os.path.samefile(target, file):
                raise InvalidArgument(
                    f"{target} is the file {file} that is read; another is needed"
                )


def check_writable(target: Path) -> None:
    """Raise InvalidArgument for what `write_file` could not write, before long work."""
    if target.is_dir():
        raise InvalidArgument(f"{target} is a directory; a file is needed")
    folder = next(one for one in target.absolute().parents if one.exists())
    if not folder.is_dir():
        raise InvalidArgument(f"{target}: {folder} is no directory")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidArgument(f"{target}: the directory {folder} cannot be written to")


def write_file(target: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        PermissionRefused: it cannot be written.
    """
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        unfinished.replace(target)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise PermissionRefused(f"{target}: cannot be written: {error.strerror}") from error
