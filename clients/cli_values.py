"""What the values of arguments may be; each refuses what is not allowed, naming what is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from mitate.clients.address import check_addresses
from mitate.kernels.errors import InvalidArgument


def share(text: str) -> float:
    """Return a share above 0, at most 1."""
    return _number(text, 1.0, "a share above 0, at most 1, is needed")


def seconds(text: str) -> float:
    """Return a time above 0."""
    return _number(text, sys.float_info.max, "a number of seconds above 0 is needed")


def _number(text: str, largest: float, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= largest:
        raise argparse.ArgumentTypeError(f"{text!r}; {wanted}")
    return value


def _checked(test: Callable[[str], bool], wanted: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not test(text):
            raise argparse.ArgumentTypeError(f"{text!r}; {wanted}")
        return text

    return check


def _is_text(text: str) -> bool:
    return 1 <= len(text.strip()) <= 500 and not any("\ud800" <= c <= "\udfff" for c in text)


def _is_number(text: str, largest: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= largest


text = _checked(_is_text, "1 to 500 characters are allowed")


def addresses(text: str) -> str:
    """Return one or more addresses, separated by commas."""
    try:
        return ",".join(check_addresses(text))
    except InvalidArgument as error:
        raise argparse.ArgumentTypeError(error.message) from error


def id_number(text: str) -> int:
    """Return the id of something stored."""
    return int(_checked(lambda t: _is_number(t, 2**63 - 1), "an id, 1 or larger, is needed")(text))


def count(text: str) -> int:
    """Return a number of things, 1 to 100."""
    return int(_checked(lambda t: _is_number(t, 100), "1 to 100 are allowed")(text))


def png(text: str) -> Path:
    """Return the path of a PNG file."""
    return Path(_checked(lambda t: t.lower().endswith(".png"), "a name in .png is needed")(text))


def reference(text: str) -> tuple[str, str]:
    """Return provider and id of an external reference."""
    provider, equals, number = text.partition("=")
    if not (equals and _is_text(provider) and _is_text(number)):
        raise argparse.ArgumentTypeError(f"{text!r}; PROVIDER=ID is needed")
    return provider.strip(), number.strip()
