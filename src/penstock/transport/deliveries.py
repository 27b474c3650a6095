"""Which numbers have arrived, which are taken, and which messages are to be acknowledged with them. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

M = TypeVar("M", bound=Hashable)


class Deliveries(Generic[M]):
    """M: a message, as whoever acknowledges it knows it.

    A broker may hand out a number twice: published twice, or out again after a connection broke. While it is taken, it is
    given to nobody else, and its messages wait to be acknowledged together.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, None] = OrderedDict()
        self._taken: set[int] = set()
        self._messages: dict[int, list[M]] = {}

    @property
    def is_any_waiting(self) -> bool:
        return bool(self._waiting)

    def arrived(self, range_no: int, message: M) -> None:
        self._messages.setdefault(range_no, []).append(message)
        if range_no not in self._taken:
            self._waiting[range_no] = None

    def take(self) -> int | None:
        """The one that has waited longest."""
        if not self._waiting:
            return None
        range_no, _ = self._waiting.popitem(last=False)
        self._taken.add(range_no)
        return range_no

    def done(self, range_no: int) -> list[M]:
        """The messages to acknowledge: () for a number that nobody knows."""
        self._taken.discard(range_no)
        self._waiting.pop(range_no, None)
        return self._messages.pop(range_no, [])

    def lost(self) -> None:
        """The broker takes all messages back and will hand them out again. What is taken stays so."""
        self._waiting.clear()
        self._messages.clear()
