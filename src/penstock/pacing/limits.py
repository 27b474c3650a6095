"""How many requests may be on the wire at once when the job file does not say: a limit that finds out what the API bears."""

from __future__ import annotations


class AdaptiveLimit:
    """`concurrency: auto`: slow start, then one more per round trip while latency stays near its best; a third less, at most once
    a round trip, when the API throttles or fails (additive increase, multiplicative decrease: Chiu and Jain, 1989).

    Latency counts as near its best up to twice the best seen or 10 ms above it, whichever is more: an idle loopback API answers
    in fractions of a millisecond, and twice that is no sign of load.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = 1.0
        self._slow_start = True
        self._best = float("inf")
        self._smooth = 0.0
        self._cut_at = float("-inf")

    @property
    def value(self) -> int:
        """Requests that this worker may have on the wire at once."""
        return int(self._limit)

    def answered(self, latency: float, now: float) -> None:
        """A request came back in good order after `latency` seconds."""
        self._best = min(self._best, latency)
        self._smooth = latency if self._smooth == 0.0 else 0.9 * self._smooth + 0.1 * latency
        if self._smooth > max(2 * self._best, self._best + 0.010):
            self._slow_start = False
            if self._smooth > max(4 * self._best, self._best + 0.050):
                self._cut(0.9, now)
        else:
            self._limit = min(self._most, self._limit + (1.0 if self._slow_start else 1.0 / self._limit))

    def overloaded(self, now: float) -> None:
        """The API throttled, failed or did not answer in time."""
        self._slow_start = False
        self._cut(2 / 3, now)

    def _cut(self, factor: float, now: float) -> None:
        # Every request that was on the wire tells of the same overload: only the first one within a round trip counts.
        if now - self._cut_at > max(self._smooth, 0.05):
            self._cut_at = now
            self._limit = max(1.0, self._limit * factor)
