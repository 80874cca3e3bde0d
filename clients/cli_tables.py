"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.padding import Padding
from rich.table import Table
from rich.text import Text


class Head(NamedTuple):
    """The head of a column."""

    text: str
    right: bool = False  # stands over numbers
    folds: bool = False  # long cells take several lines where the terminal is narrow


def table(heads: Sequence[Head], rows: Iterable[Sequence[str]]) -> Padding:
    """Return a plain, indented table."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        made.add_column(
            head.text,
            justify="right" if head.right else "left",
            no_wrap=not head.folds,
            overflow="fold" if head.folds else "ellipsis",
        )
    for row in rows:
        made.add_row(*[Text(cell) for cell in row])
    return Padding(made, (0, 0, 0, 2), expand=False)
