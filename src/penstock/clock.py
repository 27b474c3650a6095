"""The two clocks penstock reads itself. Ownership is never decided by either: leases are timed by the ledger's database."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def boottime(self) -> float:
        """Seconds on a clock that never jumps and that runs on while the machine is suspended."""
        ...

    def now(self) -> datetime:
        """The wall clock, in UTC; for people and Retry-After dates only."""
        ...


class SystemClock:
    """The machine's clocks. CLOCK_MONOTONIC stands still during a suspend, so CLOCK_BOOTTIME is read where it exists."""

    def __init__(self) -> None:
        self._clock_id = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def boottime(self) -> float:
        return time.clock_gettime(self._clock_id)

    def now(self) -> datetime:
        return datetime.now(UTC)
