"""`stop_at`: stop the run when too many of the last 1,000 finished rows failed or are in doubt."""

from __future__ import annotations

from collections import deque

WINDOW = 1000


class Mishaps:
    """most: how many bad rows among the last WINDOW finished ones are too many (math.inf: never)."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._finished = 0
        self._bad_at: deque[int] = deque()  # which of them, counted from the first

    @property
    def bad(self) -> int:
        while self._bad_at and self._bad_at[0] <= self._finished - WINDOW:
            self._bad_at.popleft()
        return len(self._bad_at)

    @property
    def seen(self) -> int:
        """How many finished rows are looked at."""
        return min(self._finished, WINDOW)

    @property
    def are_too_many(self) -> bool:
        return self.bad >= self._most

    def finished(self, rows: int = 1, *, bad: bool) -> None:
        """So many rows have ended: imported or skipped (not bad), failed or in doubt (bad)."""
        before = self._finished
        self._finished += rows
        if bad:
            self._bad_at.extend(range(before + 1, self._finished + 1))
