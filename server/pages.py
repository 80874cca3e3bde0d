"""Pages of a list in the order of ids, and the tokens that lead from one to the next."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar

from mitate.kernels.errors import InvalidArgument
from mitate.server.placement import MAX_ID

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list; `next_page_token` is empty on the last one."""

    items: tuple[T, ...]
    next_page_token: str
    total_size: int


def check_page_size(page_size: int) -> int:
    """Return the size to use: 0 means the default, larger than allowed means the largest."""
    if page_size < 0:
        raise InvalidArgument(f"page_size is {page_size}; it must be 0 or larger")
    return min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def token_after(scope: str, last_id: int) -> str:
    """Return the token of the page after `last_id` of the list that `scope` names."""
    return base64.urlsafe_b64encode(f"{scope}:{last_id}".encode()).decode().rstrip("=")


def last_id_of(scope: str, token: str) -> int:
    """Return the id to go on after; 0 for the first page, which has no token."""
    if not token:
        return 0
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        found, _, number = base64.b64decode(padded, b"-_", validate=True).decode().rpartition(":")
        last_id = int(number)
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument(f"page_token {token[:80]!r} was not made by this server") from error
    if found != scope or not 0 <= last_id <= MAX_ID:
        raise InvalidArgument(f"page_token {token[:80]!r} belongs to another list")
    return last_id
