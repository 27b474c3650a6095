"""A handful of answers, and what they tell together: how long one takes, and how sure that is."""

from __future__ import annotations

import math

# A mean is known well enough when its standard error is a tenth of it, or when waiting for more would take too long.
SURE_ENOUGH = 0.1
LONGEST = 2.0
SHORTEST = 0.1
FEW = 10


class Window:
    """Answers from `began` on. Latencies and times in seconds; among: requests on the wire when an answer's own went out, itself
    included. least: answers below which nothing is told. round_trips: how many of them it lasts at the least."""

    __slots__ = ("_among", "_latency", "_least", "_round_trips", "_squares", "began", "count")

    def __init__(self, began: float, *, least: int = 3, round_trips: int = 1) -> None:
        self.began = began
        self.count = 0
        self._least = least
        self._round_trips = round_trips
        self._latency = 0.0
        self._squares = 0.0
        self._among = 0

    def add(self, latency: float, among: int) -> None:
        self.count += 1
        self._latency += latency
        self._squares += latency * latency
        self._among += among

    @property
    def latency(self) -> float:
        """The mean."""
        return self._latency / self.count

    @property
    def among(self) -> float:
        """The mean."""
        return self._among / self.count

    @property
    def doubt(self) -> float:
        """The standard error of the mean latency."""
        mean = self.latency
        return math.sqrt(max(0.0, self._squares / self.count - mean * mean) / self.count)

    def is_telling(self, now: float) -> bool:
        """Whether the means may be relied upon. Where few are on the wire, answers are few: then fewer must do."""
        if self.count < self._least or self.count < min(FEW, 2 * self.among):
            return False
        elapsed = now - self.began
        if elapsed < max(SHORTEST, self._round_trips * self.latency):
            return False
        return elapsed >= max(LONGEST, 3 * self.latency) or self.doubt <= SURE_ENOUGH * self.latency
