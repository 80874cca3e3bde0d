"""Results that are slow to make, kept as files outside the repository until their inputs change."""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Made = TypeVar("Made")


def default_folder() -> Path:
    """Return the user's cache folder for this bench."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mitate-bench"


def key_of(*parts: Any) -> str:
    """Return a short hash of anything that prints the same when it is the same."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


class Cache:
    """A folder of pickles. Only files that this bench wrote itself are read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, *names: str) -> Path:
        """Return where something is kept."""
        *folders, name = names
        return self._folder.joinpath(*folders, f"{name}.pickle")

    def has(self, *names: str) -> bool:
        """Tell whether something is kept."""
        return self.path(*names).is_file()

    def get(self, *names: str) -> Any:
        """Read what is kept."""
        with self.path(*names).open("rb") as file:
            return pickle.load(file)

    def put(self, value: Any, *names: str) -> None:
        """Keep something; a reader sees all of it or nothing."""
        path = self.path(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)
        Path(temporary).replace(path)

    def of(self, make: Callable[[], Made], *names: str) -> Made:
        """Read what is kept, or make and keep it."""
        if not self.has(*names):
            self.put(make(), *names)
        made: Made = self.get(*names)
        return made
