"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def table(
    heads: Sequence[tuple[str, bool]],  # heading, and whether it stands over numbers
    rows: Iterable[Sequence[str]],
) -> Padding:
    """Return a plain, indented table; long names are folded, numbers never."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading, numeric in heads:
        made.add_column(
            heading,
            justify="right" if numeric else "left",
            no_wrap=numeric,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*[Text(cell) for cell in row])
    return Padding(made, (0, 0, 0, 2), expand=False)
