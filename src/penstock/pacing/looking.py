"""A look at the unloaded API: for a moment a quarter less is sent than it bears, so that nothing queues, and answers are timed.

Every delay-based limit stands on what it takes for the unloaded latency. A minimum of past windows falls with noise and is never
seen again once there is a standing queue; so it is measured on purpose (BBR's ProbeRTT: Cardwell et al., 2016; Envoy's minRTT
window). Workers that look at different times would each see the others' queue: with several, all look at the same moments of the
ledger's clock.
"""

from __future__ import annotations

import math

from penstock.pacing.window import Window

OF_WHAT_IS_BORNE = 0.75
LEAST_ANSWERS = 20
# Slow answers to requests of the look come late: until then the fast ones are too many.
UNTIL_STEADY = 3

FIRST, LAST, TOGETHER = 4.0, 32.0, 16.0  # seconds between looks: at first, when all is confirmed, with several workers
APART = 8  # a look lasts at most one part in so many

# A latency within these of the known one confirms it.
AGREES = 0.2  # natural logarithm
IS_HIGH = 1.33
HELPS = 0.8  # with half as much on the wire, a queue would be shorter than that


class Look:
    """limit: requests on the wire at once while it lasts. baseline: the unloaded latency as known so far. before: the latency
    just now, with more on the wire."""

    def __init__(self, limit: float, *, baseline: float, before: float, now: float) -> None:
        self.limit = limit
        self.has_descended = False
        self._began = now
        self._baseline = baseline
        self._before = before
        self._steady_at = math.inf
        self._window: Window | None = None

    @property
    def value(self) -> int:
        return max(1, int(self.limit + 0.5))

    def answered(self, latency: float, among: int, now: float) -> float | None:
        """Returns the unloaded latency once it is known."""
        sent_at = now - latency
        if sent_at < self._began or among > self.value:
            return None  # sent while there was more on the wire
        self._steady_at = min(self._steady_at, sent_at + UNTIL_STEADY * self._baseline)
        if now < self._steady_at:
            return None
        if self._window is None:
            self._window = Window(now, least=LEAST_ANSWERS, round_trips=2)
        self._window.add(latency, among)
        if not self._window.is_telling(now):
            return None
        found = self._window.latency
        if found <= IS_HIGH * self._baseline or found >= HELPS * self._before or self.value == 1:
            return found
        # Much slower than it was, and faster than with more on the wire: there is a queue still.
        self.has_descended = True
        self.limit = max(1.0, self.limit / 2)
        self._began, self._before, self._steady_at, self._window = now, found, math.inf, None
        return None


class Schedule:
    """When to look: seldom while looks confirm one another, soon after something has changed, and never for long."""

    def __init__(self) -> None:
        self.due_at = math.inf
        self._every = FIRST
        self._began = 0.0
        self._workers = 1
        self._ahead = 0.0

    def share(self, workers: int, ahead: float, now: float) -> None:
        """ahead: seconds by which the clock that the workers share is ahead of `now`."""
        self._ahead = ahead
        if workers != self._workers:
            self._workers = workers
            self.soon(now)

    def soon(self, now: float) -> None:
        """What is known is in doubt."""
        self._every = FIRST
        self.due_at = min(self.due_at, self._next(now))

    def begins(self, now: float) -> None:
        self._began = now
        self.due_at = math.inf  # until it has ended

    def ended(self, *, confirms: bool, now: float) -> None:
        self._every = min(LAST, 2 * self._every) if confirms else FIRST
        self.due_at = self._next(now, now - self._began)

    def _next(self, now: float, lasted: float = 0.0) -> float:
        every = self._every if self._workers == 1 else TOGETHER
        while every < APART * lasted:
            every *= 2  # workers whose looks last a little longer than the others' still meet them every other time
        return (math.floor((now + self._ahead) / every) + 1) * every - self._ahead


def agree(one: float, other: float) -> bool:
    """Whether two latencies may be the same, measured twice."""
    return abs(math.log(one / other)) < AGREES
