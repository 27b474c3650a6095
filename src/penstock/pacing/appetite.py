"""Whether a worker could send faster than its part of the rate lets it, and how fast it has sent lately."""

from __future__ import annotations

from collections import deque

from penstock.pacing.stake import Need

LATELY = 5  # heartbeats
# Of what the rate brings so much may be lost to a machine that is late.
LOST = 0.1


class Appetite:
    """Feed it, with each heartbeat, the rate until then and how much of it (0..1) went unused."""

    def __init__(self) -> None:
        self._is_short = True
        self._used: deque[float] = deque([0.0], maxlen=LATELY)

    @property
    def need(self) -> Need:
        """Of the last few heartbeats the most."""
        return Need(max(self._used), self._is_short)

    def look(self, rate: float, unused: float) -> None:
        self._is_short = unused < LOST
        self._used.append(rate * (1.0 - unused))
