"""A token bucket: at most `rate` requests a second, with bursts of at most one and what a tenth of a second brings."""

from __future__ import annotations

import math


class TokenBucket:
    """rate: requests per second, math.inf for no limit. Times are seconds on any steady clock."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = 1.0
        self._at = now
        self._brought = self._spilled = 0.0  # since `unused` was asked last
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
        if now >= self._at and self._tokens >= 1.0:
            return 0.0
        return self._at - now + max(0.0, 1.0 - self._tokens) / self._rate if self._rate > 0 else math.inf

    @property
    def whole(self) -> int:
        """How many requests may go at once, when `delay` was 0.0."""
        return int(self._tokens)

    def take(self, requests: int) -> None:
        """So many requests go. Call `delay` first."""
        if self.is_limiting:
            self._tokens -= requests

    def begin_at(self, at: float, tokens: float) -> None:
        """Nothing more is saved up before; then there are so many tokens."""
        self._tokens, self._at = tokens, at

    def unused(self, now: float) -> float:
        """Of what the rate has brought since this was asked last, how much nobody wanted: 0.0 to 1.0."""
        self._refill(now)
        unused = self._spilled / self._brought if self._brought > 0.0 else 0.0
        self._brought = self._spilled = 0.0
        return unused

    def _refill(self, now: float) -> None:
        if now <= self._at:
            return
        if self._rate != math.inf:
            brought = (now - self._at) * self._rate
            full = self._tokens + brought
            self._tokens = min(self._burst(), full)
            self._brought += brought
            self._spilled += full - self._tokens
        self._at = now

    def _burst(self) -> float:
        return 1.0 + self._rate * 0.1 if self._rate != math.inf else 1.0
