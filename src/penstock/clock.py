"""The two clocks penstock reads itself. Ownership is never decided by either: leases are timed by the ledger's database."""

import time
from datetime import UTC, datetime
from functools import partial
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

    # Asked several times a row, so without a call of Python's own in between.
    boottime = staticmethod(partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)))

    def now(self) -> datetime:
        return datetime.now(UTC)
