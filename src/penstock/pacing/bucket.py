"""A token bucket: at most `rate` requests a second, with bursts of at most a tenth of a second's worth."""

from __future__ import annotations

import math


class TokenBucket:
    """rate: requests per second, math.inf for no limit. Times are seconds on any steady clock."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = 1.0
        self._at = now
        self.is_limiting = rate != math.inf

    def set_rate(self, rate: float, now: float) -> None:
        """From now on at this rate; what has been saved up is kept within the new burst."""
        self._refill(now)
        self._rate = rate
        self.is_limiting = rate != math.inf
        self._tokens = min(self._tokens, self._burst())

    def delay(self, now: float) -> float:
        """Seconds until a request may go; 0.0 if one may go now."""
        if not self.is_limiting:
            return 0.0
        self._refill(now)
        if self._tokens >= 1.0:
            return 0.0
        return (1.0 - self._tokens) / self._rate if self._rate > 0 else math.inf

    def take(self) -> None:
        """A request goes. Call `delay` first."""
        if self.is_limiting:
            self._tokens -= 1.0

    def _refill(self, now: float) -> None:
        if self._rate != math.inf:
            self._tokens = min(self._burst(), self._tokens + (now - self._at) * self._rate)
        self._at = now

    def _burst(self) -> float:
        return max(1.0, self._rate * 0.1) if self._rate != math.inf else 1.0
