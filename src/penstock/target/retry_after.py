"""The Retry-After header: seconds or an HTTP date, and whatever else servers write into it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 3600.0

_SECONDS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


def seconds_to_wait(value: str, now: datetime) -> float | None:
    """Seconds from `now` on, clamped to 0..3600; None where the header says nothing that can be understood."""
    value = value.strip()
    if _SECONDS.fullmatch(value):
        seconds = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
            # "-0000" means a date in UTC whose sender knows no zone.
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST)
