"""A queue in which callers take turns, so that one with much does not keep others waiting."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Turns(Generic[Item]):
    """Items by caller; each caller's in order. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._by_caller: OrderedDict[str, deque[Item]] = OrderedDict()
        self._n_items = 0

    def __len__(self) -> int:
        return self._n_items

    def put(self, caller: str, item: Item) -> None:
        """Let an item wait behind those of its caller."""
        self._by_caller.setdefault(caller, deque()).append(item)
        self._n_items += 1

    def put_back(self, caller: str, item: Item, *, first: bool) -> None:
        """Put an item before those of its caller; with `first` that caller is the next."""
        self._by_caller.setdefault(caller, deque()).appendleft(item)
        self._n_items += 1
        if first:
            self._by_caller.move_to_end(caller, last=False)

    def pop(self) -> Item:
        """Take the first item of the next caller; there must be one."""
        caller, its = next(iter(self._by_caller.items()))
        item = its.popleft()
        self._n_items -= 1
        if its:
            self._by_caller.move_to_end(caller)
        else:
            del self._by_caller[caller]
        return item

    def remove(self, caller: str, item: Item) -> bool:
        """Take an item out wherever it stands; tell whether it was there."""
        its = self._by_caller.get(caller, deque())
        if item not in its:
            return False
        its.remove(item)
        self._n_items -= 1
        if not its:
            del self._by_caller[caller]
        return True
