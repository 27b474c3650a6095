"""The most that an API has let in: what it rejected above, and how to feel for more.

A rejection lowers the ceiling to what was on the wire without it; those that follow lower it further and further, so that a
drop to a tenth is found in a few of them. While nothing is rejected it rises by one, two, four, ...; when the very first step is
too much, the next one waits twice as long (in the manner of CUBIC's plateau around the last loss: Ha, Rhee, Xu, 2008).
"""

from __future__ import annotations

import math

CALM = 0.5  # seconds, or two round trips: a rejection within them belongs to the one before
FACTORS = (1.0, 0.95, 0.8, 0.5)
MOST_PATIENCE = 16.0


class Ceiling:
    """value: requests on the wire at once; math.inf as long as nothing was rejected."""

    def __init__(self) -> None:
        self.value = math.inf
        self._lowered_at = -math.inf
        self._in_a_row = 0
        self._step = 1
        self._patience = 1.0
        self._raise_at = math.inf

    def lower(self, upto: float, *, sent_at: float, round_trip: float, now: float) -> bool:
        """`upto` is what may be borne. Returns False if the request went out before the ceiling was lowered last, when it tells
        nothing new. round_trip: seconds."""
        if sent_at < self._lowered_at:
            return False
        calm = max(CALM, 2 * round_trip)
        if now - self._lowered_at < calm:
            self._in_a_row = min(self._in_a_row + 1, len(FACTORS) - 1)
            self._patience = 1.0
        else:
            self._in_a_row = 0
            if self._step == 2:  # the first step was too much already
                self._patience = min(MOST_PATIENCE, 2 * self._patience)
        self.value = max(1.0, min(self.value, upto) * FACTORS[self._in_a_row])
        self._step = 1
        self._lowered_at = now
        self._raise_at = now + calm * self._patience
        return True

    def rise(self, *, round_trip: float, now: float) -> None:
        """It has been reached. Call it now and then: it rises when it has been calm for long enough."""
        if now < self._raise_at:
            return
        if self._step > 1:
            self._patience = 1.0
        self.value += self._step
        self._step *= 2
        self._raise_at = now + max(CALM, 2 * round_trip)
