"""Which clips there are: titles, their episodes, and the clip that stands for each episode.

A title is the unit that is drawn and left out when figures are fitted. Episodes of one title share
characters and drawing. Other encodes of an episode's moments are queries of their own family.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

VIDEO_SUFFIXES = frozenset({".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})
PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})
# Content that the manifest names apart though it is part of another: the same first half minute.
_PART_OF = {"bbb-npm": "bbb"}
LENGTHS_ALIKE_S = 5  # by which files of one episode differ without one being the longer
STILLS_APART = "thequestion"  # stills that show nothing of any clip


@dataclass(frozen=True, slots=True)
class Clip:
    """A file that stands for an episode, and other encodes of the same."""

    number: int  # its id in every index
    path: Path
    title: str
    episode: str
    others: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """What the bench is made from."""

    clips: tuple[Clip, ...]
    stills: tuple[Path, ...]  # only ever distractors

    def same_title(self, clip: Clip) -> list[Clip]:
        """Return the clips of the title of `clip`, itself included."""
        return [other for other in self.clips if other.title == clip.title]

    def with_others(self) -> Media:
        """Return every file as a clip of its own; those that stand for an episode keep numbers."""
        others = [(clip, path) for clip in self.clips for path in clip.others]
        added = (
            Clip(number, path, clip.title, clip.episode)
            for number, (clip, path) in enumerate(others, len(self.clips))
        )
        return Media((*self.clips, *added), self.stills)


def find(media: Path) -> Media:
    """Read the clips of a folder, with its manifest.csv where there is one beside it."""
    folder = media / "clips" if (media / "clips").is_dir() else media
    manifest = folder.parent / "manifest.csv"
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES)
    rows = _rows(manifest) if manifest.is_file() else {}
    groups: defaultdict[tuple[str, str], list[Path]] = defaultdict(list)
    for path in paths:
        groups[_keys(path, rows.get(path.name, {}))].append(path)
    clips = []
    for number, ((title, episode), members) in enumerate(sorted(groups.items())):
        main, *others = sorted(members, key=lambda p: _worth(p, rows), reverse=True)
        clips.append(Clip(number, main, title, episode, tuple(others)))
    return Media(tuple(clips), tuple(_stills(folder.parent / "stills")))


def _rows(manifest: Path) -> dict[str, dict[str, str]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def _keys(path: Path, row: dict[str, str]) -> tuple[str, str]:
    """Return title and episode: of a series every file is an episode of its own."""
    relation = row.get("relation", "")
    series = re.match(r"(\w+) series:", relation)
    if series:
        return series[1], path.stem
    title = row.get("title", path.stem)
    content = re.match(r"([\w-]+):", relation)
    return title, _PART_OF.get(content[1], content[1]) if content else title


def _worth(path: Path, rows: dict[str, dict[str, str]]) -> tuple[int, int, int]:
    """Prefer the long, then the large."""
    row = rows.get(path.name)
    size = path.stat().st_size
    if row is None:
        return 0, 0, size
    area = int(row["width"]) * int(row["height"])
    return round(float(row["duration_s"]) / LENGTHS_ALIKE_S), area, size


def _stills(folder: Path) -> Iterable[Path]:
    """Return the pictures that belong to no clip: drawings from a game."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and path.name.startswith(STILLS_APART)
    )
