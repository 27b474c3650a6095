"""`stop_at`: stop the run when too many of the last 1,000 finished rows failed or are in doubt."""

from __future__ import annotations

from collections import deque

WINDOW = 1000


class Mishaps:
    """most: how many bad rows among the last WINDOW finished ones are too many (math.inf: never)."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._bad = 0

    @property
    def bad(self) -> int:
        return self._bad

    @property
    def seen(self) -> int:
        """How many finished rows are looked at."""
        return len(self._recent)

    @property
    def are_too_many(self) -> bool:
        return self._bad >= self._most

    def finished(self, *, bad: bool) -> None:
        """A row has ended: imported or skipped (not bad), failed or in doubt (bad)."""
        if len(self._recent) == WINDOW and self._recent[0]:
            self._bad -= 1
        self._recent.append(bad)
        self._bad += bad
