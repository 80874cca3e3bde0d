"""What waits in two priorities, callers in turn within each."""

from __future__ import annotations

from typing import Generic, TypeVar

from mitate.server.tickets import Priority, Ticket
from mitate.server.turns import Turns

Item = TypeVar("Item")
INTERACTIVE_TURNS = 4  # before one of bulk, while both wait


class Lanes(Generic[Item]):
    """A queue for each priority. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._turns: list[Turns[Item]] = [Turns() for _ in Priority]
        self._n_interactive = 0  # turns in a row while bulk waited

    def __bool__(self) -> bool:
        return any(self._turns)

    def __len__(self) -> int:
        return sum(map(len, self._turns))

    def lane(self, priority: Priority) -> Turns[Item]:
        """Return what waits in one priority."""
        return self._turns[priority]

    def put(self, ticket: Ticket, item: Item) -> None:
        """Let an item wait."""
        self._turns[ticket.priority].put(ticket.caller, item)

    def order(self) -> tuple[Priority, Priority]:
        """Return which priority is next, then the other."""
        if self._n_interactive >= INTERACTIVE_TURNS:
            return Priority.BULK, Priority.INTERACTIVE
        return Priority.INTERACTIVE, Priority.BULK

    def served(self, priority: Priority, *, contended: bool) -> None:
        """Count a turn; `contended` when the other priority waited as well."""
        interactive = contended and priority is Priority.INTERACTIVE
        self._n_interactive = self._n_interactive + 1 if interactive else 0

    @property
    def contended(self) -> bool:
        """Both priorities wait."""
        return all(self._turns)
