"""How long a row, or a hold, waits before its next try: full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015)."""

from __future__ import annotations

from random import Random


def full_jitter(attempt: int, first: float, longest: float, random: Random) -> float:
    """Seconds to wait after the `attempt`-th try (1, 2, ...): uniform between 0 and min(longest, first * 2^(attempt - 1))."""
    # The exponent is bounded: 2.0 ** 1024 overflows, and 2^30 seconds is longer than any `longest`.
    return random.uniform(0.0, min(longest, first * 2.0 ** min(attempt - 1, 30)))
