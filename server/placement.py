"""Where a new source goes, and what names, ids and references may look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from mitate.kernels.errors import InvalidArgument

MAX_NAME_CHARS = 500
MAX_REF_CHARS = 200
MAX_PROVIDER_CHARS = 40
MAX_REFS = 64
MAX_ID = 2**63 - 1

_PROVIDER = re.compile(r"[a-z0-9._-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, surrogate, line and paragraph separator


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a new source goes. With nothing given it becomes an episode of its own.

    `title` is found by its name or created. Without a title a new one is created and named after
    the file, also when another has that name, so that unrelated files never end up in one title.
    `episode` is found by its label within the title or created, and becomes the file's episode.
    Without a label a new episode is created and labelled with the file's stem. `refs` go to the
    episode, on top of those it has.
    """

    title: str | None = None
    episode: str | None = None
    refs: Mapping[str, str] = field(default_factory=dict)
    episode_id: int | None = None  # add another source to this episode
    replace_episode_id: int | None = None  # take the place of everything this episode holds

    def checked(self) -> Placement:
        """Return this placement with its texts in normal form.

        Raises:
            InvalidArgument: a text or an id is not allowed, or two places are named.
        """
        by_id = {
            "episode_id": self.episode_id,
            "replace_episode_id": self.replace_episode_id,
        }
        by_name = {"title": self.title, "episode": self.episode}
        for what, number in by_id.items():
            if number is not None:
                check_id(what, number)
        given_ids = [what for what, number in by_id.items() if number is not None]
        given_names = [what for what, name in by_name.items() if name is not None]
        if len(given_ids) > 1 or (given_ids and given_names):
            given = ", ".join(given_ids + given_names)
            raise InvalidArgument(
                f"{given} are given together; give episode_id or replace_episode_id alone, "
                f"or title and episode"
            )
        return replace(
            self,
            title=None if self.title is None else check_name("title", self.title),
            episode=None if self.episode is None else check_name("episode", self.episode),
            refs=check_refs(self.refs),
        )


def check_name(what: str, name: str) -> str:
    """Return `name` without spaces around it, in Unicode form NFC."""
    name = unicodedata.normalize("NFC", name.strip())
    if not name:
        raise InvalidArgument(f"{what} is empty; 1 to {MAX_NAME_CHARS} characters are allowed")
    if len(name) > MAX_NAME_CHARS:
        raise InvalidArgument(
            f"{what} has {len(name)} characters ({name[:40]!r} …); "
            f"1 to {MAX_NAME_CHARS} are allowed"
        )
    _check_visible(what, name)
    return name


def check_refs(refs: Mapping[str, str]) -> dict[str, str]:
    """Return references by provider in the order of the providers' names."""
    if len(refs) > MAX_REFS:
        raise InvalidArgument(f"{len(refs)} references; at most {MAX_REFS} are allowed")
    return {provider: _check_ref(provider, refs[provider]) for provider in sorted(refs)}


def check_id(what: str, number: int) -> int:
    """Return `number` when it can be the id of something."""
    if not 1 <= number <= MAX_ID:
        raise InvalidArgument(f"{what} is {number}; ids are 1 to {MAX_ID}")
    return number


def check_sha256(text: str) -> str:
    """Return a SHA-256 as 64 lower-case hexadecimal digits."""
    lower = text.lower()
    if not _SHA256.fullmatch(lower):
        raise InvalidArgument(f"sha256 is {text[:80]!r}; 64 hexadecimal digits are allowed")
    return lower


def file_label(file_name: str) -> tuple[str, str]:
    """Return the name of a file without its folder, and its stem, both fit to be shown.

    Characters that cannot be shown are replaced, since people do not choose them.
    """
    name = "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in _HIDDEN else letter
        for letter in PurePosixPath(file_name).name
    )
    stem = PurePosixPath(name).stem[:MAX_NAME_CHARS]
    return check_name("file name", name[:MAX_NAME_CHARS]), check_name("title", stem.strip() or name)


def _check_ref(provider: str, number: str) -> str:
    if len(provider) > MAX_PROVIDER_CHARS or not _PROVIDER.fullmatch(provider):
        raise InvalidArgument(
            f"provider {provider[:80]!r} of a reference; 1 to {MAX_PROVIDER_CHARS} characters "
            f"a-z 0-9 . _ - are allowed"
        )
    number = number.strip()
    if not 1 <= len(number) <= MAX_REF_CHARS:
        raise InvalidArgument(
            f"reference {provider} has an id of {len(number)} characters; "
            f"1 to {MAX_REF_CHARS} are allowed"
        )
    _check_visible(f"reference {provider}", number)
    return number


def _check_visible(what: str, text: str) -> None:
    if any(unicodedata.category(letter) in _HIDDEN for letter in text):
        raise InvalidArgument(f"{what} is {text!r}; control characters are not allowed")
