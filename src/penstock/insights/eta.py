"""How fast the whole job goes and when it will be through.

Measured on the ledger's counts, so that the work of other machines counts too; and from the last minute alone, so that neither a
restart nor the hours before it distort what is said about the time that is left.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from penstock.insights.totals import Totals

WINDOW = 60.0  # seconds looked back
SOONEST = 2.0  # seconds of data below which nothing is said


class _Sample(NamedTuple):
    at: float
    done: int


class Speedometer:
    """Fed with (seconds on any steady clock, finished rows of the job); tells rows per second over the last minute."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque()

    def observe(self, at: float, done: int) -> None:
        self._samples.append(_Sample(at, done))
        # The first sample kept is the last one that is a whole window old.
        while len(self._samples) > 2 and at - self._samples[1].at >= WINDOW:
            self._samples.popleft()

    @property
    def rows_per_second(self) -> float | None:
        """None until there is enough to go by. Never below zero: `retry` takes finished rows back."""
        if len(self._samples) < 2:
            return None
        first, last = self._samples[0], self._samples[-1]
        seconds = last.at - first.at
        return max(0.0, (last.done - first.done) / seconds) if seconds >= SOONEST else None


def seconds_left(totals: Totals, rows_per_second: float | None) -> float | None:
    """None where nothing can be said: the total is not known, or nothing moves."""
    if totals.left == 0:
        return 0.0
    if totals.left is None or not rows_per_second:
        return None
    return totals.left / rows_per_second
