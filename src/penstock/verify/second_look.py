"""Rows that looked wrong wait here until they are looked at again: source and store are not read at one moment, and either may be
written meanwhile. Pure: the clock is whoever's asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from penstock.rows import KeyText

# Keys are all that is remembered of such rows; so many take a few megabytes.
MOST_WAITING = 50_000


class SecondLook:
    """after: seconds from the first look to the second."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._waiting: deque[tuple[float, KeyText]] = deque()

    def add(self, keys: Sequence[KeyText], now: float) -> None:
        """Each once, in order."""
        due = now + self._after
        self._waiting.extend((due, key) for key in dict.fromkeys(keys))

    def wait(self, now: float, *, is_last: bool) -> float | None:
        """Seconds until the next may be looked at; None: nothing that must be waited for. is_last: no more will come."""
        if not self._waiting or not (is_last or len(self._waiting) > MOST_WAITING):
            return None
        return max(0.0, self._waiting[0][0] - now)

    def take(self, now: float, most: int) -> list[KeyText]:
        """Those that are due, in order, at most so many."""
        taken: list[KeyText] = []
        while self._waiting and self._waiting[0][0] <= now and len(taken) < most:
            taken.append(self._waiting.popleft()[1])
        return taken
